"""From fetched bytes to a raw: keeps the whole mail, finds its conversation, runs the guards that need memory."""

import asyncio
import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.message import Message as Mail

from bridge.contract import Account, Put, Raw
from connectors.email import mime, thread
from connectors.email.authenticity import why_untrusted
from connectors.email.automatic import is_report
from connectors.email.content import answer
from connectors.email.cut import cut_text
from connectors.email.envelope import WHOLE, Envelope, facts, key_of, slim, substance
from connectors.email.memory import Memory, Thread, fingerprint
from connectors.email.settings import EmailConfig, bare
from connectors.email.subject import body_code, ticket_tags
from connectors.email.token import Signer, digest

LOOP = "X-Bridge-Loop"
_WINDOW = timedelta(minutes=10)
_RELAYS = 60  # mails of one conversation within ten minutes: more than people write, fewer than a loop
_REPEATS = 3  # the same words of one sender within ten minutes
_REPEATS_SHORT = 10  # "ok" and the like, which people do repeat
_FOREIGN = 3  # mails that another bridge wrote


@dataclass(frozen=True, slots=True)
class Fetched:
    """One mail as the server gave it; `complete` is False when only its beginning was read. `size` is the whole's."""

    raw: bytes
    received: datetime | None = None
    complete: bool = True
    size: int = 0


class Intake:
    """Turns mails into raws for one account."""

    def __init__(self, config: EmailConfig, account: Account, signer: Signer, memory: Memory) -> None:
        self._config = config
        self._account = account
        self._signer = signer
        self._memory = memory
        self._writers = ("From",) if config.is_desk else ("Reply-To", "From")
        self.instance = digest(account.secret.hex(), 16)

    async def take(self, fetched: Fetched) -> Raw:
        """A mail nobody can parse becomes a raw all the same: `normalise` will say what is wrong with it."""
        try:
            mail = await asyncio.to_thread(mime.parse, fetched.raw)
            key = key_of(mail, fetched.raw)
            if key.startswith("mid:"):
                key = await self._memory.own_key(key, await asyncio.to_thread(substance, mail))
            envelope = await self._describe(mail, fetched, key)
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            key = f"sha256:{hashlib.sha256(fetched.raw).hexdigest()}"
            envelope = Envelope(fetched.raw[:WHOLE], size=len(fetched.raw))
        return Raw(key=key, payload=envelope.dump(), at=fetched.received)

    async def _describe(self, mail: Mail, fetched: Fetched, key: str) -> Envelope:
        own = self._is_own(mail)
        stored = await self._account.media.keep(fetched.raw, name="mail.eml", mime="message/rfc822")
        parts = await asyncio.to_thread(facts, mail)
        text = await asyncio.to_thread(_words, mail)
        envelope = Envelope(
            b"",
            sha256=stored.sha256,
            size=fetched.size or len(fetched.raw),
            received=fetched.received.isoformat() if fetched.received else "",
            key=key,
            own=own,
            complete=fetched.complete,
            parts=parts,
        )
        if not own:
            found = await thread.resolve(mail, self._signer, self._memory.lookup, text)
            envelope = replace(
                envelope,
                conversation=found.conversation,
                strength=found.strength,
                evidence=found.evidence,
                conflict=found.conflict,
            )
            envelope = await (self._from_desk if self._config.is_desk else self._from_customer)(mail, envelope, text)
        return replace(envelope, mail=await asyncio.to_thread(slim, mail, fetched.raw))

    def _is_own(self, mail: Mail) -> bool:
        ids = mime.ids(mime.header(mail, "Message-ID"))
        ours = bool(ids) and self._signer.read_id(ids[0]) is not None
        return ours or self.instance in [value.strip() for value in mime.headers(mail, LOOP)]

    async def _from_desk(self, mail: Mail, envelope: Envelope, text: str) -> Envelope:
        if not envelope.conversation or is_report(mail):
            return envelope
        if why_untrusted(mail, self._config, envelope.strength):
            return envelope
        mark = fingerprint(cut_text(text, self._config.delimiters).text)
        echo = bool(mark) and mark in (await self._memory.thread(envelope.conversation)).said
        held = await self._guard(mail, envelope, text)
        await self._learn(mail, envelope, text, desk=True, strong=envelope.strength == thread.PROOF)
        return replace(envelope, held=held, echo=echo)

    async def _from_customer(self, mail: Mail, envelope: Envelope, text: str) -> Envelope:
        if is_report(mail):
            return envelope
        name, sender = next(iter(mime.addresses(mail, "Reply-To", "From")), ("", ""))
        known = await self._memory.thread(envelope.conversation) if envelope.conversation else Thread("")
        stranger = bool(known.to) and bool(sender) and bare(known.to) != bare(sender)
        if not envelope.conversation or (stranger and envelope.strength != thread.PROOF):
            # a ticket number or another server's id is no right to enter somebody's conversation
            conversation = self._signer.name(envelope.key if envelope.key.startswith("mid:") else envelope.sha256)
            envelope = replace(envelope, conversation=conversation, strength="", evidence=("new conversation",))
            stranger = False
        held = await self._guard(mail, envelope, text)
        who = ("", "") if stranger else (sender, name)
        await self._learn(mail, envelope, text, desk=False, to=who[0], name=who[1])
        return replace(envelope, held=held, stranger=stranger)

    async def _guard(self, mail: Mail, envelope: Envelope, text: str) -> str:
        """Why this mail is held, when headers lie: too many, too alike, or written by another bridge."""
        mark = digest(envelope.key, 20)
        # a contact form writes for everybody who fills it in: the writer is whom an answer would reach
        sender = next((address for _, address in mime.addresses(mail, *self._writers)), "")
        if mime.headers(mail, LOOP):
            count, wait = await self._memory.count("foreign", sender, mark, _WINDOW, limit=_FOREIGN)
            if wait:
                return f"another bridge at {sender} sent {count} mails within ten minutes: are the two wired together?"
        # one sender speaks in all tickets of a desk; a customer's loop makes a new conversation each time
        place = envelope.conversation if self._config.is_desk else sender
        said = digest(text.strip(), 20)
        earlier = await self._memory.seen(place, mark, said, _WINDOW)
        most = _REPEATS if len(text.strip()) > 80 else _REPEATS_SHORT
        if text.strip() and earlier.count(said) >= most:
            return f"{sender} sent the same words {earlier.count(said)} times within ten minutes"
        if len(earlier) >= _RELAYS:
            return f"{len(earlier)} mails from {sender} within ten minutes: this may be a loop"
        return ""

    async def _learn(  # noqa: PLR0913 - what a mail was found to be
        self,
        mail: Mail,
        envelope: Envelope,
        text: str,
        *,
        desk: bool,
        strong: bool = False,
        to: str = "",
        name: str = "",
    ) -> None:
        """Keeps what the next mail of this conversation needs, and every id by which it may come back."""
        conversation = envelope.conversation
        subject = mime.header(mail, "Subject")
        ids = [found for found in mime.ids(mime.header(mail, "Message-ID")) if self._signer.read_id(found) is None]
        if "#" in envelope.key.rpartition(">")[2]:
            ids = []  # another mail had this id before: who refers to it means that one
        writes = [Memory.knows("id", found, conversation) for found in ids[:1]]
        code = body_code(text) if desk else ""
        if desk:
            # a helpdesk's pseudo-references (RT: <RT-Ticket-1@…>) are all that some of its later mails carry
            foreign = [found for found in thread.references(mail) if self._signer.read_id(found) is None]
            writes += [Memory.knows("id", found, conversation) for found in foreign[:10] if strong]
            writes += [
                Memory.knows("tag", tag, conversation) for tag in [*ticket_tags(subject), *([code] if code else [])]
            ]
        for own in thread.own_mails(mail, self._signer)[:3]:
            pending = await self._memory.composed(own.mail)
            if pending and pending.get("conversation") == conversation and not pending.get("sent"):
                writes.append(Put("mail", own.mail, {**pending, "sent": "answered"}))  # so it had arrived
        unique = list({(put.kind, put.key): put for put in writes}.values())

        def edit(known: Thread) -> Thread:
            # a thread's subject is set by the first mail that carries a ticket tag, then stays
            keep = known.subject if desk and ticket_tags(known.subject) and not ticket_tags(subject) else subject
            return replace(
                known,
                subject=keep or known.subject,
                chain=thread.chain(mail),
                heard=True,
                code=code or known.code,
                to=to or known.to,
                name=name or known.name,
            )

        await self._memory.change(conversation, edit, *unique)


def _words(mail: Mail) -> str:
    """The mail's text with its quote cut, for fingerprints; with everything when nothing else is there."""
    bodies = [leaf for leaf in mime.leaves(mail) if not leaf.attached and leaf.kind in {"text/plain", "text/html"}]
    text = "\n".join(leaf.text_body for leaf in bodies if leaf.kind == "text/plain")
    html = "\n".join(leaf.text_body for leaf in bodies if leaf.kind == "text/html")
    return answer(text, html)[0].text if html.strip() and not text.strip() else text
