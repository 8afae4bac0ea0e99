"""HEIC and AVIF without what cameras and programs wrote into them, pixels untouched. Pure.

Places in such a file are absolute (ISO/IEC 14496-12, `iloc`), so nothing may move: metadata is written over. What is
described by no box is cut off at the end.
"""

from collections.abc import Iterator

_PICTURE = frozenset({b"ftyp", b"meta", b"mdat", b"moov", b"moof", b"mfra", b"sidx", b"styp"})
_REMARKS = frozenset({b"Exif", b"mime", b"uri "})  # items: Exif, XMP and other documents
_FILMS = frozenset({b"moov", b"trak", b"mdia", b"minf", b"stbl"})
_EMPTY_EXIF = b"\0\0\0\0II*\0\x08\0\0\0\0\0\0\0\0\0"
_DEPTH = 8


def bare(data: bytes) -> Iterator[bytes]:
    """The same picture, its remarks written over. Raises ValueError or IndexError for what is damaged."""
    out = bytearray(data)
    end, shown = 0, False
    for kind, start, body, stop in _boxes(data, 0, len(data), appended=True):
        if kind not in _PICTURE:
            out[body:stop] = bytes(stop - body)
            out[start + 4 : start + 8] = b"free"
            continue
        if kind == b"meta":
            _clean_items(data, out, body + 4, stop)
        elif kind == b"moov":
            _clean_film(data, out, body, stop, _DEPTH)
        end, shown = stop, shown or kind == b"mdat"
    if not shown:
        raise ValueError("no picture")
    yield bytes(out[:end])


def _boxes(data: bytes, at: int, end: int, *, appended: bool = False) -> Iterator[tuple[bytes, int, int, int]]:
    """Type, where the box begins, where its body does, and where it ends. `appended`: what is no box ends the walk."""
    while at + 8 <= end:
        size, kind, body = int.from_bytes(data[at : at + 4]), data[at + 4 : at + 8], at + 8
        if size == 1:
            size, body = int.from_bytes(data[at + 8 : at + 16]), at + 16
        elif size == 0:
            size = end - at
        if size < body - at or at + size > end:
            if appended and at and kind not in _PICTURE:
                return
            raise ValueError("cut short")
        yield kind, at, body, at + size
        at += size


def _clean_film(data: bytes, out: bytearray, at: int, end: int, depth: int) -> None:
    for kind, start, body, stop in _boxes(data, at, end):
        if kind in {b"udta", b"uuid", b"meta"}:
            out[body:stop] = bytes(stop - body)
            out[start + 4 : start + 8] = b"free"
        elif kind in _FILMS and depth:
            _clean_film(data, out, body, stop, depth - 1)


def _clean_items(data: bytes, out: bytearray, at: int, end: int) -> None:
    remarks: dict[int, bytes] = {}
    places: dict[int, list[tuple[int, int, int]]] = {}
    inside = 0
    for kind, start, body, stop in _boxes(data, at, end):
        if kind == b"iinf":
            remarks = dict(_items(data, body, stop))
        elif kind == b"iloc":
            places = _places(data, body, stop)
        elif kind == b"idat":
            inside = body
        elif kind in {b"udta", b"uuid"}:
            out[body:stop] = bytes(stop - body)
            out[start + 4 : start + 8] = b"free"
    for item, kind in remarks.items():
        for method, where, length in places.get(item, []):
            start = where + inside if method == 1 else where
            if method > 1 or start + length > len(data):
                raise ValueError("a remark of unknown place")
            out[start : start + length] = (
                _EMPTY_EXIF.ljust(length, b"\0")[:length] if kind == b"Exif" else b" " * length
            )


def _items(data: bytes, at: int, end: int) -> Iterator[tuple[int, bytes]]:
    """Items that are remarks: (id, type)."""
    at += 6 if data[at] == 0 else 8
    for kind, _, body, _ in _boxes(data, at, end):
        if kind != b"infe" or data[body] < 2:
            continue
        width = 2 if data[body] == 2 else 4
        item = int.from_bytes(data[body + 4 : body + 4 + width])
        name = data[body + 6 + width : body + 10 + width]
        if name in _REMARKS:
            yield item, name


def _places(data: bytes, at: int, end: int) -> dict[int, list[tuple[int, int, int]]]:
    """The extents of each item: (construction method, offset, length)."""
    version = data[at]
    offset, length, base, index = data[at + 4] >> 4, data[at + 4] & 15, data[at + 5] >> 4, data[at + 5] & 15
    wide = 4 if version == 2 else 2
    at += 6
    found: dict[int, list[tuple[int, int, int]]] = {}

    def number(width: int) -> int:
        nonlocal at
        if at + width > end:
            raise ValueError("cut short")
        at += width
        return int.from_bytes(data[at - width : at])

    for _ in range(number(wide)):
        item = number(wide)
        method = number(2) & 15 if version else 0
        number(2)  # which file; others than this one are not followed
        begin = number(base)
        extents = []
        for _ in range(number(2)):
            number(index if version else 0)
            start = number(offset)
            extents.append((method, begin + start, number(length)))
        found[item] = extents
    return found
