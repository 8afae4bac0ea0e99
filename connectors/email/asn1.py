"""The content of an opaque S/MIME signature (RFC 5652 section 5.1, RFC 8551 section 3.5.2). It is not verified."""

_SIGNED_DATA = bytes.fromhex("2a864886f70d010702")
_DATA = bytes.fromhex("2a864886f70d010701")
_MAX_DEPTH = 8
_Value = tuple[int, bytes, int]  # tag, content, where the next value begins


def signed_content(data: bytes) -> bytes | None:
    """What was signed; None when it is encrypted, compressed or unreadable. DER, and BER with open lengths."""
    try:
        kind, signed = _children(_read(data, 0, 0)[1])[:2]
        if kind[1] != _SIGNED_DATA:
            return None
        content = _children(_read(signed[1], 0, 0)[1])[2]
        kind, held = _children(content[1])[:2]
        return _octets(_read(held[1], 0, 0), 0) if kind[1] == _DATA else None
    except (ValueError, IndexError):
        return None


def _read(data: bytes, at: int, depth: int) -> _Value:
    if depth > _MAX_DEPTH:
        raise ValueError("nested too deep")
    tag, first, at = data[at], data[at + 1], at + 2
    if first == 0x80:
        begin = at
        while data[at : at + 2] != b"\0\0":
            at = _read(data, at, depth + 1)[2]
        return tag, data[begin:at], at + 2
    length = first
    if first > 0x80:
        width = first - 0x80
        length, at = int.from_bytes(data[at : at + width]), at + width
    if at + length > len(data):
        raise ValueError("cut off")
    return tag, data[at : at + length], at + length


def _children(data: bytes) -> list[_Value]:
    found: list[_Value] = []
    at = 0
    while at < len(data) and len(found) < 10_000:
        value = _read(data, at, 0)
        found.append(value)
        at = value[2]
    return found


def _octets(value: _Value, depth: int) -> bytes:
    """An octet string, possibly in pieces."""
    if depth > _MAX_DEPTH:
        raise ValueError("nested too deep")
    if not value[0] & 0x20:
        return value[1]
    return b"".join(_octets(piece, depth + 1) for piece in _children(value[1]))
