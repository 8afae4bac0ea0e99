"""What the engine and a connector hand each other."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from pydantic import Field

from bridge.contract.events import Status
from bridge.contract.messages import Audience, Contact, Media, Message, Value
from bridge.contract.words import Said


@dataclass(slots=True)
class Request:
    """One callback as it came in, at most 1 MiB. Header names are lower case; `query` keeps repeats and order.

    To be read only. (A frozen one costs three times as much to make, and one is made for every callback.)
    """

    method: str
    path: str
    query: Sequence[tuple[str, str]]
    headers: Mapping[str, str]
    body: bytes
    client: str
    at: datetime
    _ones: Mapping[str, str] | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def ones(self) -> Mapping[str, str]:
        """The query parameters that are given once: what stands twice can be read in two ways, so it has no value."""
        found = self._ones
        if found is None:
            found = dict(self.query)
            if len(found) != len(self.query):
                names = Counter(name for name, _ in self.query)
                found = {name: value for name, value in found.items() if names[name] == 1}
            self._ones = found
        return found

    def one(self, name: str) -> str:
        """The only value of a query parameter, "" when it is absent *or given twice*: ambiguity is refused."""
        return (self._ones or self.ones).get(name, "")


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer. An empty 200 means "accepted" to some vendors: never use one for trouble."""

    status: int = 200
    body: str | bytes = ""
    media_type: str = "text/plain"
    headers: Mapping[str, str] = field(default_factory=dict)


class Raw(NamedTuple):
    """An authentic payload as received.

    `key` is the vendor's identity of the *thing* (comment 5001), never of the delivery (webhook call 9), so that
    webhook and poll meet on it. `payload` holds all that `normalise` needs: it has no other source. `released`: it was
    quarantined before, and an admin let it pass; what was held back on a mere suspicion goes through now.
    """

    key: str
    payload: bytes
    at: datetime | None = None
    released: bool = False


_OK = Reply(200, "ok")


class CallbackResult(NamedTuple):
    """What an authentic request means: evidence to keep (`raws`), conversations to look at now (`refresh`;
    "" is the whole account: a round begins at once), both, or none.

    `reply` is sent only after `raws` are durable.
    """

    reply: Reply = _OK
    raws: Sequence[Raw] = ()
    refresh: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a collection. The engine commits `raws` and `cursor` together and asks again while `more`."""

    raws: Sequence[Raw] = ()
    cursor: str | None = None
    more: bool = False


class RenderContext(Value):
    """What `render` may know: the place the messages go to, at this moment.

    `conversation` is None when the ticket does not exist yet. `previous` is the finished ticket this one follows.
    `fields` come from the route (group, tags, priority, custom fields). `replies` and `until` are the reply allowance
    towards a customer; None where there is no such limit. `context` is where the customer came from. `channel` is
    what people call the place where the customer writes: a desk with tags finds it among `fields["tags"]`, others may
    show it in a subject. `data` is what a template is to say, by the template's own keys.

    For bots `history` is what was said before, and `memory` what the bot called this conversation (`BotAnswered`).
    Their `conversation` and `contact` are made-up ids: a bot never learns who the customer is at the platform. `asks`:
    the messages are a question to a bot (an account may be a bot or a desk).
    """

    conversation: str | None = None
    status: Status = Status.OPEN
    contact: Contact = Field(default_factory=lambda: Contact(id=""))
    channel: str = ""
    context: dict[str, str] = Field(default_factory=dict)
    fields: dict[str, Any] = Field(default_factory=dict)
    previous: str = ""
    history: tuple[Message, ...] = ()
    memory: str = ""
    asks: bool = False
    replies: int | None = None
    until: datetime | None = None
    language: str = "en"
    now: datetime | None = None
    data: dict[str, str] = Field(default_factory=dict)


class Labels(Value):
    """What a ticket should show of its conversation besides the messages: how many replies are left, and until when.

    `tags` are to be there; every other tag that begins with `prefix` is to go; all further tags are left alone.
    `fields` are custom fields as the route names them, with their values ("" empties one). `priority` (low, normal,
    high, urgent) is the least that the ticket should have; "" leaves it alone, and nothing ever lowers it. `rating` is
    what the customer thinks, 1 to 5, for a desk that keeps ratings of its own; 0 is none.
    """

    tags: tuple[str, ...] = ()
    prefix: str = "replies-"
    fields: dict[str, str] = Field(default_factory=dict)
    priority: str = ""
    rating: int = 0


class Step(Value):
    """One visible effect at a vendor, as plain data: it is stored and sent again byte for byte.

    `verb` and `body` mean something to the connector only. `covers` are the ids of the messages it carries (a message
    may need several steps, a step may carry several messages). `cost` is how many replies of the allowance it uses.
    `media` are the files it needs.
    """

    verb: str
    body: dict[str, Any] = Field(default_factory=dict)
    media: tuple[Media, ...] = ()
    covers: tuple[str, ...] = ()
    audience: Audience = Audience.CUSTOMER
    cost: int = 1


class Target(Value):
    """Where a step goes.

    `key` is the step's own key, the same at every attempt: hand it to the vendor where there is a place for it.
    `link` is a stable id of this conversation at the bridge. `channel` is what people call the place where the customer
    writes (a desk may show it). `peer` is the vendor's id of the customer, once a receipt
    named it. `prepared` is what `Prepares.prepare` returned. `tried_at` is when the first attempt began.
    """

    key: str
    link: str
    channel: str = ""
    conversation: str | None = None
    contact: Contact = Field(default_factory=lambda: Contact(id=""))
    peer: str = ""
    previous: str = ""
    fields: dict[str, Any] = Field(default_factory=dict)
    context: dict[str, str] = Field(default_factory=dict)
    prepared: dict[str, Any] = Field(default_factory=dict)
    attempt: int = 1
    tried_at: datetime | None = None


class Receipt(Value):
    """The vendor accepted a step.

    `ids` are its ids of the messages made (the echo of them is known from here on). `conversation` is the ticket the
    step went to, `peer` the vendor's id of the customer, `url` a page an agent can open. `left_out` names what the
    route asked of a new ticket and the vendor would not take (`group VIP`): agents are told. `payload` is what came
    back within the request: it is kept in the transaction that settles the step; `normalise` reads it as the raw with
    the key `answer_key(step's key)`.
    """

    ids: tuple[str, ...] = ()
    conversation: str = ""
    peer: str = ""
    url: str = ""
    detail: str = ""
    left_out: tuple[str, ...] = ()
    payload: str = ""


_ANSWER = "answer:"


def answer_key(step_key: str) -> str:
    """The key of what answers a step, however often and on whatever way it comes."""
    return f"{_ANSWER}{step_key}"


def answered_step(raw_key: str) -> str:
    """The key of the step that a payload answers; "" for any other payload."""
    return raw_key.removeprefix(_ANSWER) if raw_key.startswith(_ANSWER) else ""


class Problem(Value):
    """One fault that `check` found, and what to do about it.

    `stops` is False where messages flow all the same, only worse (answers are found by polling, say): an account that
    was stopped for its credentials goes on in spite of it. `credentials`: the vendor refuses them altogether, so that
    nothing else can be set up before. `zh` is the remedy in Chinese, `what_zh` the fault: leave it out where `what` is
    what the vendor said, which people search for as it stands. `enter` is a value that the remedy asks to enter at the
    vendor (an address), to be copied.
    """

    what: str
    remedy: str = ""
    stops: bool = True
    credentials: bool = False
    zh: str = ""
    enter: str = ""
    what_zh: str = ""

    def say(self, language: str) -> tuple[str, str]:
        """(fault, remedy) in a language; English where there is no other."""
        chinese = language.startswith("zh")
        return (self.what_zh if chinese else "") or self.what, (self.zh if chinese else "") or self.remedy


class Health(Value):
    """The result of `Connector.check`. `facts` are worth showing (version, user, limits); `unchecked` names what could
    not be proven, so that nobody takes silence for health.
    """

    problems: tuple[Problem, ...] = ()
    facts: dict[str, Said] = Field(default_factory=dict)
    unchecked: tuple[Said, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the account can work. `doctor` is content only where there is no problem at all."""
        return not any(problem.stops for problem in self.problems)


class Persist(Protocol):
    """Makes raws durable, then returns. Raises `StoreDown` when they could not be kept.

    With `cursor` the account's position is committed in the same transaction.
    """

    async def __call__(self, raws: Sequence[Raw], cursor: str | None = None) -> None: ...


class StoreDown(Exception):
    """The database could not commit in time. Whoever sent the thing must be told to send it again."""
