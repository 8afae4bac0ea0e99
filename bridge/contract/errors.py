"""What can go wrong at a vendor, named by what happens next.

ConnectorError
├── Retryable        try this step again later                  → back off; the lane waits
│   └── Throttled    ... after `retry_after` seconds            → due later; scope `account` pauses all sending
├── WindowClosed     the other side must speak first            → park the lane, tell the agent, resume later
├── AuthFailed       credentials or rights are wrong            → pause the account, say so once
├── Gone             the ticket is finished, merged or deleted  → follow it, or open the next one
├── Rejected         this step will never be accepted           → failed, tell the agent, the lane goes on
├── Unauthentic      (inbound) the signature does not verify    → 403, nothing stored, counted
└── Malformed        (inbound) unreadable                       → before authentication 400; after it quarantined

`certain` says whether it is sure that nothing happened at the vendor. A connection that was refused is certain;
a request that went out and got no readable answer is not. The engine repeats an uncertain step only after
`LooksUp.find` said that it is absent, or by the account's `uncertain` setting.
"""

from collections.abc import Mapping
from enum import StrEnum


class Scope(StrEnum):
    """What a throttle holds back."""

    STEP = "step"
    LANE = "lane"
    ACCOUNT = "account"


class ConnectorError(Exception):
    """A vendor, or the way to it, said no.

    `message` is for the log and the console and holds no secret and no message text. `code` is the vendor's own
    code. `reason` is the plain sentence for the agent, by language (`en`, `zh`); empty where the code needs none.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        certain: bool = True,
        reason: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.certain = certain
        self.reason: Mapping[str, str] = reason or {}


class Retryable(ConnectorError):
    """Try this step again later.

    `tries` limits how often *this* cause may be repeated (None: the engine's own limits). `then_unknown` makes the
    step end as unconfirmed when the tries are used up, for answers such as "busy" that may hide a success.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        certain: bool = True,
        reason: Mapping[str, str] | None = None,
        tries: int | None = None,
        then_unknown: bool = False,
    ) -> None:
        super().__init__(message, code=code, certain=certain, reason=reason)
        self.tries = tries
        self.then_unknown = then_unknown


class Throttled(Retryable):
    """Too many requests; `retry_after` is in seconds."""

    def __init__(
        self,
        message: str,
        *,
        retry_after: float,
        scope: Scope = Scope.ACCOUNT,
        code: str = "",
        reason: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message, code=code, reason=reason)
        self.retry_after = retry_after
        self.scope = scope


class WindowClosed(ConnectorError):
    """The customer must speak first. `spent` is True when the count is used up rather than the time over."""

    def __init__(
        self, message: str, *, code: str = "", reason: Mapping[str, str] | None = None, spent: bool = False
    ) -> None:
        super().__init__(message, code=code, reason=reason)
        self.spent = spent


class AuthFailed(ConnectorError):
    """Credentials or rights are wrong; nothing of this account can work until somebody acts."""


class Gone(ConnectorError):
    """The conversation at the vendor takes no more messages.

    With `moved_to` the step is sent there; without it a new ticket that names the old one is opened.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        reason: Mapping[str, str] | None = None,
        moved_to: str | None = None,
    ) -> None:
        super().__init__(message, code=code, reason=reason)
        self.moved_to = moved_to


class Rejected(ConnectorError):
    """This step will never be accepted."""


class Unauthentic(ConnectorError):
    """(inbound) Nobody who knows the secret sent this. The answer never says which check failed."""


class Malformed(ConnectorError):
    """(inbound) Unreadable."""
