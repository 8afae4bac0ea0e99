"""Pictures without what cameras and programs wrote into them, pixels untouched. Pure.

Only what is needed to show a picture is kept: places, names, remarks, previews, films behind the end all go. Colour
profiles stay, and so does the orientation where it is not upright, alone in a new block.
"""

import re
import struct
import zlib
from collections.abc import Callable, Iterator

from bridge.services import boxes, tiff
from bridge.services.mimetypes import sniff

_MARKER = re.compile(rb"\xff+[^\x00\xd0-\xd7\xff]")  # what ends compressed data: neither an escape nor a restart
_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_KEPT = frozenset(
    b"IHDR PLTE IDAT IEND tRNS gAMA cHRM sRGB iCCP cICP sBIT bKGD pHYs acTL fcTL fdAT".split()
)  # the last three: moving pictures
_WEBP_KEPT = frozenset({b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"})
_FRAME_KEPT = frozenset({b"VP8 ", b"VP8L", b"ALPH"})
_GIF_LOOPS = (b"NETSCAPE2.0", b"ANIMEXTS1.0")
_UPRIGHT = 1
_MARKS = (b"Exif", b"eXIf", b"EXIF", b"XMP", b"xmp", b"ns.adobe.com", b"Photoshop 3.0", b"tEXt", b"iTXt", b"zTXt")


def without_metadata(data: bytes) -> bytes:
    """Any file: pictures are stripped, what is damaged or something else stays as it is."""
    bare = strip(data, sniff(data))
    return data if bare is None else bare


def names_nothing(data: bytes, mime: str) -> bool:
    """Whether a picture that is damaged holds no block of metadata, so that it may go as it is: some can show it."""
    return mime in _WALKS and not any(mark in data for mark in _MARKS)


def strip(data: bytes, mime: str) -> bytes | None:
    """The same picture without metadata; None for formats not known here, and for what is damaged."""
    walk = _WALKS.get(mime)
    if walk is None:
        return None
    try:
        return b"".join(walk(data))
    except (IndexError, ValueError, struct.error):
        return None


def _jpeg(data: bytes) -> Iterator[bytes]:
    yield data[:2]
    at, turned = 2, False
    while True:
        if data[at] != 0xFF:
            raise ValueError("no marker")
        while data[at + 1] == 0xFF:
            at += 1
        kind = data[at + 1]
        if kind == 0xD9:
            yield b"\xff\xd9"
            return
        end = at + 2 + int.from_bytes(_exactly(data, at + 2, 2))
        body = _exactly(data, at + 4, end - at - 4)
        if kind == 0xE1 and body.startswith(b"Exif\0\0") and not turned:
            block = _turned(body[6:])
            if block:
                turned = True
                yield b"\xff\xe1" + struct.pack(">H", len(block) + 8) + b"Exif\0\0" + block
        elif _is_shown(kind, body):
            yield data[at:end]
        at = end
        if kind == 0xDA:
            found = _MARKER.search(data, at)
            if found is None:
                raise ValueError("no end")
            yield data[at : found.start()]
            at = found.start()


def _is_shown(kind: int, body: bytes) -> bool:
    if kind == 0xE0:
        return body.startswith(b"JFIF\0") and len(body) == 14  # longer ones hold a preview
    if kind == 0xE2:
        return body.startswith(b"ICC_PROFILE\0")
    return kind == 0xEE or not (0xE0 <= kind <= 0xEF or kind == 0xFE)


def _png(data: bytes) -> Iterator[bytes]:
    yield _exactly(data, 0, 8)
    at = 8
    while True:
        length = int.from_bytes(_exactly(data, at, 4))
        kind = data[at + 4 : at + 8]
        chunk = _exactly(data, at, 12 + length)
        if kind in _PNG_KEPT:
            yield chunk
        elif kind == b"eXIf":
            block = _turned(chunk[8:-4])
            if block:
                made = kind + block
                yield struct.pack(">I", len(block)) + made + struct.pack(">I", zlib.crc32(made))
        if kind == b"IEND":
            return
        at += 12 + length


def _webp(data: bytes) -> Iterator[bytes]:
    end = 8 + int.from_bytes(_exactly(data, 4, 4), "little")
    _exactly(data, 0, end)
    chunks, block, at = [], b"", 12
    while at + 8 <= end:
        kind, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        if kind in _WEBP_KEPT:
            chunk = _exactly(data, at, 8 + length) + b"\0" * (length % 2)
            chunks.append(_frame(chunk[8 : 8 + length]) if kind == b"ANMF" else chunk)
        elif kind == b"EXIF":
            body = _exactly(data, at + 8, length)
            block = _turned(body.removeprefix(b"Exif\0\0"))
        at += 8 + length + length % 2
    if not chunks:
        raise ValueError("no picture")
    if chunks[0].startswith(b"VP8X"):
        flags = chunks[0][8] & ~0x0C | (0x08 if block else 0)
        chunks[0] = chunks[0][:8] + bytes([flags]) + chunks[0][9:]
        if block:
            chunks.append(b"EXIF" + struct.pack("<I", len(block)) + block)
    body = b"WEBP" + b"".join(chunks)
    yield b"RIFF" + struct.pack("<I", len(body)) + body


def _frame(data: bytes) -> bytes:
    """One picture of a moving WebP: its place and time, then chunks of its own, which may hold anything."""
    kept, at = [data[:16]], 16
    while at + 8 <= len(data):
        kind, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        if kind in _FRAME_KEPT:
            kept.append(_exactly(data, at, 8 + length) + b"\0" * (length % 2))
        at += 8 + length + length % 2
    body = b"".join(kept)
    return b"ANMF" + struct.pack("<I", len(body)) + body


def _bmp(data: bytes) -> Iterator[bytes]:
    """Header, palette and pixels. A profile goes, for it may be the path of a file; so does what lies between."""
    (start, size) = struct.unpack_from("<II", data, 10)
    width, height, _, depth, packed, length = struct.unpack_from("<iiHHII", data, 18)
    if size < 40 or start < 14 + size:
        raise ValueError("no header known here")
    if packed in {0, 3, 6} or not length:
        length = (abs(width) * depth + 31) // 32 * 4 * abs(height)
    head = bytearray(_exactly(data, 0, start))
    palette = 14 + size + (12 if size == 40 and packed == 3 else 16 if size == 40 and packed == 6 else 0)
    (colours,) = struct.unpack_from("<I", data, 46)
    palette += 4 * (colours or (1 << depth if depth <= 8 else 0))
    head[palette:] = bytes(max(0, start - palette))
    if size >= 124 and head[70:74] in {b"DEBM", b"KNIL"}:
        head[70:74], head[126:134] = b"BGRs", bytes(8)
    struct.pack_into("<I", head, 2, start + length)
    yield bytes(head)
    yield _exactly(data, start, length)


def _gif(data: bytes) -> Iterator[bytes]:
    at = 13 + _colours(data[10])
    yield _exactly(data, 0, at)
    while True:
        kind = data[at]
        if kind == 0x3B:
            yield b"\x3b"
            return
        if kind == 0x2C:
            end = _blocks_end(data, at + 11 + _colours(data[at + 9]))
            kept = True
        elif kind == 0x21:
            end = _blocks_end(data, at + 2)
            kept = data[at + 1] in {0xF9, 0x01} or (data[at + 1] == 0xFF and data[at + 3 : at + 14] in _GIF_LOOPS)
        else:
            raise ValueError("no block")
        if kept:
            yield data[at:end]
        at = end


def _colours(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _blocks_end(data: bytes, at: int) -> int:
    while data[at]:
        at += data[at] + 1
    return at + 1


def _exactly(data: bytes, at: int, length: int) -> bytes:
    if length < 0 or at + length > len(data):
        raise ValueError("cut short")
    return data[at : at + length]


def _turned(exif: bytes) -> bytes:
    """A block that holds the orientation and nothing else; empty where the picture is upright or nothing is said."""
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None or len(exif) < 10:
        return b""
    (first,) = struct.unpack_from(order + "I", exif, 4)
    if first + 2 > len(exif):
        return b""
    (count,) = struct.unpack_from(order + "H", exif, first)
    for number in range(count):
        at = first + 2 + 12 * number
        if at + 12 > len(exif):
            return b""
        tag, _kind, _count, value = struct.unpack_from(order + "HHIH", exif, at)
        if tag == 0x0112:
            if not _UPRIGHT < value <= 8:
                return b""
            return struct.pack("<2sHIHHHIHHI", b"II", 42, 8, 1, 0x0112, 3, 1, value, 0, 0)
    return b""


_WALKS: dict[str, Callable[[bytes], Iterator[bytes]]] = {
    "image/jpeg": _jpeg,
    "image/png": _png,
    "image/webp": _webp,
    "image/gif": _gif,
    "image/bmp": _bmp,
    "image/tiff": tiff.bare,
    "image/heic": boxes.bare,
    "image/avif": boxes.bare,
}
