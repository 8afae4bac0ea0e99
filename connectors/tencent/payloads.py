"""Bodies as the platform writes them: JSON or XML, told apart by the first character, read strictly into a dict."""

import json
import re
from codecs import BOM_UTF8
from typing import Any
from xml.parsers import expat

from connectors.tencent.flat_payloads import flat

_DEPTH = 20
_ONCE = frozenset({"ToUserName", "FromUserName", "CreateTime", "MsgType", "MsgId", "Event", "Encrypt"})
# People can type what XML cannot hold; a message must not be lost for it. (JSON gets `strict=False` for the same.)
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")

Fields = dict[str, Any]


def parse(body: bytes) -> Fields:
    """The fields of a body. Raises ValueError for anything that is unreadable or can be read in two ways."""
    found = flat(body)
    return read_strictly(body) if found is None else found


def read_strictly(body: bytes) -> Fields:
    """The same for every shape, at ten times the price."""
    text = body.removeprefix(BOM_UTF8).decode()  # strict: UnicodeDecodeError is a ValueError
    match text.lstrip()[:1]:
        case "{":
            return _json(text)
        case "<":
            return _xml(_NOT_XML.sub("\ufffd", text).strip().encode())
        case _:
            raise ValueError("neither JSON nor XML")


def scalar(fields: Fields, name: str) -> str:
    """A field as text: the platform sends numbers as strings now and then, and the other way round. "" if absent."""
    value = fields.get(name)
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return ""


def _json(text: str) -> Fields:
    try:
        found: Fields = _DECODER.decode(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if text.count("{") + text.count("[") > _DEPTH:  # only then can it be deeper
        _check_depth(found, _DEPTH)
    return found


def _unique(pairs: list[tuple[str, Any]]) -> Fields:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant, strict=False)  # made once


def _check_depth(value: Any, left: int) -> None:
    if left < 0:
        raise ValueError("nested too deeply")
    if isinstance(value, dict):
        for item in value.values():
            _check_depth(item, left - 1)
    elif isinstance(value, list):
        for item in value:
            _check_depth(item, left - 1)


class _Tree:
    """Builds nested dicts from expat's calls. A repeated element becomes a list, except the identifying ones."""

    def __init__(self) -> None:
        self.root: Fields | None = None
        self._open: list[tuple[str, Fields, list[str]]] = []

    def start(self, name: str, _attributes: object) -> None:
        if len(self._open) >= _DEPTH:
            raise ValueError("nested too deeply")
        self._open.append((name, {}, []))

    def text(self, data: str) -> None:
        if self._open:
            self._open[-1][2].append(data)

    def end(self, _name: str) -> None:
        name, children, text = self._open.pop()
        if not self._open:
            self.root = children
            return
        value: Any = children or "".join(text)
        siblings = self._open[-1][1]
        if name not in siblings:
            siblings[name] = value
        elif name in _ONCE:
            raise ValueError("an element stands twice")
        elif isinstance(siblings[name], list):
            siblings[name].append(value)
        else:
            siblings[name] = [siblings[name], value]


def _doctype(*_: object) -> None:
    raise ValueError("a document type is refused")


def _xml(body: bytes) -> Fields:
    # The declared encoding is overruled, so that what was checked as UTF-8 is what is parsed. Without a document
    # type there are no entities to expand and nothing to fetch.
    tree = _Tree()
    parser = expat.ParserCreate("UTF-8")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _doctype
    parser.EntityDeclHandler = _doctype
    parser.StartElementHandler = tree.start
    parser.EndElementHandler = tree.end
    parser.CharacterDataHandler = tree.text
    try:
        parser.Parse(body, True)
    except expat.ExpatError:
        raise ValueError("not XML") from None
    if tree.root is None:
        raise ValueError("not XML")
    return tree.root
