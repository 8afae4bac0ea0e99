"""Request Tracker: what the engine calls."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any, ClassVar
from urllib.parse import quote

from bridge.contract import (
    Account,
    Audience,
    AuthFailed,
    CallbackResult,
    Capabilities,
    Connector,
    Event,
    Format,
    Gone,
    Guide,
    Health,
    Labels,
    Media,
    MediaRule,
    Message,
    Page,
    Phrases,
    Raw,
    Receipt,
    Rejected,
    RenderContext,
    Request,
    Retryable,
    Role,
    Scope,
    SetUpChange,
    Step,
    Support,
    Target,
    file_name,
    read_files,
)
from connectors.rt import callback, inbound, outbound
from connectors.rt.api import Api, Upload, after_writing, had_status, id_of, last_part
from connectors.rt.forgetting import Forgetting
from connectors.rt.gateway import compose, sender
from connectors.rt.guide import GUIDE
from connectors.rt.health import examine
from connectors.rt.lookup import Finding
from connectors.rt.owners import Owners
from connectors.rt.polling import Poll
from connectors.rt.settings import Settings
from connectors.rt.setup import manual_steps
from connectors.rt.text import address, mark

_FINISHED = {"rejected", "deleted"}
_STAYS_OPEN = {"open", "resolved"}  # a ticket seen so is open after a customer's words, whatever happens meanwhile


class RequestTracker(Forgetting, Connector[Settings]):
    """One queue of a Request Tracker 5. RT has no idempotency, so every write carries a mark in its subject by which
    `find` knows it again. A new ticket is known again by its requestor, an address that only this customer has, and by
    its first words.
    """

    kind: ClassVar[str] = "rt"
    roles: ClassVar[frozenset[Role]] = frozenset({Role.DESK})
    Config: ClassVar[type[Settings]] = Settings
    guide: ClassVar[Guide] = GUIDE
    capabilities = Capabilities(
        formats=(Format.PLAIN,),
        image=MediaRule(support=Support.FULL),
        voice=MediaRule(support=Support.FULL),
        video=MediaRule(support=Support.FULL),
        file=MediaRule(support=Support.FULL),
        card=Support.PARTIAL,
        location=Support.PARTIAL,
        max_concurrency=8,
        notes=True,
        threads=True,
        prepare_reads_only=True,
        fields=("priority", "custom_fields"),
        customer_is_author=Support.PARTIAL,
    )

    def __init__(self, config: Settings, account: Account) -> None:
        super().__init__(config, account)
        self._api = Api(config, account)
        self._poll = Poll(config, self._api, account.now)
        self._finding = Finding(config, account, self._api)
        self._owners = Owners(config, self._api)
        self.capabilities = self.capabilities.model_copy(update={"longest_write": timedelta(seconds=self._api.timeout)})
        if config.mail_gateway:
            self.capabilities = self.capabilities.model_copy(update={"customer_is_author": Support.FULL})

    async def verify(self, request: Request) -> CallbackResult:
        """A signed note of a scrip. It names a ticket; what was said there is read over the API."""
        return callback.check(request, self.config.hook_secret.get_secret_value())

    def normalise(self, raw: Raw) -> Sequence[Event]:
        return inbound.normalise(raw, self.account.name, self.config.requestor_domain)

    def render(self, messages: Sequence[Message], context: RenderContext) -> Sequence[Step]:
        return outbound.render(messages, context)

    def labels(self, labels: Labels, context: RenderContext) -> Step | None:
        return outbound.show(labels)

    async def prepare(self, step: Step, target: Target) -> dict[str, Any]:
        """Where the conversation is now: a merged ticket answers under the other one's id, and one that was moved to
        a queue we may not write in takes nothing more.
        """
        if target.conversation is None:
            return {}
        ticket = target.conversation
        try:
            found = await self._api.get(f"/ticket/{quote(ticket, safe='')}")
        except AuthFailed as error:
            if error.code != "http 403":
                raise
            raise Gone(f"ticket {ticket} may not be seen; it was moved to another queue", code=error.code) from None
        now = id_of(found)
        if now and now != ticket:
            raise Gone(f"ticket {ticket} was merged", moved_to=now)
        if found.get("Status") in _FINISHED:
            raise Gone(f"ticket {ticket} is {found.get('Status')}")
        if step.verb == "correspond" and not await self._owners.has(found, target.contact.id):
            raise Gone(f"ticket {ticket} was given to another customer", code="another customer")
        if not _may(found, step.verb) and not await self._is_ours(found):
            raise Gone(f"ticket {ticket} was moved to a queue where this user may not write")
        return {"status": found.get("Status")}

    async def _is_ours(self, ticket: dict[str, Any]) -> bool:
        """Whether a ticket is in our queue: there, a missing right is a fault of the set-up."""
        queue = await self._api.get(f"/queue/{quote(self.config.queue, safe='')}")
        return id_of(queue) == id_of(ticket.get("Queue"))

    async def deliver(self, step: Step, target: Target) -> Receipt:
        """One write. The Location names the transaction, which is the id by which its echo is known."""
        if target.conversation is None and step.audience is Audience.AGENTS:
            raise Rejected("there is no ticket yet to write on", code="no ticket")  # RT would mail it to the requestor
        step, files = await self._files(step)
        if target.conversation is None:
            return await self._create(step, target, files)
        if step.verb == outbound.LABELS:
            # RT says what it did, or why not, in sentences of a 200; repeating it changes nothing
            said = await self._api.put(f"/ticket/{target.conversation}", {"CustomFields": step.body["fields"]})
            return Receipt(conversation=target.conversation, detail="; ".join(said))
        if step.verb == "correspond" and self.config.mail_gateway:
            return await self._send_mail(step, target, target.conversation, files)
        fields = {"Content": step.body["text"], "ContentType": "text/plain", "Subject": mark(target.key)}
        verb = "comment" if step.verb == "comment" else "correspond"
        seen = target.prepared.get("status")
        if verb == "correspond" and seen in _STAYS_OPEN:
            fields["Status"] = "open"  # in the same call; RT's own scrip, which usually does it, may have been removed
        answer = await self._write(f"/ticket/{target.conversation}/{verb}", fields, step, files)
        if verb == "correspond" and not (seen == "open" and had_status(answer)):
            with after_writing():
                await self._reopen(target.conversation)
        return self._receipt(target.conversation, last_part(answer.headers.get("location", "")))

    async def _send_mail(self, step: Step, target: Target, ticket: str, files: Sequence[Upload]) -> Receipt:
        await self._mail(ticket, step, target, files, subject=mark(target.key))
        with after_writing():
            await self._reopen(ticket)
            found = await self._finding.said(target)
        return self._receipt(ticket, found[1] if found else "")

    async def _reopen(self, ticket: str) -> None:
        """RT's own scrip usually reopens; where an admin took it away, this does, also when the ticket was resolved
        between our look and our write. Refusals are sentences in a 200. Not needed where the answer of the write shows
        that the ticket was open when the words were there.
        """
        if (await self._api.get(f"/ticket/{ticket}")).get("Status") in {"resolved", *_FINISHED}:
            await self._api.put(f"/ticket/{ticket}", {"Status": "open"})

    async def _create(self, step: Step, target: Target, files: Sequence[Upload]) -> Receipt:
        subject, who = step.body["subject"], sender(target.contact, self.config.requestor_domain)
        if self.config.mail_gateway:
            await self._mail(None, step, target, files, subject=subject)
            with after_writing():
                found = await self._finding.created(step, target)
                if found is None:
                    raise Retryable("the mail gateway took a new ticket that is not there yet", code="mail gateway")
                return await self._created(*found, target, change=True)
        fields: dict[str, Any] = {
            "Queue": self.config.queue,
            "Subject": subject,
            "Requestor": str(who),
            "Content": step.body["text"],
            "ContentType": "text/plain",
            **_extra(target),
        }
        try:
            answer = await self._write("/ticket", fields, step, files)
        except Gone as error:
            raise Retryable(f"{error.message}; is api_base right?", code=error.code) from None
        with after_writing():
            ticket = id_of(answer.json()) or last_part(answer.headers.get("location", ""))
            if not ticket.isdigit():
                raise Retryable("RT does not say which ticket it made", code="no id")
            creates = await self._finding.creates(ticket)
            return await self._created(ticket, creates[0] if creates else "", target)

    async def _mail(
        self, ticket: str | None, step: Step, target: Target, files: Sequence[Upload], *, subject: str
    ) -> None:
        who, text = sender(target.contact, self.config.requestor_domain), step.body["text"]
        try:
            await self._api.mail(ticket, compose(text, files, who, target.key, subject=subject))
        except Rejected as error:
            if error.code != "http 413" or not files:
                raise
            text = f"{text}\n\n{_links(step)}"
            await self._api.mail(ticket, compose(text, (), who, target.key, subject=subject))

    async def _write(self, path: str, fields: dict[str, Any], step: Step, files: Sequence[Upload]) -> Any:
        try:
            return await self._api.write(path, fields, files)
        except Rejected as error:
            if (
                error.code == "http 413" and files
            ):  # a proxy's limit; nothing was done, and links are better than nothing
                return await self._api.write(path, {**fields, "Content": f"{fields['Content']}\n\n{_links(step)}"}, ())
            if "permission denied" in error.message.lower():
                scope = Scope.CONVERSATION if path.startswith("/ticket/") else None
                what = f"{error.message}: the token's user lacks a right"
                raise AuthFailed(what, code=error.code, scope=scope) from None
            raise

    async def _created(self, ticket: str, transaction: str, target: Target, *, change: bool = False) -> Receipt:
        """A ticket is there: what the route wants is put on it, and whose it is is remembered."""
        if change and _extra(target):
            await self._api.put(f"/ticket/{ticket}", _extra(target))
        if transaction:
            await self._finding.remember(ticket, transaction, target)
        return self._receipt(ticket, transaction, peer=address(target.contact.id, self.config.requestor_domain))

    async def lookup(self, step: Step, target: Target) -> Receipt | None:
        """By the mark in the subject or the Message-ID; a new ticket by its requestor and its words."""
        if target.conversation is None:
            made = await self._finding.created(step, target)
            return await self._created(*made, target, change=bool(self.config.mail_gateway)) if made else None
        said = await self._finding.said(target)
        if said is None:
            return None
        if step.verb == "correspond":
            with after_writing():
                await self._reopen(target.conversation)
        return self._receipt(*said)

    async def poll(self, cursor: str | None, conversation: str | None = None) -> Page:
        return await self._poll.ticket(conversation) if conversation else await self._poll.since(cursor)

    async def fetch(self, media: Media, limit: int) -> AsyncIterator[bytes]:
        yield await self._api.content(media.id, limit)

    async def check(self) -> Health:
        return await examine(self._api, self.config)

    async def plan(self, *, remove: bool = False) -> Sequence[SetUpChange]:
        """RT's scrips cannot be made over REST: what to paste, and where."""
        return manual_steps(self.config, self.account.name, self.account.hook_url, remove=remove)

    async def _files(self, step: Step) -> tuple[Step, list[Upload]]:
        found, missing = await read_files(self.account.media, step.media)
        step = outbound.without_files(step, missing)
        return step, [(file_name(media), data, media.mime or "application/octet-stream") for media, data in found]

    def _receipt(self, ticket: str, *ids: str, peer: str = "") -> Receipt:
        url = f"{self.config.web}/Ticket/Display.html?id={ticket}"
        return Receipt(ids=tuple(filter(None, ids)), conversation=ticket, peer=peer, url=url)


def _links(step: Step) -> str:
    """What stands in for files that are too large."""
    phrases = Phrases(step.body.get("language", "en"))
    return "\n".join(phrases.file(media, "file", "large") for media in step.media)


def _extra(target: Target) -> dict[str, Any]:
    """What the route wants on a ticket."""
    extra: dict[str, Any] = {}
    custom = target.fields.get("custom_fields")
    if isinstance(custom, dict) and custom:
        extra["CustomFields"] = custom
    if target.fields.get("priority") is not None:
        extra["Priority"] = target.fields["priority"]
    return extra


def _may(ticket: dict[str, Any], verb: str) -> bool:
    """RT links to what this user may do with a ticket. Without any links it does not say."""
    links = ticket.get("_hyperlinks")
    wanted = "comment" if verb == "comment" else "correspond"
    return not links or any(link.get("ref") == wanted for link in links if isinstance(link, dict))
