"""What a file is, from its bytes alone. Pure."""

import mimetypes

UNKNOWN = "application/octet-stream"

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
