"""The sender: composes a step's mail once, keeps its bytes, and hands the same bytes over at every try."""

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from bridge.contract import (
    Account,
    Audience,
    AuthFailed,
    Gone,
    Media,
    Put,
    Receipt,
    Rejected,
    Retryable,
    Scope,
    Step,
    Target,
    Throttled,
    read_files,
)
from connectors.email import smtp
from connectors.email.composition import Attachment, Letter, compose, ending
from connectors.email.intake import Intake
from connectors.email.memory import Memory, Thread, fingerprint
from connectors.email.oauth import login
from connectors.email.settings import EmailConfig
from connectors.email.subject import own_tag
from connectors.email.token import ALPHABET, CONVERSATION, Signer, digest, is_conversation


class Sender:
    """Writes mails for one account."""

    def __init__(self, config: EmailConfig, account: Account, signer: Signer, memory: Memory, intake: Intake) -> None:
        self._config = config
        self._account = account
        self._signer = signer
        self._memory = memory
        self._intake = intake

    async def prepare(self, step: Step, target: Target) -> dict[str, Any]:
        """The finished mail, stored; or what is stored of an earlier try. Raises Throttled while limits hold."""
        if target.conversation is None and self._config.is_desk and step.audience is Audience.AGENTS:
            raise Rejected("there is no ticket yet to write on", code="no ticket")  # a helpdesk makes one of any mail
        conversation = target.conversation or await self._open(target)
        if not is_conversation(conversation):
            raise Gone("this conversation was never ours", code="unknown conversation")
        thread = await self._memory.thread(conversation)
        composed = await self._memory.composed(digest(target.key))
        if composed and composed.get("sha256"):
            return composed
        await self._hold(thread, target)
        links = bool(composed and composed.get("links"))
        found, missing = await read_files(self._account.media, () if links else step.media)
        files = _attached(found)
        body = {name: str(value) for name, value in step.body.items()}
        if linked := step.media if links else missing:
            body["text"] = "\n".join([body.get("text", ""), *(_link(media) for media in linked)])
        if not self._config.is_desk and not thread.to:
            thread = replace(thread, to=target.contact.email)
        if not self._config.is_desk and not thread.to:
            raise Rejected("nobody's address is known for this conversation", code="no address")
        letter = await asyncio.to_thread(  # a large file takes a second to encode; callbacks must not wait for it
            compose,
            self._config,
            self._signer,
            thread,
            body,
            files,
            key=target.key,
            now=self._account.now(),
            instance=self._intake.instance,
        )
        return await self._keep(letter, thread, target, files=bool(files), links=links)

    async def deliver(self, step: Step, target: Target) -> Receipt:
        """One SMTP transaction for one recipient."""
        mail = await self._memory.composed(digest(target.key)) or target.prepared
        if not mail.get("sha256"):
            mail = await self.prepare(step, target)
        if mail.get("sent"):  # the server's yes was stored before the bridge could settle the step
            return _receipt(mail)
        try:
            data = await self._account.media.read(_stored(mail))
        except Rejected:  # retention was faster than a step that waited long: composed anew, with the same Message-ID
            await self._memory.put(Put("mail", digest(target.key), None))
            mail = await self.prepare(step, target)
            data = await self._account.media.read(_stored(mail))
        secret = await login(self._config, self._account)
        try:
            answer = await self._send(secret, mail, data, target)
        except AuthFailed:
            if not secret.bearer:
                raise
            fresh = await login(self._config, self._account, refused=secret.secret)
            if fresh.secret == secret.secret:
                raise
            answer = await self._send(fresh, mail, data, target)
        rewritten = self._rewritten_ids(str(mail["conversation"]), answer)
        await self._memory.put(Put("mail", digest(target.key), {**mail, "sent": answer}), *rewritten)
        return _receipt({**mail, "sent": answer})

    async def lookup(self, step: Step, target: Target) -> Receipt | None:
        """A receipt when the server said yes, or somebody answered to this very mail. Else it counts as absent.

        SMTP cannot say more; at-least-once, with one Message-ID and the same bytes, is what mail promises (RFC 1047).
        """
        mail = await self._memory.composed(digest(target.key))
        if not mail:
            return None
        return _receipt(mail) if mail.get("sent") else None

    async def _send(self, secret: smtp.Login, mail: dict[str, Any], data: bytes, target: Target) -> str:
        try:
            return await smtp.send(
                self._config,
                secret,
                str(mail["sender"]),
                str(mail["to"]),
                data,
                envelope_id=str(mail["mail"]),
                timeout=max(self._account.request_timeout, 10.0) + len(data) / 250_000,
            )
        except smtp.TooLarge as error:
            if mail.get("links") or not mail.get("files"):
                raise
            value = {"links": True, "conversation": mail["conversation"]}
            await self._memory.put(Put("mail", digest(target.key), value))
            raise Retryable(
                f"{error.message}: next time with links in place of the files",
                code=error.code,
                tries=2,
                scope=Scope.ITEM,
            ) from None

    async def _open(self, target: Target) -> str:
        """A name for a new conversation: random and made once per link; a new database cannot repeat it."""

        def make() -> str:
            return "".join(secrets.choice(ALPHABET) for _ in range(CONVERSATION))

        return await self._memory.conversation_for(f"{target.link}\0{target.previous}", make)

    async def _hold(self, thread: Thread, target: Target) -> None:
        """Waits for the ticket's number before a second mail, and keeps below what helpdesks take for a flood."""
        now = self._account.now()
        if self._config.is_desk and thread.opened and not thread.heard and thread.last != digest(target.key):
            # RT and others find a ticket by the tag in the subject alone, and only their acknowledgement tells it
            left = (datetime.fromisoformat(thread.opened) + self._config.await_ticket - now).total_seconds()
            if left > 0:
                raise Throttled(
                    "the helpdesk has not named its ticket yet", retry_after=min(left, 2.0), scope=Scope.CONVERSATION
                )
        shared = self._config.one_sender and self._config.limit_by == "sender"
        place = "all" if shared else thread.conversation
        for limit, window in self._config.at_most:
            name = f"{place}\0{thread.to or self._config.desk_address}\0{window}"
            _, wait = await self._memory.count("rate", name, target.key, window, limit=limit)
            if wait:
                raise Throttled(
                    f"more than {limit} mails to one address within {window}: queued for the receiver's rate limit",
                    retry_after=wait,
                    reason=_limit(limit, window),
                    scope=Scope.ACCOUNT if shared and self._config.is_desk else Scope.CONVERSATION,
                )

    async def _keep(
        self, letter: Letter, thread: Thread, target: Target, *, files: bool, links: bool
    ) -> dict[str, Any]:
        """Stores the bytes, then one commit: the mail of this key, and what the thread knows from now on."""
        stored = await self._account.media.keep(letter.data, name="mail.eml", mime="message/rfc822")
        value = {
            "sha256": stored.sha256,
            "message_id": letter.message_id,
            "mail": letter.mail,
            "conversation": thread.conversation,
            "sender": letter.envelope_from,
            "to": letter.to,
            "files": files,
            "links": links,
        }
        now = self._account.now().isoformat()

        def edit(known: Thread) -> Thread:
            return replace(
                known,
                subject=known.subject or letter.subject,
                chain=known.chain if known.heard else list(letter.chain),
                to=known.to or ("" if self._config.is_desk else letter.to),
                opened=known.opened or now,
                last=letter.mail,
                said=[*known.said[-4:], *filter(None, [fingerprint(letter.text)])],
            )

        writes = [Put("mail", digest(target.key), value)]
        if self._config.is_desk:
            writes.append(Memory.knows("tag", own_tag(thread.conversation), thread.conversation))
        if thread.last and thread.last != letter.mail:
            writes.append(Put("mail", thread.last, None))  # lanes are strict: the step before is settled
        await self._memory.change(thread.conversation, edit, *writes)
        return value

    def _rewritten_ids(self, conversation: str, answer: str) -> list[Put]:
        """Amazon SES replaces the Message-ID and tells the new one in its answer, without the domain."""
        host = self._config.smtp.host
        if not host.startswith("email-smtp.") or not host.endswith(".amazonaws.com"):
            return []
        region = host.split(".")[1]
        name = answer.rsplit(maxsplit=1)[-1].strip("<>") if answer.strip() else ""
        if not name or "@" in name:
            return []
        domains = [f"{region}.amazonses.com", *(["email.amazonses.com"] if region == "us-east-1" else [])]
        return [Memory.knows("id", f"<{name}@{domain}>", conversation) for domain in domains]


def _limit(limit: int, window: timedelta) -> dict[str, str]:
    """Which limit of ours keeps mails back, for agents and admins."""
    minutes = f"{window.total_seconds() / 60:g}"
    return {
        "en": f"no more than {limit} mails to one address within {minutes} minutes (at_most)",
        "zh": f"{minutes} 分钟内发往同一地址的邮件不超过 {limit} 封（at_most）",
    }


def _attached(found: Sequence[tuple[Media, bytes]]) -> list[Attachment]:
    return [
        Attachment(media.name or f"file-{number}{ending(media.mime)}", media.mime, data)
        for number, (media, data) in enumerate(found, 1)
    ]


def _stored(mail: dict[str, Any]) -> Media:
    return Media(account="", id="mail", sha256=str(mail["sha256"]))


def _receipt(mail: dict[str, Any]) -> Receipt:
    return Receipt(
        ids=(str(mail["message_id"]),),
        conversation=str(mail["conversation"]),
        peer=str(mail["to"]),
        detail=str(mail["sent"]),
    )


def _link(media: Media) -> str:
    return f"[{media.name or media.mime}: {media.url or 'too large to attach'}]"
