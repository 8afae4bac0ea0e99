"""What people say, in one shape for all vendors.

The JSON of these models is a database format (`waiting`, `outbox`): fields are added with defaults, never renamed.
Ids are opaque strings that only the connector of their account makes or reads.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class Value(BaseModel):
    """A value. Unknown fields are dropped, so that an older process can read what a newer one wrote."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Contact(Value):
    """A person as one account knows them. `extra` holds vendor facts worth showing to agents. `verified_customer_id`
    is an id of the company's own that somebody proved (a signature, the platform): people who share it may be one, and
    so may those who share a `shared_id`, by which a platform knows them in all accounts of one owner.
    `called` is how the bridge names somebody without a name to a desk ("Visitor 7F3A"): good for a new profile or a
    subject, and never a reason to change a profile that is there. `profile` is what the company's own systems say of
    them (tier, orders): believed, and for agents' eyes; see `Capabilities.shows_profile`.
    """

    id: str
    name: str = ""
    avatar: str = ""
    email: str = ""
    phone: str = ""
    locale: str = ""
    extra: dict[str, str] = Field(default_factory=dict)
    verified_customer_id: str = ""
    shared_id: str = ""
    called: str = ""
    profile: dict[str, str] = Field(default_factory=dict)


class AuthorKind(StrEnum):
    """Who speaks. `SYSTEM` is the vendor or an automation, `BRIDGE` the bridge itself."""

    CUSTOMER = "customer"
    AGENT = "agent"
    SYSTEM = "system"
    BRIDGE = "bridge"
    BOT = "bot"  # answers by itself, as `Role.BOT`


class Author(Value):
    """Who wrote a message: `id` and `name` as its account knows them, "" where it says none."""

    kind: AuthorKind
    id: str = ""
    name: str = ""


class Audience(StrEnum):
    """Who may see a message. `AGENTS` (a private note) never leaves the desk side."""

    CUSTOMER = "customer"
    AGENTS = "agents"


class Media(Value):
    """A reference to a file; the bytes are in the media store once `sha256` is set.

    `account` and `id` say where it can be fetched (`Fetches.fetch`). The bridge fills `sha256`, `mime`, `size` (bytes)
    and `url` (a signed link that expires) before `render` sees it; `error` says why the bytes could not be had.
    """

    account: str
    id: str
    mime: str = ""
    name: str = ""
    size: int | None = None
    sha256: str = ""
    url: str = ""
    error: str = ""


class Format(StrEnum):
    """How a text is written."""

    PLAIN = "plain"
    HTML = "html"
    MARKDOWN = "markdown"


class Text(Value):
    """`words`: the same in further languages, where the bridge itself speaks (`Capabilities.reads_languages`)."""

    kind: Literal["text"] = "text"
    body: str
    format: Format = Format.PLAIN
    words: dict[str, str] = Field(default_factory=dict)


class Image(Value):
    """A picture."""

    kind: Literal["image"] = "image"
    media: Media
    caption: str = ""


class Voice(Value):
    """`transcript` is the vendor's own speech recognition, where it gives one."""

    kind: Literal["voice"] = "voice"
    media: Media
    transcript: str = ""


class Video(Value):
    """A video, and perhaps a picture of it."""

    kind: Literal["video"] = "video"
    media: Media
    thumb: Media | None = None
    caption: str = ""


class File(Value):
    """Any other file."""

    kind: Literal["file"] = "file"
    media: Media
    caption: str = ""


class Card(Value):
    """A link with a face: a web page (`url`) or a page inside an app (`app`, `path`)."""

    kind: Literal["card"] = "card"
    title: str = ""
    description: str = ""
    url: str = ""
    app: str = ""
    path: str = ""
    thumb: Media | None = None


class Location(Value):
    """A place in degrees, north and east positive; `label` is its name or address."""

    kind: Literal["location"] = "location"
    latitude: float
    longitude: float
    label: str = ""


class Choices(Value):
    """A question with answers to tap, towards a customer. What is tapped comes back as a text with the option's words.

    `plain` is all of it where there are no buttons; without it `text` and a line for each option.
    """

    kind: Literal["choices"] = "choices"
    text: str
    options: tuple[str, ...]
    plain: str = ""


class Unsupported(Value):
    """Something that has no shape here. `what` names it, `text` is what could be read of it: never dropped.

    `words` says all of it in further languages ("zh"), where the connector itself found the words.
    """

    kind: Literal["unsupported"] = "unsupported"
    what: str
    text: str = ""
    words: dict[str, str] = Field(default_factory=dict)


class DeliveryState(StrEnum):
    """How far one message came. `ACCEPTED` is not "read"."""

    HELD = "held"
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"
    UNCONFIRMED = "unconfirmed"


class Progress(Value):
    """How far another message (`of`, its id on the receiving account) came.

    Only for accounts whose capabilities say `delivery_status`; all others are told of trouble by a private note.
    `words` is the reason by language, where it is a sentence: for accounts that show each reader their own.
    """

    kind: Literal["progress"] = "progress"
    of: str
    state: DeliveryState
    reason: str = ""
    words: dict[str, str] = Field(default_factory=dict)


Part = Annotated[
    Text | Image | Voice | Video | File | Card | Location | Choices | Unsupported | Progress,
    Field(discriminator="kind"),
]


class Omitted(Value):
    """What a connector left out of what somebody wrote: `history` (a quote of what was said before) or a `signature`.
    `begins` are its first words, `size` its characters. `marked`: by the very program that wrote it, so that nobody
    can have meant it for the customer.
    """

    what: Literal["history", "signature"] = "history"
    begins: str = ""
    size: int = 0
    marked: bool = False


class Message(Value):
    """One thing said in one conversation.

    `conversation` is the id of the thread at the account it came from. `origin` is the key of the step that made it,
    where the vendor's metadata carries one: that is how the bridge knows its own voice. `sent_at` is the vendor's
    time, for display only; order never comes from it. `generated`: a machine made it, and the reader must be told.
    `short_id` is the vendor's own number, where `id` had to hold more than that to be unique: people look for it.
    `omitted`: what was left out of it as history or a signature; trace and agents are told.
    """

    id: str
    conversation: str
    author: Author
    parts: tuple[Part, ...]
    audience: Audience = Audience.CUSTOMER
    sent_at: datetime | None = None
    reply_to: str = ""
    origin: str = ""
    subject: str = ""
    generated: bool = False
    short_id: str = ""
    omitted: tuple[Omitted, ...] = ()
