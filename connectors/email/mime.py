"""Mail structure: headers, texts and files, read leniently. Nothing here raises on what a stranger wrote."""

import base64
import binascii
import email
import email.policy
import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.message import Message as Mail
from email.utils import getaddresses, parsedate_to_datetime
from urllib.parse import unquote_to_bytes

from connectors.email.charset import declared, decode
from connectors.email.repair import repair

MAX_PARTS = 200
MAX_DEPTH = 20
MAX_HEADERS = 64 * 2**10
MAX_HEADER = 8 * 2**10
_WORD = re.compile(r"=\?([^?\s*]{1,40})(?:\*[^?\s]*)?\?([bBqQ])\?([^?]*)\?=")
_BETWEEN_WORDS = re.compile(r"(?<=\?=)[ \t\r\n]+(?==\?)")
_IDS = re.compile(r"<([^<>\s]{1,500})>")
_UNSAFE = re.compile(r"[\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_FILE_UNSAFE = re.compile(r'[\\/:*?"<>|]')


def parse(raw: bytes) -> Mail:
    """The mail, with headers as they came (the lazy policy: stdlib's strict header parser can raise on some)."""
    raw = raw.lstrip(b"\r\n")
    head = re.search(rb"\r?\n\r?\n", raw[: MAX_HEADERS + 4])
    if head is None and len(raw) > MAX_HEADERS:
        raw = raw[:MAX_HEADERS] + b"\r\n\r\n" + raw[MAX_HEADERS:]
    mail = email.message_from_bytes(raw, policy=email.policy.compat32)
    repair(mail)
    return mail


def headers(mail: Mail, name: str) -> list[str]:
    """All values of a header, unfolded and decoded."""
    wanted = name.lower()
    return [text(value) for key, value in mail.raw_items() if key.lower() == wanted]


def header(mail: Mail, name: str) -> str:
    """The first value of a header, "" when absent."""
    return next(iter(headers(mail, name)), "")


def text(value: object) -> str:
    """A header's value: encoded words in any charset, raw 8-bit bytes, folding; at most 8 kB of it."""
    line = re.sub(r"\r?\n[ \t]*|\r", " ", str(value)[:MAX_HEADER])
    if any("\udc80" <= char <= "\udcff" for char in line):
        line = decode(line.encode("utf-8", "surrogateescape"))[0]
    return _UNSAFE.sub("", decode_words(line)).strip()


def decode_words(line: str) -> str:
    """RFC 2047, with neighbours of one charset joined as bytes first: clients split characters over two words."""
    line = _BETWEEN_WORDS.sub("", line)
    out: list[str] = []
    pending, label, at = bytearray(), "", 0
    for word in _WORD.finditer(line):
        if pending and (word.start() != at or word[1].lower() != label):
            out.append(decode(bytes(pending), label)[0])
            pending.clear()
        out.append(line[at : word.start()])
        label = word[1].lower()
        pending += _word_bytes(word[2], word[3])
        at = word.end()
    if pending:
        out.append(decode(bytes(pending), label)[0])
    return "".join((*out, line[at:]))


def _word_bytes(encoding: str, body: str) -> bytes:
    data = body.encode("utf-8", "surrogateescape")
    if encoding in "qQ":
        return quopri.decodestring(data.replace(b"_", b"=20"), header=False)
    return _base64(data)


def _base64(data: bytes) -> bytes:
    data = re.sub(rb"[^A-Za-z0-9+/]", b"", data)
    if len(data) % 4 == 1:
        data = data[:-1]
    try:
        return base64.b64decode(data + b"=" * (-len(data) % 4))
    except (binascii.Error, ValueError):
        return b""


def ids(value: str) -> list[str]:
    """Message-IDs between angle brackets: some clients write commas or nothing between them. With brackets."""
    return [f"<{found}>" for found in _IDS.findall(value)]


def addresses(mail: Mail, *names: str) -> list[tuple[str, str]]:
    """(display name, address in lower case) of all headers named; addresses without @ are left out."""
    pairs: list[tuple[str, str]] = []
    for name in names:
        for key, value in mail.raw_items():
            if key.lower() != name.lower():
                continue
            line = re.sub(r"\r?\n[ \t]*|\r", " ", str(value)[:MAX_HEADER])
            # encoded words are decoded after parsing: a decoded comma or bracket would make a second address
            for label, address in getaddresses([line]):
                found = text(address).lower().strip("<>'\" ")
                if re.fullmatch(r"[^\s@<>,;]+@[^\s@<>,;]+", found):
                    pairs.append((text(label).strip("'\" "), found))
    return pairs


def date(mail: Mail) -> datetime | None:
    """The mail's own date, or None when it is unreadable or absurd."""
    try:
        found = parsedate_to_datetime(header(mail, "Date"))
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    return found if 1990 < found.year < 2200 else None


@dataclass(frozen=True, slots=True)
class Leaf:
    """One part of a mail that is no container. `number` counts parts from the outside in, as the mail is read."""

    number: int
    part: Mail
    kind: str  # media type in lower case
    name: str
    cid: str
    location: str
    attached: bool

    @property
    def text_body(self) -> str:
        """The part as text, with format=flowed put together again."""
        charset = _parameter(self.part, "Content-Type", "charset")
        data = body(self.part)
        if self.kind == "text/html":
            charset = declared(data, charset)
        found = decode(data, charset)[0].replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
        if _parameter(self.part, "Content-Type", "format").lower() == "flowed":
            found = unflow(found, delsp=_parameter(self.part, "Content-Type", "delsp").lower() == "yes")
        return found


def leaves(mail: Mail) -> list[Leaf]:
    """The parts in reading order, at most 200 and 20 deep. A mail inside a mail is one attachment."""
    found: list[Leaf] = []
    for number, part in enumerate(_walk(mail, 0)):
        if number >= MAX_PARTS:
            break
        kind = media_type(part)
        container = part.is_multipart() and kind.startswith("multipart/")
        if container:
            continue
        disposition = header(part, "Content-Disposition").partition(";")[0].strip().lower()
        name = file_name(part)
        attached = disposition == "attachment" or bool(name)
        cid = header(part, "Content-ID").strip("<> ")
        found.append(Leaf(number, part, kind, name, cid, header(part, "Content-Location"), attached))
    if found and not any(leaf.kind in {"text/plain", "text/html"} and not leaf.attached for leaf in found):
        # a mail whose only text has a file name: the name is a mistake when nothing else could be the body
        body_at = next((at for at, leaf in enumerate(found) if leaf.kind in {"text/plain", "text/html"}), None)
        single = len(found) == 1 or media_type(mail) == "multipart/alternative"
        if body_at is not None and single:
            found[body_at] = replace(found[body_at], attached=False)
    return found


def _walk(part: Mail, depth: int) -> Iterator[Mail]:
    yield part
    payload = part.get_payload() if part.is_multipart() else None
    if isinstance(payload, list) and media_type(part).startswith("multipart/") and depth < MAX_DEPTH:
        for child in payload:
            if isinstance(child, email.message.Message):
                yield from _walk(child, depth + 1)


def media_type(part: Mail) -> str:
    """Lower-case media type; what says nothing, or nonsense, is text when it is the mail itself."""
    value = header(part, "Content-Type").partition(";")[0].strip().lower()
    if re.fullmatch(r"[\w.+-]+/[\w.+-]+", value):
        return value
    return "text/plain" if value in {"", "text"} else "application/octet-stream"


def body(part: Mail) -> bytes:
    """The part's bytes, decoded; a broken encoding gives what could be read."""
    payload = (
        part.get_payload() if part.is_multipart() else None
    )  # a text would be decoded by its label, which can raise
    if isinstance(payload, list):
        inner = payload[0] if payload else None
        return inner.as_bytes() if isinstance(inner, email.message.Message) else b""
    data = part.get_payload(decode=True)  # without decode, 8-bit text would be decoded by its label, with losses
    return data if isinstance(data, bytes) else b""


def file_name(part: Mail) -> str:
    """A safe file name: RFC 2231, RFC 2047 where it is not allowed, raw bytes, names without quotes; "" if none."""
    for field, key in (("Content-Disposition", "filename"), ("Content-Type", "name")):
        found = _parameter(part, field, key)
        if found:
            return clean_name(found)
    return ""


def clean_name(name: str) -> str:
    """No folders, no control or direction characters, at most 120 bytes with the ending kept."""
    name = _UNSAFE.sub("", name).replace("\\", "/").rsplit("/", 1)[-1]
    name = _FILE_UNSAFE.sub("_", name).strip(". ")
    if len(name.encode("utf-8", "replace")) > 120:
        stem, dot, ending = name.rpartition(".")
        if not dot or len(ending) > 10:
            stem, ending = name, ""
        context = 119 - len(ending.encode())
        name = stem.encode()[:context].decode("utf-8", "ignore") + (f".{ending}" if ending else "")
    return name


def _parameter(part: Mail, field: str, key: str) -> str:
    """One parameter of a structured header, read by hand because the usual mistakes are the common case."""
    raw = next((str(value) for name, value in part.raw_items() if name.lower() == field.lower()), "")[:MAX_HEADER]
    raw = re.sub(r"\r?\n[ \t]*|\r", " ", raw)
    if any("\udc80" <= char <= "\udcff" for char in raw):
        raw = decode(raw.encode("utf-8", "surrogateescape"))[0]
    found: dict[str, str] = {}
    for piece in _pieces(raw)[1:]:
        name, equals, value = piece.partition("=")
        if equals:
            value = value.strip()
            quoted = len(value) > 1 and value[0] == '"' == value[-1]
            found.setdefault(name.strip().lower(), re.sub(r"\\(.)", r"\1", value[1:-1]) if quoted else value)
    extended = _extended(found, key)
    return extended or decode_words(found.get(key, ""))


def _pieces(raw: str) -> list[str]:
    """Split at semicolons outside quotes."""
    pieces, start, quoted, escaped = [], 0, False, False
    for at, char in enumerate(raw):
        if escaped:
            escaped = False
        elif char == "\\" and quoted:
            escaped = True
        elif char == '"':
            quoted = not quoted
        elif char == ";" and not quoted:
            pieces.append(raw[start:at])
            start = at + 1
    return [*pieces, raw[start:]]


def _extended(found: dict[str, str], key: str) -> str:
    """RFC 2231: `key*=charset''percent-encoded`, possibly in numbered pieces."""
    pieces = [found[f"{key}*"]] if f"{key}*" in found else []
    coded = bool(pieces)
    data = bytearray()
    for index in range(100):
        if pieces:
            break
        plain, encoded = found.get(f"{key}*{index}"), found.get(f"{key}*{index}*")
        if plain is None and encoded is None:
            break
        if index == 0 and encoded is not None:
            coded = True
        data += unquote_to_bytes(encoded) if encoded is not None else (plain or "").encode()
    if pieces:
        data = bytearray(unquote_to_bytes(pieces[0]))
    if not data:
        return ""
    label = ""
    if coded:
        label, _, rest = bytes(data).decode("latin-1").partition("'")
        data = bytearray(rest.partition("'")[2].encode("latin-1"))
    return decode(bytes(data), label)[0]


def unflow(source: str, *, delsp: bool = False) -> str:
    """RFC 3676: lines that end with a blank go on in the next one, within the same quote depth."""
    out: list[str] = []
    depth_before = -1
    for line in source.split("\n"):
        depth = len(line) - len(line.lstrip(">"))
        content = line[depth:].removeprefix(" ")
        joins = bool(out) and depth == depth_before and out[-1].endswith(" ") and not out[-1].endswith("-- ")
        if joins:
            out[-1] = (out[-1][:-1] if delsp else out[-1]) + content
        else:
            out.append((">" * depth + " " if depth else "") + content)
        depth_before = depth
    return "\n".join(line.rstrip(" ") if line.strip() != "--" else line for line in out)
