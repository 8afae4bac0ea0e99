"""A mail world on loopback: our mailbox (IMAP), a way out (SMTP), a helpdesk that answers by mail, customers.

`async with Simulator(role="desk") as world:` The bridge under test gets `world.settings()`.
"""

import re
from collections.abc import Callable
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid
from typing import Any, Literal, Self

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bridge.testing import simulator
from bridge.testing.clock import system_clock
from connectors.email import mime
from connectors.email.simulator.desk import Desk, Ticket
from connectors.email.simulator.imap import Folder, ImapServer
from connectors.email.simulator.smtp import SmtpServer, Trouble

OURS, DESK, CUSTOMERS = "bridge@bridge.example", "support@desk.example", "customer.example"
PASSWORD = "authorization-code"  # noqa: S105 # of a mailbox that does not exist
File = tuple[str, str, bytes]
"""(name, MIME type, bytes)"""


class Simulator(simulator.Simulator):
    """`inbox` is our mailbox. `sent` are all mails that went out through our SMTP, oldest first."""

    def __init__(
        self,
        *,
        role: Literal["desk", "channel"] = "desk",
        style: str = "zendesk",
        acknowledges: bool = False,
        clock: Callable[[], datetime] = system_clock,
    ) -> None:
        super().__init__(clock=clock)
        self.role = role
        self.acknowledges = acknowledges
        self.inbox = Folder()
        self.desk = Desk(style, DESK)
        self.sent: list[bytes] = []
        self.tokens = {"token-1"}
        self.refused_addresses: set[str] = set()  # taken at first, then bounced
        self.refresh_tokens = {"refresh-1"}
        accounts = {OURS: PASSWORD}
        self.imap = ImapServer({"INBOX": self.inbox, "Junk": Folder()}, accounts, self.tokens)
        self.smtp = SmtpServer(self._deliver, accounts, self.tokens)
        self.app = Starlette(routes=[Route("/token", self._token, methods=["POST"])])

    async def start(self, port: int = 0) -> Self:
        await super().start(port)
        await self.imap.start()
        await self.smtp.start()
        return self

    async def stop(self) -> None:
        await self.imap.stop()
        await self.smtp.stop()
        await super().stop()

    def settings(self, *, oauth: bool = False, **more: Any) -> dict[str, Any]:
        """The keys of an account that uses this world; `oauth` signs in with tokens in place of the password."""
        keys: dict[str, Any] = {
            "kind": "email",
            "address": OURS,
            "imap_url": f"imap://127.0.0.1:{self.imap.port}",
            "smtp_url": f"smtp://127.0.0.1:{self.smtp.port}",
            "await_ticket": "0s",
            "poll_every": "50ms",
        }
        if self.role == "desk":
            keys |= {"desk_address": DESK, "trusted_senders": ["desk.example"]}
        if oauth:
            keys["oauth"] = {
                "token_url": f"{self.base}/token",
                "client_id": "client",
                "client_secret": "client-secret",
                "refresh_token": "refresh-1",
            }
        else:
            keys["password"] = PASSWORD
        return keys | more

    def trouble(self, at: str, answer: str = "", *, times: int = 1, taken: bool = False) -> None:
        """The next SMTP command `at` (MAIL, RCPT, DATA, END, AUTH) gets this answer, or a cut connection."""
        self.smtp.troubles.append(Trouble(at, answer, times, taken))

    def arrives(self, raw: bytes) -> int:
        """Any mail into our mailbox; its UID."""
        raw = re.sub(rb"(?<!\r)\n", b"\r\n", raw)
        return self.inbox.add(raw, self.clock())

    def customer_writes(  # noqa: PLR0913 - a mail has that many parts
        self,
        text: str,
        *,
        sender: str = f"Customer A <a@{CUSTOMERS}>",
        subject: str = "Order",
        answering: bytes = b"",
        html: str = "",
        files: tuple[File, ...] = (),
        headers: dict[str, str] | None = None,
    ) -> bytes:
        """A mail program writes to us; `answering` is one of our mails. Returns the mail."""
        message = EmailMessage(policy=SMTP)
        message["From"] = sender
        message["To"] = OURS
        message["Subject"] = subject
        message["Date"] = format_datetime(self.clock())
        message["Message-ID"] = make_msgid(domain=CUSTOMERS)
        if answering:
            parent = mime.parse(answering)
            message.replace_header("To", mime.addresses(parent, "From")[0][1])
            message.replace_header("Subject", f"Re: {mime.header(parent, 'Subject')}")
            own = mime.header(parent, "Message-ID")
            message["In-Reply-To"] = own
            message["References"] = f"{mime.header(parent, 'References')} {own}".strip()
        for name, value in (headers or {}).items():
            message[name] = value
        message.set_content(text, cte="base64")
        if html:
            message.add_alternative(html, subtype="html", cte="base64")
        for name, kind, data in files:
            main, _, sub = kind.partition("/")
            message.add_attachment(data, maintype=main, subtype=sub, filename=name)
        raw = message.as_bytes()
        self.arrives(raw)
        return raw

    def says(self, text: str, **more: Any) -> bytes:
        """A customer says something (channel)."""
        return self.customer_writes(text, **more)

    def agent_says(self, text: str, *, ticket: Ticket | None = None, **more: Any) -> bytes:
        """An agent answers in a ticket, by default the newest; the helpdesk mails it to its requester."""
        return self.agent_answers(text, ticket=ticket, **more)

    def agent_answers(self, text: str, *, ticket: Ticket | None = None, **more: Any) -> bytes:
        raw = self.desk.write(ticket or self.desk.tickets[-1], text, self.clock(), **more)
        self.arrives(raw)
        return raw

    def bounces(
        self, raw: bytes, *, status: str = "5.1.1", action: str = "failed", words: str = "no such user"
    ) -> None:
        """A server reports about one of our mails (RFC 3464)."""
        mail = mime.parse(raw)
        original = raw.partition(b"\r\n\r\n")[0].decode("ascii", "replace")
        report = (
            f"From: MAILER-DAEMON@mail.example\r\nTo: {mime.addresses(mail, 'From')[0][1]}\r\n"
            f"Subject: Undelivered Mail Returned to Sender\r\nMessage-ID: {make_msgid(domain='mail.example')}\r\n"
            "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
            'Content-Type: multipart/report; report-type=delivery-status; boundary="b1"\r\n\r\n'
            "--b1\r\nContent-Type: text/plain\r\n\r\nI could not deliver your mail.\r\n"
            "--b1\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mail.example\r\n\r\n"
            f"Final-Recipient: rfc822; x@{CUSTOMERS}\r\nAction: {action}\r\nStatus: {status}\r\n"
            f"Diagnostic-Code: smtp; 550 {status} {words}\r\n\r\n"
            f"--b1\r\nContent-Type: text/rfc822-headers\r\n\r\n{original}\r\n--b1--\r\n"
        )
        self.arrives(report.encode())

    def vacation(self, raw: bytes, *, marked: bool = True) -> bytes:
        """Somebody's absence notice about one of our mails."""
        headers = {"Auto-Submitted": "auto-replied"} if marked else {}
        sender = mime.addresses(mime.parse(raw), "To")[0][1]
        return self.customer_writes("我最近正在休假中。", sender=sender, answering=raw, headers=headers)

    def _deliver(self, sender: str, recipients: list[str], raw: bytes) -> str:
        self.sent.append(raw)
        for recipient in recipients:
            if recipient in self.refused_addresses:
                self.bounces(raw)
            elif recipient.lower() == DESK:
                ticket = self.desk.receive(raw)
                acknowledgement = (
                    self.desk.acknowledgement(ticket, self.clock()) if ticket and self.acknowledges else b""
                )
                if acknowledgement and ticket and len(ticket.mails) == 1:
                    self.arrives(acknowledgement)
            elif recipient.lower().endswith("@bridge.example"):
                self.arrives(raw)
        return ""

    async def _token(self, request: Request) -> Response:
        form = await request.form()
        if form.get("client_secret") != "client-secret" or form.get("refresh_token") not in self.refresh_tokens:
            return JSONResponse({"error": "invalid_grant"}, 400)
        value = f"token-{len(self.tokens) + 1}"
        self.tokens.clear()
        self.tokens.update({value})
        return JSONResponse({"access_token": value, "expires_in": 3600, "token_type": "Bearer"})
