"""Pictures and file types, from their bytes alone: what a file is, and how a picture is made to fit. Pure."""

import io
import mimetypes
from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any

from PIL import Image, ImageOps

from bridge.contract.errors import Rejected

Image.init()
# those that people send; some builds of the library lack one, and each format more is code that reads hostile bytes
_FORMATS = tuple(name for name in ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "AVIF") if name in Image.OPEN)
MAX_PIXELS = 50_000_000
UNKNOWN = "application/octet-stream"

_TOO_LARGE = {
    "en": "the picture is too large",
    "zh": "图片过大",
}
_UNREADABLE = {
    "en": "the picture cannot be read",
    "zh": "图片无法识别",
}

# (offset, signature, MIME type); the first match wins
_SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (0, b"II*\x00", "image/tiff"),
    (0, b"MM\x00*", "image/tiff"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"#!AMR", "audio/amr"),
    (0, b"#!SILK", "audio/silk"),
    (0, b"\x02#!SILK", "audio/silk"),  # as some phones write it
    (0, b"ID3", "audio/mpeg"),
    (0, b"OggS", "audio/ogg"),
    (0, b"fLaC", "audio/flac"),
    (8, b"WAVE", "audio/wav"),
    (8, b"AVI ", "video/x-msvideo"),
    (0, b"\x1aE\xdf\xa3", "video/webm"),
    (0, b"\x1f\x8b", "application/gzip"),
    (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (0, b"Rar!\x1a\x07", "application/vnd.rar"),
    (0, b"{\\rtf", "application/rtf"),
)
_BRANDS = {  # ISO media: the four bytes after "ftyp"
    **dict.fromkeys((b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"), "image/heic"),
    **dict.fromkeys((b"avif", b"avis"), "image/avif"),
    **dict.fromkeys((b"M4A ", b"M4B "), "audio/mp4"),
    b"qt  ": "video/quicktime",
    **dict.fromkeys((b"3gp4", b"3gp5", b"3gp6", b"3g2a"), "video/3gpp"),
}
_OFFICE = "application/vnd.openxmlformats-officedocument."
_ZIPPED = (  # what a zip archive holds says what it is
    (b"word/", _OFFICE + "wordprocessingml.document"),
    (b"xl/", _OFFICE + "spreadsheetml.sheet"),
    (b"ppt/", _OFFICE + "presentationml.presentation"),
    (b"mimetypeapplication/vnd.oasis.opendocument.text", "application/vnd.oasis.opendocument.text"),
    (b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet", "application/vnd.oasis.opendocument.spreadsheet"),
    (b"mimetypeapplication/epub+zip", "application/epub+zip"),
)
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OLE_TYPES = frozenset({"application/msword", "application/vnd.ms-excel", "application/vnd.ms-powerpoint"})
_MARKUP = ((b"<svg", "application/xml"), (b"<html", "text/html"), (b"<!doctype html", "text/html"))


def sniff(data: bytes, declared: str = "", name: str = "") -> str:
    """The MIME type of a file by its first bytes; `declared` and `name` only help where bytes say nothing.

    Markup that a browser would run (HTML, SVG) is never an image, and neither is anything that merely claims to be.
    """
    head = data[:4096]
    for offset, signature, mime in _SIGNATURES:
        if head.startswith(signature, offset) and (offset == 0 or head.startswith(b"RIFF")):
            return mime
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], "video/mp4")
    if head.startswith(b"BM") and head[6:10] == b"\0\0\0\0":
        return "image/bmp"
    if head.startswith(b"PK\x03\x04"):
        return next((mime for mark, mime in _ZIPPED if mark in head), "application/zip")
    hint = _hint(declared, name)
    if head.startswith(_OLE):
        return hint if hint in _OLE_TYPES else "application/x-ole-storage"
    if len(head) > 3 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0 and head[1] & 0x06 == 0x02:
        return "audio/mpeg"  # a frame of layer III without a tag before it
    lowered = head.lower()
    for mark, mime in _MARKUP:
        if mark in lowered:
            return mime
    if hint.startswith("image/") or not hint:
        return "text/plain" if data and _is_text(head) else UNKNOWN
    return hint


def _hint(declared: str, name: str) -> str:
    mime = declared.partition(";")[0].strip().lower()
    if "/" in mime and mime != UNKNOWN:
        return mime
    return mimetypes.guess_type(name)[0] or "" if name else ""


def _is_text(head: bytes) -> bool:
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 3:  # not just a character cut at the end of the sample
            return False
        text = head[: error.start].decode("utf-8")
    return not any(ord(letter) < 32 and letter not in "\t\r\n\f\x1b" for letter in text)


def fit(data: bytes, *, mimes: Sequence[str], max_bytes: int) -> tuple[bytes, str]:
    """The picture as one of `mimes` (patterns) in at most `max_bytes`, and its MIME type.

    It stays as it is where it already fits, animations included. Otherwise its first frame is turned upright, loses
    its metadata and becomes a JPEG (a PNG where it is transparent and fits so), with falling quality, then size.
    Raises Rejected for what is no picture, has more than 50 megapixels or cannot be made to fit.
    """
    mime = sniff(data)
    if mime.startswith("image/") and len(data) <= max_bytes and _allowed(mime, mimes):
        return data, mime
    picture = _open(data)
    for encode in _encoders(picture, mimes):
        for result, kind in encode(picture):
            if len(result) <= max_bytes:
                return result, kind
    raise Rejected(f"the picture cannot be made to fit {max_bytes} bytes", code="too large", reason=_TOO_LARGE)


def _allowed(mime: str, mimes: Sequence[str]) -> bool:
    return any(fnmatchcase(mime, pattern) for pattern in mimes)


def _open(data: bytes) -> Image.Image:
    """The first frame, upright, as RGB or RGBA."""
    try:
        picture: Image.Image = Image.open(io.BytesIO(data), formats=_FORMATS)
        width, height = picture.size
        if width * height > MAX_PIXELS:
            raise _bomb(width * height)
        picture.load()
        upright = ImageOps.exif_transpose(picture)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _bomb(Image.MAX_IMAGE_PIXELS or MAX_PIXELS) from None
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, MemoryError, TypeError, ZeroDivisionError) as error:
        raise Rejected(
            f"the picture cannot be read ({type(error).__name__})", code="unreadable", reason=_UNREADABLE
        ) from None
    see_through = upright.has_transparency_data
    return upright.convert("RGBA" if see_through else "RGB")


def _bomb(pixels: int) -> Rejected:
    return Rejected(
        f"the picture has {pixels} pixels or more; the limit is {MAX_PIXELS}", code="too large", reason=_TOO_LARGE
    )


_Encoder = Callable[[Image.Image], Iterator[tuple[bytes, str]]]


def _encoders(picture: Image.Image, mimes: Sequence[str]) -> list[_Encoder]:
    jpeg, png = _allowed("image/jpeg", mimes), _allowed("image/png", mimes)
    found: list[_Encoder] = []
    if png and picture.mode == "RGBA":
        found.append(_as_png)
    if jpeg:
        found.append(_as_jpegs)
    if png and not jpeg:
        found.append(_as_pngs)
    return found


_SCALES = (1.0, 0.75, 0.5, 0.35, 0.25, 0.15, 0.08)


def _as_jpegs(picture: Image.Image) -> Iterator[tuple[bytes, str]]:
    flat = picture
    if picture.mode == "RGBA":
        flat = Image.new("RGB", picture.size, "white")
        flat.paste(picture, mask=picture.getchannel("A"))
    for scale in _SCALES:
        scaled = _scaled(flat, scale)
        for quality in (88, 75, 60):
            yield _saved(scaled, "JPEG", quality=quality, optimize=True), "image/jpeg"


def _as_png(picture: Image.Image) -> Iterator[tuple[bytes, str]]:
    yield _saved(picture, "PNG", optimize=True), "image/png"


def _as_pngs(picture: Image.Image) -> Iterator[tuple[bytes, str]]:
    for scale in _SCALES:
        yield _saved(_scaled(picture, scale), "PNG", optimize=True), "image/png"


def _scaled(picture: Image.Image, scale: float) -> Image.Image:
    if scale == 1.0:
        return picture
    size = (max(1, int(picture.width * scale)), max(1, int(picture.height * scale)))
    return picture.resize(size, Image.Resampling.LANCZOS)


def _saved(picture: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()
