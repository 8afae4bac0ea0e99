"""From a mail to the parts of a message: the answer's text, its pictures, its files, and words for the rest."""

import re
from dataclasses import dataclass
from email.message import Message as Mail
from typing import Literal

from bridge.contract import File, Image, Media, Omitted, Part, Text, Unsupported, Video, Voice
from connectors.email import mime
from connectors.email.cut import Cut, cut_html, cut_text, is_history
from connectors.email.cut.text import AFTERTHOUGHT
from connectors.email.envelope import Envelope
from connectors.email.plain import to_lines

_NOISE = {
    "text/calendar",
    "application/pgp-signature",
    "application/pkcs7-signature",
    "application/x-pkcs7-signature",
    "application/pgp-keys",
    "message/delivery-status",
    "message/disposition-notification",
    "text/rfc822-headers",
    "application/ics",
}
_ENCRYPTED = {"application/pkcs7-mime", "application/x-pkcs7-mime", "application/pgp-encrypted"}
_NO_HTML = re.compile(
    r"(?:not support|does ?n.t support|unable to (?:display|view)|to view this (?:message|email)|requires?) .{0,40}html"
    r"|html[- ](?:capable|compatible|enabled)|use an? html|不支持html|支持 ?html",
    re.IGNORECASE,
)
_MOST_SAID = 60_000  # characters of one mail, fewer than an envelope keeps: what is cut off there is told, too
_BEGINS = 120  # characters of what was left out that are told
_LONG = 60  # characters: signatures have short lines
_IMG = re.compile(r"<img\b[^<>]{0,2000}>", re.IGNORECASE)
_SRC_CID = re.compile(r"src=\"cid:([^\"]{1,300})\"", re.IGNORECASE)
_SIDE = re.compile(r"\b(?:width|height)=\"?(\d{1,5})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Content:
    """`text` is the answer; `parts` all of it in order. `how` is the cutter's word for what it did, `omitted` what that
    left out.
    """

    text: str
    how: str
    parts: tuple[Part, ...]
    omitted: tuple[Omitted, ...] = ()


def read(mail: Mail, envelope: Envelope, account: str, delimiters: tuple[str, ...] = ()) -> Content:
    """The mail's content for the other side."""
    leaves = mime.leaves(mail)
    bodies = [leaf for leaf in leaves if not leaf.attached and leaf.kind in {"text/plain", "text/html"}]
    text = "\n".join(leaf.text_body for leaf in bodies if leaf.kind == "text/plain")
    html = "\n".join(leaf.text_body for leaf in bodies if leaf.kind == "text/html")
    cut, kept_html = answer(text, html, delimiters)
    hidden = _unwanted_pictures(html, kept_html)
    files = _files(leaves, bodies, envelope, account, hidden)
    said = cut.text.strip()
    if cut.how == "empty" and is_history(cut.text) and any(isinstance(p, Image | File | Voice | Video) for p in files):
        said = ""
    parts: list[Part] = [Text(body=said[:_MOST_SAID])] if said else []
    if len(said) > _MOST_SAID:
        parts.append(
            _unread(
                "mail",
                f"the mail is longer: its first {_MOST_SAID:,} characters stand here, the rest in the mailbox",
                f"[邮件] 邮件正文过长，此处仅显示前 {_MOST_SAID:,} 个字符，其余请在邮箱中查看",
            )
        )
    if not envelope.complete:
        parts.append(
            _unread(
                "mail",
                f"the mail has {envelope.size / 2**20:.0f} MB: its files were not read",
                f"[邮件] 邮件大小为 {envelope.size / 2**20:.0f} MB，未读取其中的附件",
            )
        )
    return Content(said, cut.how, (*parts, *files), _omitted(cut))


def _omitted(cut: Cut) -> tuple[Omitted, ...]:
    """What was left out below the answer. Quotes with marks, and signatures below "-- ", need no word to anybody."""
    lines = [line for line in cut.rest.splitlines() if line.strip()]
    if not lines:
        return ()
    what: Literal["history", "signature"] = "history" if cut.how == "cut" else "signature"
    if what == "signature":
        marked = lines[0] == "-- " and not any(len(line) > _LONG or AFTERTHOUGHT.match(line) for line in lines)
    else:
        marked = all(line.lstrip().startswith(">") for line in lines[3:]) and any(">" in line[:3] for line in lines)
    begins = " ".join(" ".join(lines)[:600].split())[:_BEGINS]
    return (Omitted(what=what, begins=begins, size=len(cut.rest), marked=marked),)


def answer(text: str, html: str, delimiters: tuple[str, ...] = ()) -> tuple[Cut, str]:
    """The text part for words, the HTML part for structure; also the HTML that was kept."""
    from_text = cut_text(text, delimiters)
    if not html.strip():
        return from_text, ""
    structure = cut_html(html)
    usable = bool(text.strip()) and not (len(text) < 500 and _NO_HTML.search(text))
    if usable and (from_text.how not in {"whole", "empty"} or structure.how == "interleaved"):
        return from_text, structure.html
    lines = to_lines(structure.html)
    if structure.how == "interleaved":
        return Cut(lines, "interleaved"), structure.html
    from_html = cut_text(lines, delimiters)
    how = "cut" if structure.how == "cut" else from_html.how
    rest = "\n".join(filter(None, [from_html.rest, to_lines(f"<blockquote>{structure.rest}</blockquote>")]))
    nothing_said = from_text.how == "empty" and from_html.how != "empty" and bool(from_html.text.strip())
    if (usable and how != "cut" and not nothing_said) or (not from_html.text.strip() and text.strip()):
        return from_text, structure.html
    return Cut(from_html.text, how, rest if structure.rest else from_html.rest), structure.html


def _unwanted_pictures(html: str, kept: str) -> set[str]:
    """Content-IDs of pictures that belong to the quote or are at most 32 pixels wide or high (logos, counters)."""
    if not html:
        return set()
    whole = {found.lower() for tag in _IMG.findall(html) for found in re.findall(r"cid:([^\"'\s>]{1,300})", tag)}
    wanted: set[str] = set()
    for tag in _IMG.findall(kept):
        source = _SRC_CID.search(tag)
        sides = [int(side) for side in _SIDE.findall(tag)]
        if source and not (sides and min(sides) <= 32):
            wanted.add(source[1].lower())
    return whole - wanted


def _files(
    leaves: list[mime.Leaf], bodies: list[mime.Leaf], envelope: Envelope, account: str, hidden: set[str]
) -> list[Part]:
    parts: list[Part] = []
    for leaf in leaves:
        if leaf in bodies or leaf.kind in _NOISE or leaf.name.lower() == "smime.p7s":
            continue
        if leaf.cid.lower() in hidden or (leaf.location and f"cid:{leaf.location.lower()}" in hidden):
            continue
        entry = envelope.parts.get(str(leaf.number), {})
        if leaf.kind in _ENCRYPTED:
            parts.append(_unread(*_SEALED))
            continue
        if not envelope.complete:
            name = leaf.name or leaf.kind
            parts.append(_unread("file", f"{name}: the mail was too large", f"[文件] {name}：邮件过大，未读取"))
            continue
        packed = entry.get("packed")
        if packed is not None:
            parts += _packed(leaf, packed, envelope, account)
            continue
        if entry.get("size") == 0 or (leaf.kind.startswith("image/") and entry.get("size", 1000) < 64):
            continue  # an empty part or a counting pixel
        name = leaf.name or _default_name(leaf)
        media = Media(
            account=account, id=f"{envelope.sha256}/{leaf.number}", mime=leaf.kind, name=name, size=entry.get("size")
        )
        parts.append(as_part(media))
    return parts


_SEALED = ("encrypted mail", "the mail is encrypted and cannot be read here", "[加密邮件] 无法在此解密阅读")


def _unread(what: str, english: str, chinese: str) -> Unsupported:
    return Unsupported(what=what, text=english, words={"zh": chinese})


def _packed(leaf: mime.Leaf, packed: list[dict[str, object]], envelope: Envelope, account: str) -> list[Part]:
    if not packed:
        return [
            _unread(
                "file",
                "Outlook packed the attachments (winmail.dat); ask for them in another form",
                "[文件] Outlook 将附件打包成了 winmail.dat，请对方换一种方式发送",
            )
        ]
    return [
        as_part(
            Media(
                account=account,
                id=f"{envelope.sha256}/{leaf.number}/{number}",
                mime=str(file.get("mime") or ""),
                name=str(file.get("name") or f"file-{number + 1}"),
                size=int(str(file.get("size") or 0)),
            )
        )
        for number, file in enumerate(packed)
    ]


def as_part(media: Media) -> Part:
    """A picture, a film, a recording or a file, by its media type."""
    kind = media.mime.partition("/")[0]
    if kind == "image" and media.mime not in {"image/svg+xml", "image/tiff", "image/vnd.adobe.photoshop"}:
        return Image(media=media)
    if kind == "video":
        return Video(media=media)
    return Voice(media=media) if kind == "audio" else File(media=media)


def _default_name(leaf: mime.Leaf) -> str:
    if leaf.kind == "message/rfc822":
        payload = leaf.part.get_payload() if leaf.part.is_multipart() else None
        inner = payload[0] if isinstance(payload, list) and payload else None
        subject = mime.header(inner, "Subject") if isinstance(inner, Mail) else ""
        return f"{mime.clean_name(subject)[:60] or 'mail'}.eml"
    kind, _, sub = leaf.kind.partition("/")
    ending = {"jpeg": "jpg", "plain": "txt", "svg+xml": "svg", "octet-stream": "bin", "mpeg": "mp3"}.get(sub, sub)
    return f"{kind}-{leaf.number}.{ending}"
