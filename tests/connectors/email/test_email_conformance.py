"""The conformance suite, once for each role."""

import asyncio
from typing import Any

import mail_corpus as corpus

from bridge.contract import AuthFailed, Media, MessageReceived, Raw, Rejected, Retryable, Role, Scope, Throttled
from bridge.testing.conformance import ConnectorConformance, Harness, Refusal
from bridge.testing.faults import Trouble
from connectors.email import Email, mime
from connectors.email.envelope import Envelope, facts
from connectors.email.simulator import Simulator

_NAMES = (
    "quote-A01",
    "block-qq",
    "html-gmail-zh",
    "charset-0-gb2312-base64",
    "name-rfc2231",
    "kept-1",
    "cid-photo-not-logo",
)


def samples(conversation: str, head: bytes) -> tuple[Raw, ...]:
    """Mails of the corpus as the reader would keep them."""
    found = []
    for sample in corpus.everything():
        if sample.name in _NAMES:
            raw = head + sample.raw.replace(b"From: A <a@customer.example>", b"From: A <agent@desk.example>")
            envelope = Envelope(
                raw,
                sha256="f" * 64,
                size=len(raw),
                conversation=conversation,
                strength="proof",
                parts=facts(mime.parse(raw)),
            )
            found.append(Raw(key=f"mid:<{sample.name}@customer.example>", payload=envelope.dump()))
    assert len(found) == len(_NAMES)
    return tuple(found)


_MAP = '<p><img src="https://cdn.shop.example/map.png"></p>'


class Mailbox(ConnectorConformance):
    connector = None  # type: ignore[assignment] # the classes below are collected, this one is not
    takes_callbacks = False
    tickets_end = False  # a mailbox knows threads; what a helpdesk behind it does with them is its own
    effect = "END"
    cannot_show = dict.fromkeys(
        ("says", "says_privately", "audience_of", "author_of", "sends_file", "files_shown"),
        "what a mail says, to whom and with which files is proven by the corpus, films and sending tests",
    ) | {"gives_to_another": "a mail does not tell whose ticket it is; threads of other senders: test_email_rules"}
    # an SMTP server that takes a mail and then says no, or nothing, cannot be told from one that did not take it:
    # see test_every_try_sends_the_same_bytes for what happens then
    troubles = (Trouble.RESET_BEFORE, Trouble.STATUS)
    refusals = (
        Refusal("no such user", Rejected, 550, b"5.1.1 no such user"),
        Refusal("spam", Rejected, 554, b"5.7.1 spam"),
        Refusal("greylisted", Retryable, 450, b"4.2.0 later", scope=Scope.CONVERSATION),
        Refusal("rate", Throttled, 421, b"4.7.28 rate limit"),
        Refusal("sender", AuthFailed, 553, b"5.7.1 not owned by user"),
        Refusal("too large", Rejected, 552, b"5.3.4 too large"),
    )

    def make_vendor(self, clock: Any, hook_url: str) -> Simulator:
        return Simulator(role=self.role.value, clock=clock)

    def settings(self, vendor: Any) -> dict[str, Any]:
        settings = vendor.settings(at_most=[], max_attachment_bytes=2**20)
        if not vendor.imap.port:  # a dry connector has no servers
            settings |= {"imap_url": "imap://127.0.0.1:1", "smtp_url": "smtp://127.0.0.1:1"}
        return settings

    def wrong_settings(self, vendor: Any) -> dict[str, Any]:
        return self.settings(vendor) | {"password": "not the authorization code"}

    async def take_rights(self, harness: Harness) -> None:
        harness.vendor.smtp.accounts = {}  # may read, may not send

    async def shown(self, harness: Harness) -> list[str]:
        return [
            leaf.text_body.strip() for raw in harness.vendor.sent for leaf in mime.leaves(mime.parse(raw[:65_536]))[:1]
        ]

    async def put_file(self, harness: Harness, data: bytes) -> Media:
        raw = corpus.multipart(
            "multipart/mixed",
            corpus.part("text/plain", b"see file"),
            corpus.part("application/pdf", data, b"Content-Disposition: attachment; filename=a.pdf\r\n"),
        )
        kept = await harness.account.media.keep(raw, name="mail.eml", mime="message/rfc822")
        return Media(account=harness.account.name, id=f"{kept.sha256}/2", mime="application/pdf", name="a.pdf")

    async def arm(self, harness: Harness, trouble: Trouble, **options: Any) -> None:
        if trouble is Trouble.RESET_BEFORE:
            harness.vendor.trouble("END")
            return
        status, body = options.get("status", 500), options.get("body", b"").decode()
        times = options.get("times", 1)
        match status:
            case 401:
                harness.vendor.trouble("AUTH", "535 5.7.8 authentication failed", times=times)
            case 413:
                harness.vendor.trouble("END", "552 5.3.4 too large", times=times)
            case 429:
                harness.vendor.trouble("END", "421 4.7.28 rate limit", times=times)
            case 500 | 503:
                harness.vendor.trouble("END", f"451 4.3.0 {body}", times=times)
            case _:
                harness.vendor.trouble("END", f"{status} {body}", times=times)

    def disarm(self, harness: Harness) -> None:
        harness.vendor.smtp.troubles.clear()

    async def listening(self, harness: Harness) -> None:
        """A listener that was started is there before something happens: mail has no history for newcomers."""
        await asyncio.sleep(0)
        if any(task.get_coro().__name__ == "listen" for task in asyncio.all_tasks()):
            async with asyncio.timeout(60):
                while "IDLE" not in harness.vendor.imap.commands:
                    await asyncio.sleep(0.005)


class TestEmailDesk(Mailbox):
    connector = Email
    simulator = Simulator
    role = Role.DESK
    samples = samples("0" * 13, b"To: bridge@bridge.example\r\n")

    async def open_conversation(self, harness: Harness) -> str:
        from bridge.contract import Text
        from bridge.testing.conformance.builders import said, send, target_for

        context, target = target_for(self.role, None, key="key-opening")
        (step,) = harness.connector.render([said(self.role, Text(body="opening"), conversation="c1")], context)
        return (await send(harness, step, target)).conversation

    async def happens(self, harness: Harness, text: str) -> None:
        if not harness.vendor.desk.tickets:
            await self.open_conversation(harness)
        await self.listening(harness)
        harness.vendor.agent_answers(text)

    async def says_wordless(self, harness: Harness, conversation: str) -> str:
        harness.vendor.agent_answers("", html=_MAP)
        return "cdn.shop.example/map.png"


class TestEmailChannel(Mailbox):
    connector = Email
    simulator = Simulator
    role = Role.CHANNEL
    samples = samples("0" * 13, b"")

    async def open_conversation(self, harness: Harness) -> str:
        page = await harness.connector.poll(None)
        harness.vendor.customer_writes("opening")
        page = await harness.connector.poll(page.cursor)
        events = [event for raw in page.raws for event in harness.connector.normalise(raw)]
        return next(event.message.conversation for event in events if isinstance(event, MessageReceived))

    async def happens(self, harness: Harness, text: str) -> None:
        await self.listening(harness)
        harness.vendor.customer_writes(text)

    async def says_wordless(self, harness: Harness, conversation: str) -> str:
        harness.vendor.customer_writes("", html=_MAP)
        return "cdn.shop.example/map.png"
