"""Everything a connector may import. A test pins these names.

`Http` is loaded when somebody asks for it: its libraries take a quarter of a second, and commands that only read the
configuration need none.
"""

from typing import TYPE_CHECKING, Any

from bridge.contract.addresses import network_of
from bridge.contract.alerts import Alert, AlertConfig, AlertReceiver
from bridge.contract.bots import BesideConfig, BotConfig
from bridge.contract.callbacks import (
    CallbackResult,
    Health,
    Labels,
    Page,
    Persist,
    Problem,
    Raw,
    Receipt,
    RenderContext,
    Reply,
    Request,
    Step,
    StoreDown,
    Target,
    answer_key,
    answered_step,
)
from bridge.contract.capabilities import Capabilities, MediaRule, Rate, Support, Window, WindowGrant
from bridge.contract.config import AccountConfig, check_url, is_loopback
from bridge.contract.connector import (
    Connector,
    Drains,
    Embeds,
    Fetches,
    Invites,
    KeepsAgents,
    KnowsFields,
    Listens,
    LooksUp,
    Polls,
    Prepares,
    Role,
    Serves,
    SetsUp,
    SetUpChange,
    ShowsAllowance,
    SignsIn,
    Types,
)
from bridge.contract.described import About, Setting, describe
from bridge.contract.durations import Duration, format_duration, parse_duration
from bridge.contract.errors import (
    AuthFailed,
    Cause,
    ConnectorError,
    Gone,
    Malformed,
    Rejected,
    Retryable,
    Scope,
    Throttled,
    Unauthentic,
    WindowClosed,
)
from bridge.contract.events import (
    BotAnswered,
    BotVerdict,
    Change,
    ConsentChanged,
    ContactChanged,
    Entered,
    Event,
    MessageChanged,
    MessageReceived,
    ReceiptReceived,
    Retried,
    Status,
    StatusChanged,
)
from bridge.contract.guide import Guide, ToEnter
from bridge.contract.limits import Limit, Limits
from bridge.contract.messages import (
    Audience,
    Author,
    AuthorKind,
    Card,
    Choices,
    Contact,
    DeliveryState,
    File,
    Format,
    Image,
    Location,
    Media,
    Message,
    Part,
    Progress,
    Text,
    Unsupported,
    Video,
    Voice,
)
from bridge.contract.people import Forgets, Subject
from bridge.contract.phrases import Phrases, file_name, files_in, first_line, line_of
from bridge.contract.pictures import carry_pictures
from bridge.contract.plaintext import to_plain
from bridge.contract.response import Response
from bridge.contract.services import (
    Account,
    Append,
    Conflict,
    Drop,
    MediaStore,
    Put,
    Records,
    Token,
    Tokens,
    Typing,
    read_files,
)
from bridge.contract.signin import Busy, Guesses, check_password, hash_password
from bridge.contract.standard_webhooks import sign_webhook, verify_webhook, webhook_key
from bridge.contract.version import VERSION
from bridge.contract.words import Said, Words, WrongValue, in_language

if TYPE_CHECKING:
    from bridge.contract.http import Http

__all__ = [
    "VERSION",
    "About",
    "Account",
    "AccountConfig",
    "Alert",
    "AlertConfig",
    "AlertReceiver",
    "Append",
    "Audience",
    "AuthFailed",
    "Author",
    "AuthorKind",
    "BesideConfig",
    "BotAnswered",
    "BotConfig",
    "BotVerdict",
    "Busy",
    "CallbackResult",
    "Capabilities",
    "Card",
    "Cause",
    "Change",
    "Choices",
    "Conflict",
    "Connector",
    "ConnectorError",
    "ConsentChanged",
    "Contact",
    "ContactChanged",
    "DeliveryState",
    "Drains",
    "Drop",
    "Duration",
    "Embeds",
    "Entered",
    "Event",
    "Fetches",
    "File",
    "Forgets",
    "Format",
    "Gone",
    "Guesses",
    "Guide",
    "Health",
    "Http",
    "Image",
    "Invites",
    "KeepsAgents",
    "KnowsFields",
    "Labels",
    "Limit",
    "Limits",
    "Listens",
    "Location",
    "LooksUp",
    "Malformed",
    "Media",
    "MediaRule",
    "MediaStore",
    "Message",
    "MessageChanged",
    "MessageReceived",
    "Page",
    "Part",
    "Persist",
    "Phrases",
    "Polls",
    "Prepares",
    "Problem",
    "Progress",
    "Put",
    "Rate",
    "Raw",
    "Receipt",
    "ReceiptReceived",
    "Records",
    "Rejected",
    "RenderContext",
    "Reply",
    "Request",
    "Response",
    "Retried",
    "Retryable",
    "Role",
    "Said",
    "Scope",
    "Serves",
    "SetUpChange",
    "SetsUp",
    "Setting",
    "ShowsAllowance",
    "SignsIn",
    "Status",
    "StatusChanged",
    "Step",
    "StoreDown",
    "Subject",
    "Support",
    "Target",
    "Text",
    "Throttled",
    "ToEnter",
    "Token",
    "Tokens",
    "Types",
    "Typing",
    "Unauthentic",
    "Unsupported",
    "Video",
    "Voice",
    "Window",
    "WindowClosed",
    "WindowGrant",
    "Words",
    "WrongValue",
    "answer_key",
    "answered_step",
    "carry_pictures",
    "check_password",
    "check_url",
    "describe",
    "file_name",
    "files_in",
    "first_line",
    "format_duration",
    "hash_password",
    "in_language",
    "is_loopback",
    "line_of",
    "network_of",
    "parse_duration",
    "read_files",
    "sign_webhook",
    "to_plain",
    "verify_webhook",
    "webhook_key",
]


if not TYPE_CHECKING:  # it would make every name an Any

    def __getattr__(name: str) -> Any:
        if name != "Http":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from bridge.contract.http import Http as Found

        globals()["Http"] = Found
        return Found
