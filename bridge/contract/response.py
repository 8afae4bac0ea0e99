"""What came back from a vendor."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import isfinite
from typing import Any

from pydantic_core import from_json

from bridge.contract.errors import Retryable

_GAVE_UP = frozenset({408, 499, 504, 520, 522, 524, 598, 599})


@dataclass(frozen=True, slots=True)
class Response:
    """A complete answer. Header names are lower case. `where` is method, host and path: fit for logs."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    where: str
    safe: bool = False

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def ended(self) -> bool:
        """Whether whoever answered is done with the request. What stands in front of a vendor gives up sooner than the
        vendor itself (408, 499, 504, 520, 522, 524, 598, 599), which may then still carry it out.
        """
        return self.status not in _GAVE_UP

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as JSON. An answer that is none leaves open whether the request took effect: uncertain."""
        try:
            return from_json(self.body)
        except ValueError:  # the library reads some more: another encoding, half of a character
            pass
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise Retryable(
                f"{self.where}: answer {self.status} is not JSON",
                code=f"http {self.status}",
                certain=self.safe,
            ) from None

    @property
    def retry_after(self) -> float | None:
        """`Retry-After` in seconds (at least 0), or None. A date counts from the answer's own `Date`."""
        value = self.headers.get("retry-after", "").strip()
        if not value:
            return None
        try:
            seconds = float(value)
            return max(0.0, seconds) if isfinite(seconds) else None
        except ValueError:
            pass
        try:
            then = parsedate_to_datetime(value)
            now = parsedate_to_datetime(self.headers["date"]) if "date" in self.headers else datetime.now(UTC)
            return max(0.0, (then - now).total_seconds())
        except (TypeError, ValueError, OverflowError):
            return None
