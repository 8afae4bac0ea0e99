"""Files that people send: what they are by their first bytes, and pictures without what cameras wrote into them."""

import asyncio
import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from PIL import Image, ImageOps

from connectors.webchat.web import Refusal

MAX_PIXELS = 16_000_000  # decoded at once; a JPEG may have more and is read smaller
MAX_JPEG_PIXELS = 128_000_000
_PROGRESSIVE = 32_000_000  # the library holds these whole
_DECODER = ThreadPoolExecutor(1, thread_name_prefix="uploads")  # one at a time: each takes 16 bytes a pixel
_OFFICE = "application/vnd.openxmlformats-officedocument."
_SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"\xff\xfb", "audio/mpeg"),
    (0, b"OggS", "audio/ogg"),
    (8, b"WAVE", "audio/wav"),
    (0, b"#!AMR", "audio/amr"),
    (0, b"\x1aE\xdf\xa3", "video/webm"),
    (4, b"ftyp", "video/mp4"),
    (0, b"PK\x03\x04", "application/zip"),
)
_ZIPPED = (
    (b"word/", _OFFICE + "wordprocessingml.document"),
    (b"xl/", _OFFICE + "spreadsheetml.sheet"),
    (b"ppt/", _OFFICE + "presentationml.presentation"),
)
_MARKUP = (b"<svg", b"<html", b"<!doctype", b"<script", b"<?xml", b"<body", b"<iframe", b"<img", b"<xml")
_PICTURES = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP", "image/gif": "GIF"}
_KINDS = {"image": "image", "audio": "voice", "video": "video"}
_ENDINGS = {
    "image/jpeg": (".jpg", ".jpeg"),
    "image/png": (".png",),
    "image/gif": (".gif",),
    "image/webp": (".webp",),
    "application/pdf": (".pdf",),
}


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that may be kept. `width` and `height` are in pixels, 0 for what is no picture."""

    data: bytes
    mime: str
    kind: str
    width: int = 0
    height: int = 0


def recognise(data: bytes) -> str:
    """The MIME type of a file that may be sent; "" for all others. Names and declared types count for nothing."""
    head = data[:4096]
    for offset, signature, mime in _SIGNATURES:
        if head.startswith(signature, offset) and (offset != 8 or head.startswith(b"RIFF")):
            if mime == "application/zip":
                return next((inner for mark, inner in _ZIPPED if mark in head), mime)
            return mime
    return "text/plain" if data and _is_text(data) else ""


def _is_text(data: bytes) -> bool:
    """Readable text that no browser would take for a page."""
    lowered = data[:65536].lower()
    if b"\0" in data or any(mark in lowered for mark in _MARKUP):
        return False
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def kind_of(mime: str) -> str:
    """`image`, `voice`, `video` or `file`."""
    return _KINDS.get(mime.partition("/")[0], "file")


async def accept(data: bytes) -> Upload:
    """The file as it will be kept. Raises Refusal (415, 413)."""
    mime = recognise(data)
    if not mime:
        raise _unwanted()
    if mime in _PICTURES:
        return await asyncio.get_running_loop().run_in_executor(_DECODER, _clean_picture, data, mime)
    return Upload(data, mime, kind_of(mime))


def _unwanted() -> Refusal:
    return Refusal(
        415, "file_type", "This kind of file cannot be sent. Pictures, PDF, office files, sound and film can."
    )


def fitting_name(name: str, mime: str) -> str:
    """The name with an ending that says what the file is: nothing poses as something else."""
    endings = _ENDINGS.get(mime)
    if endings is None:
        return name if not name.lower().endswith((".html", ".htm", ".svg", ".xhtml", ".js")) else f"{name}.txt"
    return name if name.lower().endswith(endings) else name + endings[0]


def _clean_picture(data: bytes, mime: str) -> Upload:
    """Decoded and written anew, so that neither places nor anything behind the picture's end gets along."""
    try:
        with Image.open(io.BytesIO(data), formats=[_PICTURES[mime]]) as picture:
            _shrink(picture)
            if mime != "image/jpeg" and getattr(picture, "is_animated", False):  # a JPEG of several pictures is none
                return _animated(picture, data, mime)
            picture.load()
            ImageOps.exif_transpose(picture, in_place=True)
            out = io.BytesIO()
            if mime == "image/jpeg":
                picture.convert("RGB").save(out, "JPEG", quality=88, optimize=True)
            elif mime == "image/webp":
                picture.save(out, "WEBP", quality=88, exif=b"")
            else:
                picture.info = {key: value for key, value in picture.info.items() if key == "transparency"}
                picture.save(out, _PICTURES[mime], optimize=True)
            return Upload(out.getvalue(), mime, "image", picture.width, picture.height)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise Refusal(413, "too_many_pixels", "The picture has too many pixels.") from None
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, TypeError, MemoryError):
        raise _unwanted() from None


def _shrink(picture: Image.Image) -> None:
    """Asks the header before anything unfolds; a large JPEG is read at a half, a quarter or an eighth of its size."""
    pixels = picture.width * picture.height
    jpeg = picture.format in {"JPEG", "MPO"}
    most = (_PROGRESSIVE if picture.info.get("progressive") else MAX_JPEG_PIXELS) if jpeg else MAX_PIXELS
    while picture.width * picture.height > MAX_PIXELS and pixels <= most:
        before = picture.size
        picture.draft(picture.mode, (before[0] // 2, before[1] // 2))
        if picture.size == before:
            break
    if picture.width * picture.height > MAX_PIXELS:
        raise Refusal(413, "too_many_pixels", "The picture has too many pixels.")


def _animated(picture: Image.Image, data: bytes, mime: str) -> Upload:
    """An animation stays as it is, once its first frame was read."""
    picture.load()
    return Upload(data, mime, "image", picture.width, picture.height)
