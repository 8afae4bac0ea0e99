"""The connector: a mailbox as a desk (`desk_address` is set) or as a channel (it is not)."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any, ClassVar

from bridge.contract import (
    Account,
    AuthFailed,
    CallbackResult,
    Capabilities,
    Cause,
    Connector,
    Event,
    Format,
    Guide,
    Health,
    Media,
    MediaRule,
    Message,
    Page,
    Persist,
    Problem,
    Raw,
    Receipt,
    Rejected,
    RenderContext,
    Request,
    Role,
    Said,
    Step,
    Subject,
    Support,
    Target,
    Unauthentic,
    Words,
)
from connectors.email import forgetting, mime, smtp
from connectors.email.delivery import Sender
from connectors.email.inbound import normalise
from connectors.email.intake import Intake
from connectors.email.memory import Memory
from connectors.email.oauth import login
from connectors.email.outbound import render
from connectors.email.polling import Reader, Session
from connectors.email.settings import EmailConfig
from connectors.email.tnef import unpack
from connectors.email.token import Signer


def _capabilities(*, desk: bool, largest: int) -> Capabilities:
    file = MediaRule(support=Support.FULL, max_bytes=largest)
    return Capabilities(
        formats=(Format.PLAIN, Format.HTML),
        image=file,
        voice=file,
        video=file,
        file=file,
        card=Support.PARTIAL,
        max_concurrency=2,
        poll_interval=timedelta(minutes=10),  # the listener is what is fast; logging in often angers providers
        threads=True,
        notes=desk,  # part of a mail to the helpdesk, which says it is one: no customer reads that mailbox
        notes_act=desk,
        fields=(),
        customer_is_author=Support.FULL if desk else Support.REFUSED,
    )


class Email(Connector[EmailConfig]):
    """A mailbox. As a desk we are the customer who writes to it; as a channel customers write to us.

    One account has one role: two roles in one mailbox would have to be told apart by the sender alone.
    """

    kind: ClassVar[str] = "email"
    roles: ClassVar[frozenset[Role]] = frozenset({Role.CHANNEL, Role.DESK})
    Config = EmailConfig
    guide: ClassVar[Guide] = Guide(
        name=("Mailbox", "邮箱"),
        as_desk=("A helpdesk that reads a mailbox", "通过邮箱接入的客服系统"),
        prepare=(
            (
                "Make a mailbox for the bridge alone: everything that arrives there is read. Where it stands for "
                "your helpdesk, let the helpdesk open tickets for mails from it."
            ),
            (
                "请准备一个专供本服务使用的邮箱：收到的所有邮件都会被读取。作为客服端时，请允许客服系统为该邮箱发来"
                "的邮件创建工单。"
            ),
        ),
    )
    capabilities: Capabilities = _capabilities(desk=True, largest=20 * 2**20)  # of a desk; an account has its own

    def __init__(self, config: EmailConfig, account: Account) -> None:
        super().__init__(config, account)
        self.capabilities = _capabilities(desk=config.is_desk, largest=config.max_attachment_bytes)
        self._signer = Signer(account.secret, account.name)
        memory = Memory(account.records, account.now)
        intake = Intake(config, account, self._signer, memory)
        self._reader = Reader(config, account, intake)
        self._sender = Sender(config, account, self._signer, memory, intake)

    async def verify(self, request: Request) -> CallbackResult:
        """Mail comes by IMAP: nobody has a reason to call."""
        raise Unauthentic("an email account has no callback", cause=Cause.NO_CALLBACKS)

    def normalise(self, raw: Raw) -> Sequence[Event]:
        return normalise(raw, self.config, self.account.name, self._signer, self.account.language)

    def render(self, messages: Sequence[Message], context: RenderContext) -> Sequence[Step]:
        return render(messages, context, desk=self.config.is_desk, max_files=self.config.max_attachment_bytes)

    async def prepare(self, step: Step, target: Target) -> dict[str, Any]:
        return await self._sender.prepare(step, target)

    async def deliver(self, step: Step, target: Target) -> Receipt:
        return await self._sender.deliver(step, target)

    async def lookup(self, step: Step, target: Target) -> Receipt | None:
        return await self._sender.lookup(step, target)

    async def listen(self, persist: Persist, cursor: str | None) -> None:
        await self._reader.listen(persist, cursor)

    async def poll(self, cursor: str | None, conversation: str | None = None) -> Page:
        return await self._reader.poll(cursor)

    async def fetch(self, media: Media, limit: int) -> AsyncIterator[bytes]:
        """A file out of a stored mail. Ids: sha256 of the mail / number of the part [/ number in winmail.dat]."""
        sha256, _, place = media.id.partition("/")
        number, _, inside = place.partition("/")
        raw = await self.account.media.read(Media(account=self.account.name, id=media.id, sha256=sha256))
        data = await asyncio.to_thread(_part, raw, number, inside)
        if data is None:
            raise Rejected("the mail holds no such file", code="no file")
        if len(data) > limit:
            raise Rejected(f"the file has {len(data)} bytes, more than {limit}", code="too large")
        yield data

    async def records_of(self, subject: Subject) -> dict[str, Any]:
        return await forgetting.records_of(self.account, subject)

    async def forget(self, subject: Subject) -> Sequence[Said]:
        return await forgetting.forget(self.account, subject, self.config.address)

    async def check(self) -> Health:
        """Signs in on both sides and looks at the folder. Nothing is sent and no flag is changed."""
        problems: list[Problem] = []
        facts: dict[str, Said] = {
            "role": Words("desk", "客服端") if self.config.is_desk else Words("channel", "客户渠道"),
            "address mode": self.config.address_mode,
        }
        try:
            async with Session(self.config, self.account, timeout=self.account.request_timeout) as session:
                facts["mails"] = str(session.box.exists)
                facts["waiting"] = "IDLE" if session.box.has_idle else Words("polling", "轮询")
                junk = await session.run(session.box.junk)
            if junk:
                facts["in spam"] = Words(
                    f"{junk} mails of trusted senders lie in the spam folder: mark them as no spam",
                    f"垃圾邮件夹中有 {junk} 封可信发件人的邮件，请标记为非垃圾邮件",
                )
        except AuthFailed as error:
            remedy = "check imap_url, password or oauth"
            problems.append(Problem(what=error.message, remedy=remedy, zh="请检查 imap_url、password 或 oauth"))
        try:
            secret = await login(self.config, self.account)
            client = await smtp.connect(self.config, secret, timeout=self.account.request_timeout)
            client.close()
        except AuthFailed as error:
            if error.message not in {problem.what for problem in problems}:
                remedy = "check smtp_url, password or oauth"
                problems.append(Problem(what=error.message, remedy=remedy, zh="请检查 smtp_url、password 或 oauth"))
        if self.config.is_desk:
            server, address = self.config.authserv_id, self.config.desk_address
            found, signed = Words(f"finding of {server}", f"采用 {server} 的判定"), Words("signed address", "签名地址")
            facts["sender check"] = found if server else signed
            if not self.config.trusted_senders:
                facts["trusted senders"] = Words(f"{address} only", f"仅 {address}")
        unchecked = (Words("whether a mail that is sent arrives (nothing was sent)", "邮件能否送达（未实际发送）"),)
        return Health(problems=tuple(problems), facts=facts, unchecked=unchecked)


def _part(raw: bytes, number: str, inside: str) -> bytes | None:
    for leaf in mime.leaves(mime.parse(raw)):
        if str(leaf.number) == number:
            data = mime.body(leaf.part)
            if not inside:
                return data
            packed = unpack(data)
            return packed[int(inside)].data if inside.isdigit() and int(inside) < len(packed) else None
    return None
