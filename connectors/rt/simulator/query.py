"""The part of RT's query language that a simulated RT understands. Anything else is an error, as at the vendor."""

import re
from collections.abc import Callable, Mapping
from typing import Any

_TOKEN = re.compile(r"\s*(\(|\)|AND\b|OR\b|[A-Za-z.]+|!=|>=|<=|=|>|<|'[^']*'|\d+)", re.IGNORECASE)
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda have, want: have == want,
    "!=": lambda have, want: have != want,
    ">": lambda have, want: int(have) > int(want),
    ">=": lambda have, want: int(have) >= int(want),
    "<": lambda have, want: int(have) < int(want),
    "<=": lambda have, want: int(have) <= int(want),
    "LIKE": lambda have, want: want.lower() in have.lower(),
}

Row = Mapping[str, Any]
Test = Callable[[Row], bool]


class QueryError(Exception):
    """RT answers 400."""


def parse(query: str, fields: set[str]) -> Test:
    """A test for rows; a row maps field names to a value or to a list of values, one of which must fit."""
    tokens, position = [], 0
    query = query.strip()
    while position < len(query):
        match = _TOKEN.match(query, position)
        if match is None:
            raise QueryError(f"Wrong query, expecting a AGGREGATOR in '{query[position:]}'")
        tokens.append(match[1])
        position = match.end()
    reader = _Reader(tokens, fields)
    test = reader.either()
    if reader.rest:
        raise QueryError(f"Wrong query near '{reader.rest[0]}'")
    return test


class _Reader:
    def __init__(self, tokens: list[str], fields: set[str]) -> None:
        self.rest = tokens
        self._fields = fields

    def either(self) -> Test:
        tests = [self.both()]
        while self.rest and self.rest[0].upper() == "OR":
            self.rest.pop(0)
            tests.append(self.both())
        return lambda row: any(test(row) for test in tests)

    def both(self) -> Test:
        tests = [self.one()]
        while self.rest and self.rest[0].upper() == "AND":
            self.rest.pop(0)
            tests.append(self.one())
        return lambda row: all(test(row) for test in tests)

    def one(self) -> Test:
        if not self.rest:
            raise QueryError("Incomplete query")
        if self.rest[0] == "(":
            self.rest.pop(0)
            test = self.either()
            if not self.rest or self.rest.pop(0) != ")":
                raise QueryError("Incomplete query, last element is not close paren")
            return test
        if len(self.rest) < 3:
            raise QueryError(
                f"Incomplete query, last element (KEYWORD) is not close paren or value in '{self.rest[0]}'"
            )
        field, operator, value = self.rest[:3]
        del self.rest[:3]
        if field not in self._fields:
            raise QueryError(f"Unknown field: {field}")
        compare = _COMPARE.get(operator.upper())
        if compare is None:
            raise QueryError(f"Unknown operator: {operator}")
        wanted = value.strip("'")
        negated = operator == "!="

        def fits(row: Row) -> bool:
            found = row[field]
            values = [str(one) for one in (found if isinstance(found, list) else [found])]
            return (all if negated else any)(compare(one, wanted) for one in values)

        return fits
