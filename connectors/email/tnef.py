"""winmail.dat: the files that Outlook packed into one attachment (MS-OXTNEF, the attachment attributes only)."""

import struct
from dataclasses import dataclass

from connectors.email.charset import decode

SIGNATURE = 0x223E9F78
_BEGINS, _TITLE, _DATA, _PROPERTIES = 0x9002, 0x8010, 0x800F, 0x9005  # ids of attachment attributes
_LONG_NAME, _MIME = 0x3707, 0x370E  # MAPI property tags
_MAX_FILES = 50


@dataclass(frozen=True, slots=True)
class Packed:
    """A file out of Outlook's packet."""

    name: str
    mime: str
    data: bytes


def unpack(data: bytes) -> list[Packed]:
    """The files inside, as far as the stream can be read; [] when it is no TNEF."""
    if len(data) < 6 or struct.unpack_from("<I", data)[0] != SIGNATURE:
        return []
    found: list[Packed] = []
    name, mime, content, open_ = "", "", b"", False
    at = 6
    while at + 9 <= len(data) and len(found) < _MAX_FILES:
        attribute, length = struct.unpack_from("<II", data, at + 1)
        value = data[at + 9 : at + 9 + length]
        at += 9 + length + 2
        attribute &= 0xFFFF
        if attribute == _BEGINS:
            if open_ and content:
                found.append(Packed(name, mime, content))
            name, mime, content, open_ = "", "", b"", True
        elif attribute == _TITLE:
            name = name or _string(value)
        elif attribute == _DATA:
            content = value
        elif attribute == _PROPERTIES:
            long_name, kind = _properties(value)
            name, mime = long_name or name, kind or mime
    if open_ and content:
        found.append(Packed(name, mime, content))
    return found


def _string(value: bytes) -> str:
    return decode(value.rstrip(b"\0"))[0]


def _properties(value: bytes) -> tuple[str, str]:
    """The long file name and media type among the MAPI properties of an attachment."""
    name, mime = "", ""
    try:
        (count,) = struct.unpack_from("<I", value)
        at = 4
        for _ in range(min(count, 200)):
            kind, tag = struct.unpack_from("<HH", value, at)
            at += 4
            if tag >= 0x8000:
                at = _skip_name(value, at)
            multi = kind & 0x1000
            base = kind & 0x0FFF
            number = 1
            variable = base in {0x1E, 0x1F, 0x0D, 0x102}
            if multi or variable:
                (number,) = struct.unpack_from("<I", value, at)
                at += 4
            for _ in range(min(number, 100)):
                if variable:
                    (size,) = struct.unpack_from("<I", value, at)
                    data = value[at + 4 : at + 4 + size]
                    at += 4 + (size + 3) // 4 * 4
                    if tag == _LONG_NAME:
                        name = data.decode("utf-16-le", "ignore").rstrip("\0") if base == 0x1F else _string(data)
                    elif tag == _MIME:
                        mime = data.decode("utf-16-le", "ignore").rstrip("\0") if base == 0x1F else _string(data)
                else:
                    at += 8 if base in {0x05, 0x06, 0x07, 0x14, 0x40} else 16 if base == 0x48 else 4
    except struct.error:
        pass
    return name, mime


def _skip_name(value: bytes, at: int) -> int:
    """Past the GUID and the id or name of a named property."""
    kind = int.from_bytes(value[at + 16 : at + 20], "little")
    if kind == 0:
        return at + 24
    size = int.from_bytes(value[at + 20 : at + 24], "little")
    return at + 24 + (size + 3) // 4 * 4
