"""Forms of several parts, byte for byte as httpx makes them; it builds a whole request for one, ten times as dear."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b
from itertools import count
from typing import Any

File = tuple[str, tuple[str, bytes, str]]
"""(field name, (file name, bytes, MIME type))"""

_AWKWARD = re.compile(r'["\\\x00-\x1a\x1c-\x1f]')
_SEED = os.urandom(32)
_numbers = count()


def new_boundary() -> str:
    """What stands between the parts of a form. Who could guess it could write fields of his own into one; asking the
    system each time lets go of the interpreter in the middle of a request.
    """
    return blake2b(next(_numbers).to_bytes(8), key=_SEED, digest_size=16).hexdigest()


def multipart(data: Mapping[str, Any], files: Iterable[File], boundary: str) -> bytes:
    """Fields (text, bytes, numbers, lists of them), then files. Raises TypeError for what no field can hold."""
    between = f"--{boundary}\r\nContent-Disposition: form-data; name="
    body = bytearray()
    for name, value in _fields(data):
        body += f"{between}{_quoted(name)}\r\n\r\n".encode() + value + b"\r\n"
    for name, (file_name, content, mime) in files:
        known = f"; filename={_quoted(file_name)}" if file_name else ""
        body += f"{between}{_quoted(name)}{known}\r\nContent-Type: {mime}\r\n\r\n".encode() + content + b"\r\n"
    body += f"--{boundary}--\r\n".encode()
    return bytes(body)


def _fields(data: Mapping[str, Any]) -> Iterator[tuple[str, bytes]]:
    for name, value in data.items():
        for one in value if isinstance(value, list | tuple) else (value,):
            yield name, _written(one)


def _written(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    if value is None or isinstance(value, bool):
        return {None: b"", True: b"true", False: b"false"}[value]
    if not isinstance(value, str | int | float):
        raise TypeError(type(value).__name__)
    return str(value).encode()


def _quoted(text: str) -> str:
    return f'"{_AWKWARD.sub(_escaped, text)}"'


def _escaped(found: re.Match[str]) -> str:
    return "\\\\" if found[0] == "\\" else f"%{ord(found[0]):02X}"
