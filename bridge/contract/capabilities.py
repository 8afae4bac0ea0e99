"""What an account can do, as data: the engine, the console and the matrix in the docs read it."""

from datetime import timedelta
from enum import StrEnum
from fnmatch import fnmatchcase

from pydantic import ConfigDict, Field

from bridge.contract.messages import Format, Value


class Support(StrEnum):
    """How well a kind of content gets across."""

    FULL = "full"
    PARTIAL = "partial"  # with a loss that is said in the text
    LINK = "link"  # as a signed link that expires
    REFUSED = "refused"  # as a sentence that says what is missing


class MediaRule(Value):
    """Files of one kind (image, voice, video, file): patterns of accepted MIME types and the largest size in bytes."""

    support: Support
    mimes: tuple[str, ...] = ("*",)
    max_bytes: int | None = None

    def fits(self, mime: str, size: int | None) -> bool:
        """Whether such a file can be sent as it is."""
        small = self.max_bytes is None or (size is not None and size <= self.max_bytes)
        return small and any(fnmatchcase(mime, pattern) for pattern in self.mimes)


class WindowGrant(Value):
    """What one kind of event allows: so many replies (None: as many as one likes) for so long."""

    replies: int | None
    lasts: timedelta


class Window(Value):
    """The reply allowance towards a customer: data, because platforms change it. `grants` are further ones, by the name
    of what gives them (`Entered.grant`): a payment, a scanned code.
    """

    replies: int
    lasts: timedelta
    on_entry: int = 0
    entry_lasts: timedelta = timedelta(0)
    grants: dict[str, WindowGrant] = Field(default_factory=dict)


class Rate(Value):
    """At most `count` requests within `per`."""

    count: int
    per: timedelta


class Capabilities(Value):
    """`max_text_bytes` is UTF-8. `update_limit` limits the steps of one conversation (some desks count updates of a
    ticket); the engine then merges bursts. `rate` is what the vendor allows the whole account: it is shown to
    admins, and what paces requests is the vendor's own refusal (`Throttled`). `max_concurrency` limits the steps in
    flight. `poll_interval` is how often the account wants to be polled; None means as `engine.reconcile_every`
    says. `delivery_status`: the account can show how far each message came, so no note is needed. `notes`: it has
    private notes. `notes_act`: what it takes for a note acts like the customer's words (a mailbox: it opens a
    closed ticket again), so notes go along with the next message of the customer's; only those about answers that
    came to nothing go alone, for somebody must act. `threads`: one customer may have several conversations at once
    (tickets), so that a finished one is followed by a new one. `echoes_origin`: normalise can always tell the
    bridge's own writes (origin, author); otherwise the engine waits for receipts first. `prepare_reads_only`: all
    that `prepare` does is a short look, and `lookup` can tell afterwards what was not sent; then the attempt may be
    marked before it, together with the claim, which saves a commit on the way of every message.
    `labels_generated`: it shows customers by itself that a message was made by a machine (`Message.generated`).
    `fields` are what a desk can give a new ticket of a route's `group`, `brand`, `priority`, `tags` and
    `custom_fields`; None where it does not say. Of what is not among them agents are told.
    `knows_presence`: it can tell whether an agent is there, and gives a new ticket to `Target.fields["last_agent"]`
    (its own id of an agent) if so, and to nobody in particular else. `shows_profile`: it shows agents `Contact.profile`
    beside the customer, so that no note is needed.
    `reads_languages`: it shows each reader the bridge's own notes in their language (`Text.words`).
    `scripted`: a bot that says only what its operator wrote, so that promises and numbers in it are meant.
    `uploads_apart`: files are uploaded in `prepare`, which goes on without one that is refused; it has seconds for that
    while others wait, then the step comes again with files that cannot be read. Else the engine gives words and files
    steps of their own on the way to a desk, and a write that fails with its files goes without them.
    `longest_write`: how long the connector lets a write take, where that is longer than `Account.request_timeout`.
    Of one that nobody answered the engine believes that it was not carried out when as long has passed once more.
    `refuses_repeats`: the vendor refuses a step whose key it has seen, so that one of unknown outcome is repeated at
    once (where the account's `uncertain` is `retry`).

    The engine steers by `window`, `update_limit`, `max_concurrency`, `poll_interval`, `notes`, `notes_act`,
    `delivery_status`, `tags`, `echoes_origin`, `prepare_reads_only`, `labels_generated`, `scripted`, `fields`,
    `knows_presence`, `reads_languages`, `uploads_apart`, `longest_write`, `refuses_repeats` and `shows_profile`. The
    others are for the matrix in the docs, for `render` itself and for the conformance suite, which holds a connector to
    them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")  # a misspelt one would silently not be there

    max_text_bytes: int | None = None
    formats: tuple[Format, ...] = (Format.PLAIN,)
    image: MediaRule = MediaRule(support=Support.REFUSED)
    voice: MediaRule = MediaRule(support=Support.REFUSED)
    video: MediaRule = MediaRule(support=Support.REFUSED)
    file: MediaRule = MediaRule(support=Support.REFUSED)
    card: Support = Support.REFUSED
    choices: int = 0  # buttons of one question (`Choices`); 0: they are said in words
    location: Support = Support.PARTIAL
    window: Window | None = None
    update_limit: Rate | None = None
    rate: Rate | None = None
    max_concurrency: int = 4
    poll_interval: timedelta | None = None
    notes: bool = False
    notes_act: bool = False
    delivery_status: bool = False
    threads: bool = False
    tags: bool = False
    echoes_origin: bool = True
    prepare_reads_only: bool = False
    labels_generated: bool = False
    scripted: bool = False
    uploads_apart: bool = False
    longest_write: timedelta = timedelta(0)
    refuses_repeats: bool = False
    fields: tuple[str, ...] | None = None
    knows_presence: bool = False
    shows_profile: bool = False
    reads_languages: bool = False
    customer_is_author: Support = Support.REFUSED

    def takes(self, field: str) -> bool:
        """Whether a desk can give a new ticket this field of a route."""
        return self.fields is None or field in self.fields
