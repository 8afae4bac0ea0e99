"""What can go wrong at a vendor, named by what happens next.

ConnectorError
├── Retryable        try this step again later                  → back off; the lane waits
│   └── Throttled    ... after `retry_after` seconds            → due later; what its scope names rests
├── WindowClosed     the other side must speak first            → park the lane, tell the agent, resume later
├── AuthFailed       credentials or rights are wrong            → pause the account, say so once
├── Gone             the ticket is finished, merged or deleted  → follow it, or open the next one
├── Rejected         this step will never be accepted           → failed, tell the agent, the lane goes on
├── Unauthentic      (inbound) the signature does not verify    → 403, nothing stored, the cause kept for the admin
└── Malformed        (inbound) unreadable                       → before authentication 400; after it quarantined

`certain` says whether it is sure that nothing happened at the vendor. A connection that was refused is certain;
a request that went out and got no readable answer is not. The engine repeats an uncertain step only after
`LooksUp.lookup` said that it is absent, or by the account's `uncertain` setting; and "absent" is believed only when the
vendor answered (`Retryable.ended`), or so much later that it has given the request up as well.

`scope` says what the error is about, where that is not what its class says anyway (the table is in
`bridge.engine.outbound.policy`): what is wrong with one ticket or one mailbox must not stop the others.
"""

from collections.abc import Mapping
from enum import StrEnum


class Scope(StrEnum):
    """What an error is about, and holds back.

    `ITEM`: this step. `CONVERSATION`: this ticket, customer or mailbox. `INTERFACE`: steps of the same verb, because
    one interface of the vendor's has a limit of its own. `ACCOUNT`: everything that is sent for it.
    """

    ITEM = "item"
    CONVERSATION = "conversation"
    INTERFACE = "interface"
    ACCOUNT = "account"
    MACHINE = "machine"  # this one: it is no fault of the vendor, of the account or of what is sent


class ConnectorError(Exception):
    """A vendor, or the way to it, said no.

    `message` is for the log and the console and holds no secret and no message text. `code` is the vendor's own
    code. `reason` is the plain sentence for the agent, by language (`en`, `zh`); empty where the code needs none.
    """

    scope: Scope | None = None  # None: what the class is about

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        certain: bool = True,
        reason: Mapping[str, str] | None = None,
        scope: Scope | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.certain = certain
        self.reason: Mapping[str, str] = reason or {}
        self.scope = scope


class Retryable(ConnectorError):
    """Try this step again later.

    `tries` limits how often *this* cause may be repeated (None: the engine's own limits). `then_unknown` makes the
    step end as unconfirmed when the tries are used up, for answers such as "busy" that may hide a success.
    `ended`, of an uncertain one: the vendor answered and is done with the request, so that a look-up tells at once
    (`Response.ended`). Without it the request may still be carried out after the connection is gone.
    """

    def __init__(  # noqa: PLR0913 - what is known of an error, all by name
        self,
        message: str,
        *,
        code: str = "",
        certain: bool = True,
        reason: Mapping[str, str] | None = None,
        tries: int | None = None,
        then_unknown: bool = False,
        ended: bool = False,
        scope: Scope | None = None,
    ) -> None:
        super().__init__(message, code=code, certain=certain, reason=reason, scope=scope)
        self.tries = tries
        self.then_unknown = then_unknown
        self.ended = ended


class Throttled(Retryable):
    """Too many requests; `retry_after` is in seconds.

    `probe_after` (seconds) is for limits that may be lifted before that, such as a day's quota that somebody sets back:
    then one step asks that often whether it is over.
    """

    def __init__(
        self,
        message: str,
        *,
        retry_after: float,
        scope: Scope = Scope.ACCOUNT,
        code: str = "",
        reason: Mapping[str, str] | None = None,
        probe_after: float | None = None,
    ) -> None:
        super().__init__(message, code=code, reason=reason, scope=scope)
        self.retry_after = retry_after
        self.probe_after = probe_after


class WindowClosed(ConnectorError):
    """The customer must speak first. `spent` is True when the count is used up rather than the time over."""

    def __init__(
        self, message: str, *, code: str = "", reason: Mapping[str, str] | None = None, spent: bool = False
    ) -> None:
        super().__init__(message, code=code, reason=reason)
        self.spent = spent


class AuthFailed(ConnectorError):
    """Credentials or rights are wrong; nothing of this account can work until somebody acts.

    With the scope of a conversation it is about that ticket only: everything else goes on.
    """


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
    """This step will never be accepted. `consent_spent`: because the customer has no consent left to messages of its
    template, whatever was counted; any other refusal leaves the consent unused.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        certain: bool = True,
        reason: Mapping[str, str] | None = None,
        scope: Scope | None = None,
        consent_spent: bool = False,
    ) -> None:
        super().__init__(message, code=code, certain=certain, reason=reason, scope=scope)
        self.consent_spent = consent_spent


class Cause(StrEnum):
    """Why a callback was refused: what an admin has to look at. Whoever called is told none of it.

    `VISIT`: no callback at all, just somebody who opened the address. `UNSIGNED`: no signature where one belongs.
    `SIGNATURE`: signed with another secret or token. `CLOCK`: rightly signed, for another time. `KEY`: rightly signed,
    but it does not decrypt. `APP`: for another app or account. `MODE`: of a kind that the account is not set to.
    `NO_SECRET`: none is configured here. `NO_CALLBACKS`: accounts of this kind have none. `UNREADABLE` and `PATH` are
    the bridge's own: what cannot be read at all, and an address that no account has.
    """

    VISIT = "visit"
    UNSIGNED = "unsigned"
    SIGNATURE = "signature"
    CLOCK = "clock"
    KEY = "key"
    APP = "app"
    MODE = "mode"
    NO_SECRET = "no secret"  # noqa: S105 - it says that there is none
    NO_CALLBACKS = "no callbacks"
    UNREADABLE = "unreadable"
    PATH = "path"


class Unauthentic(ConnectorError):
    """(inbound) Nobody who knows the secret sent this. The answer never says which check failed.

    `cause` and `reason` (what to do, by language) are for the admin only: log, doctor, status. Where `reason` is empty
    a general sentence is shown.
    """

    def __init__(
        self, message: str, *, cause: Cause = Cause.SIGNATURE, reason: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message, reason=reason or REMEDIES[cause])
        self.cause = cause


class Malformed(ConnectorError):
    """(inbound) Unreadable."""


REMEDIES: Mapping[Cause, Mapping[str, str]] = {
    Cause.VISIT: {
        "en": "Nothing to do: somebody opened the address of the callbacks without calling back.",
        "zh": "无需处理：有人打开了回调地址，但这不是回调。",
    },
    Cause.UNSIGNED: {
        "en": "Callbacks come without a signature: set the secret at the vendor, or see who else calls this address.",
        "zh": "回调没有签名：请在对方平台设置密钥，或检查是谁在调用该地址。",
    },
    Cause.SIGNATURE: {
        "en": "The secret here and the one at the vendor differ: copy it again, without blanks around it.",
        "zh": "此处的密钥与对方平台上的不一致：请重新复制，注意前后不要有空格。",
    },
    Cause.CLOCK: {
        "en": "Callbacks are rightly signed but for another time: set this machine's clock (timedatectl set-ntp true).",
        "zh": "回调签名正确，但时间不符：请校准本机时钟（timedatectl set-ntp true）。",
    },
    Cause.KEY: {
        "en": "Callbacks do not decrypt: copy the encryption key from the vendor's page again.",
        "zh": "回调无法解密：请从对方平台重新复制加密密钥。",
    },
    Cause.APP: {
        "en": "Callbacks are for another app or account: enter the right id, or lead that app to its own account.",
        "zh": "回调属于另一个应用或账号：请填写正确的 ID，或让该应用使用自己的回调地址。",
    },
    Cause.MODE: {
        "en": "The vendor calls in another mode than this account is set to: choose the same mode on both sides.",
        "zh": "对方平台的推送模式与此处设置的不同：请在两边选择同一模式。",
    },
    Cause.NO_SECRET: {
        "en": "No secret is set for this account, so that no callback can be proven: set one here and at the vendor.",
        "zh": "此账号未设置密钥，无法验证任何回调：请在此处和对方平台设置同一密钥。",
    },
    Cause.NO_CALLBACKS: {
        "en": "Accounts of this kind take no callbacks: take the address out of whatever calls it.",
        "zh": "此类账号不接收回调：请在调用方移除该地址。",
    },
    Cause.UNREADABLE: {
        "en": "Callbacks cannot be read: a proxy may change or cut them, or something else than the vendor calls.",
        "zh": "回调内容无法读取：可能被代理改动或截断，或者调用方并非对方平台。",
    },
    Cause.PATH: {
        "en": "Callbacks come to an address that no account has: correct the path at the vendor.",
        "zh": "回调发到了不存在的地址：请在对方平台更正路径。",
    },
}
"""What to do about each cause, by language, where the connector has nothing better to say."""
