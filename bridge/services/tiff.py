"""TIFF without what cameras and programs wrote into it, pixels untouched. Pure.

All that the kept tags do not point at becomes zeros: offsets are absolute, so nothing may move. BigTIFF is not known.
"""

import struct
from collections.abc import Iterator

_SHOWN = frozenset(
    {*range(254, 260), *range(262, 267), 273, 274, *range(277, 285), 290, 291, 292, 293, 296, 301, *range(317, 326)}
    | {332, 334, 336, *range(338, 343), 347, *range(512, 522), 529, 530, 531, 532, 34675}  # the last: colour profile
)
_DATA = ((273, 279), (324, 325), (513, 514))  # tags that say where pixels are, and how many bytes they take
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
_PAGES = 1000
_PIECES = 200_000


def bare(data: bytes) -> Iterator[bytes]:
    """The same picture with the tags that show it. Raises ValueError or struct.error for what is damaged."""
    order = {b"II*\0": "<", b"MM\0*": ">"}[data[:4]] if data[:4] in {b"II*\0", b"MM\0*"} else ""
    if not order:
        raise ValueError("no TIFF")
    out = bytearray(len(data))
    out[:8] = data[:8]
    end, seen = 8, set[int]()
    (at,) = struct.unpack_from(order + "I", data, 4)
    while at:
        if at in seen or len(seen) >= _PAGES:
            raise ValueError("pages in a circle")
        seen.add(at)
        (count,) = struct.unpack_from(order + "H", data, at)
        rows = [data[at + 2 + 12 * number : at + 14 + 12 * number] for number in range(count)]
        (following,) = struct.unpack_from(order + "I", data, at + 2 + 12 * count)
        kept = [row for row in rows if struct.unpack_from(order + "H", row)[0] in _SHOWN]
        table = struct.pack(order + "H", len(kept)) + b"".join(kept) + struct.pack(order + "I", following)
        pieces = [*_values(kept, order), *_pixels(data, kept, order)]
        for start, length in pieces:
            if start < 8 or start + length > len(data):
                raise ValueError("cut short")
            out[start : start + length] = data[start : start + length]
            end = max(end, start + length)
        out[at : at + len(table)] = table
        end = max(end, at + len(table))
        at = following
    yield bytes(out[:end])


def _values(rows: list[bytes], order: str) -> Iterator[tuple[int, int]]:
    """Where the values are that do not fit into their row."""
    for row in rows:
        _, kind, count, where = struct.unpack(order + "HHII", row)
        length = _SIZES.get(kind, 1) * count
        if length > 4:
            yield where, length


def _pixels(data: bytes, rows: list[bytes], order: str) -> Iterator[tuple[int, int]]:
    tags = {struct.unpack_from(order + "H", row)[0]: row for row in rows}
    for where, size in _DATA:
        if where in tags and size in tags:
            yield from zip(_numbers(data, tags[where], order), _numbers(data, tags[size], order), strict=True)
        elif where in tags:
            raise ValueError("no size of the pixels")


def _numbers(data: bytes, row: bytes, order: str) -> tuple[int, ...]:
    _, kind, count = struct.unpack_from(order + "HHI", row)
    if kind not in {3, 4} or count > _PIECES:
        raise ValueError("no places")
    letters = f"{order}{count}{'H' if kind == 3 else 'I'}"
    if struct.calcsize(letters) <= 4:
        return struct.unpack_from(letters, row, 8)
    return struct.unpack_from(letters, data, *struct.unpack_from(order + "I", row, 8))
