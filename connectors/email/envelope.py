"""What the reader hands to `normalise`: the mail without its big files, and what only stored state could tell."""

import base64
import hashlib
import io
import json
from dataclasses import asdict, dataclass, field
from datetime import datetime
from email.generator import BytesGenerator
from email.message import Message as Mail
from typing import Any

from bridge.contract import Malformed
from connectors.email import mime
from connectors.email.subject import stem
from connectors.email.tnef import unpack

WHOLE = 192 * 2**10  # a mail up to this size is kept as it came
_TEXT = 256 * 2**10  # bytes of a text that is kept as it came
_CHARACTERS = 128 * 2**10  # of a longer one; more than is shown


@dataclass(frozen=True, slots=True)
class Envelope:
    """`sha256` names the whole mail in the media store, `key` this mail among all.

    `parts`: size and packed files of each leaf by number.

    `held` is why a guard keeps this mail from the other side. `echo`: it only repeats what we wrote. `complete`: False
    when the mail was too large to read.
    """

    mail: bytes
    sha256: str = ""
    size: int = 0
    received: str = ""
    key: str = ""
    conversation: str = ""
    strength: str = ""
    evidence: tuple[str, ...] = ()
    conflict: bool = False
    own: bool = False
    held: str = ""
    complete: bool = True
    stranger: bool = False
    echo: bool = False
    parts: dict[str, dict[str, Any]] = field(default_factory=dict)

    def dump(self) -> bytes:
        values = asdict(self) | {"mail": base64.b64encode(self.mail).decode("ascii"), "v": 1}
        return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")

    @property
    def at(self) -> datetime | None:
        return datetime.fromisoformat(self.received) if self.received else None


def load(payload: bytes) -> Envelope:
    """Reads what `dump` wrote. A bare mail is accepted, too. Raises Malformed."""
    if not payload.startswith(b"{"):
        return Envelope(payload, size=len(payload))
    try:
        values = json.loads(payload)
        mail = base64.b64decode(values["mail"])
        known = {name: values[name] for name in Envelope.__slots__ if name in values and name != "mail"}
        known["evidence"] = tuple(known.get("evidence", ()))
        return Envelope(mail, **known)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Malformed(f"the stored mail cannot be read ({type(error).__name__})") from None


def key_of(mail: Mail, raw: bytes) -> str:
    """The identity a mail claims: its Message-ID, else its bytes. Two folders holding one mail give one key.

    Form mailers write one Message-ID for everybody: whether a mail is what its Message-ID says `Memory.own_key` knows.
    """
    found = mime.ids(mime.header(mail, "Message-ID"))
    if found and "@" in found[0] and len(found[0]) < 300:
        return f"mid:{found[0]}"
    return f"sha256:{hashlib.sha256(raw).hexdigest()}"


def substance(mail: Mail) -> str:
    """A digest of who writes what: two mails that share it and a Message-ID are one mail that was read twice.

    What servers on the way change (dates, Received, a list's tag in the subject, blanks) does not count.
    """
    found = hashlib.sha256()
    for _, address in mime.addresses(mail, "From", "Reply-To"):
        found.update(address.lower().encode("utf-8", "replace") + b"\0")
    found.update(stem(mime.header(mail, "Subject")).encode("utf-8", "replace") + b"\0")
    for leaf in mime.leaves(mail):
        words = "" if leaf.attached or not leaf.kind.startswith("text/") else leaf.text_body
        data = " ".join(words.split()).encode("utf-8", "replace") if words else mime.body(leaf.part)
        found.update(hashlib.sha256(data).digest())
    return found.hexdigest()[:20]


def facts(mail: Mail) -> dict[str, dict[str, Any]]:
    """Size of each leaf that is no text, and what is packed in a winmail.dat."""
    found: dict[str, dict[str, Any]] = {}
    for leaf in mime.leaves(mail):
        if leaf.kind.startswith("text/") and not leaf.attached:
            continue
        data = mime.body(leaf.part)
        entry: dict[str, Any] = {"size": len(data)}
        if leaf.kind in {"application/ms-tnef", "application/vnd.ms-tnef"} or leaf.name.lower() == "winmail.dat":
            entry["packed"] = [
                {"name": mime.clean_name(file.name), "mime": file.mime, "size": len(file.data)} for file in unpack(data)
            ]
        found[str(leaf.number)] = entry
    return found


def slim(mail: Mail, raw: bytes) -> bytes:
    """The mail with its structure and texts, and without the bytes of its files when it is large. Changes `mail`."""
    if len(raw) <= WHOLE:
        return raw
    for leaf in mime.leaves(mail):
        payload = leaf.part.get_payload() if leaf.part.is_multipart() else None
        if isinstance(payload, list):
            for inner in payload:
                if isinstance(inner, Mail):
                    inner.set_payload("")
        elif leaf.attached or not leaf.kind.startswith("text/"):
            leaf.part.set_payload("")
        elif len(mime.body(leaf.part)) > _TEXT:
            # cut as characters: half of one at the end, and the whole would be read in another charset
            kept = leaf.text_body[:_CHARACTERS].encode("utf-8", "replace")
            for name, value in (
                ("Content-Type", f'{leaf.kind}; charset="utf-8"'),
                ("Content-Transfer-Encoding", "base64"),
            ):
                del leaf.part[name]
                leaf.part[name] = value
            leaf.part.set_payload(base64.encodebytes(kept).decode("ascii"))
    out = io.BytesIO()
    try:
        BytesGenerator(out, mangle_from_=False, maxheaderlen=0).flatten(mail)
    except (ValueError, LookupError, TypeError, KeyError, AttributeError):
        return raw[:WHOLE]
    return out.getvalue()[: 4 * 2**20]
