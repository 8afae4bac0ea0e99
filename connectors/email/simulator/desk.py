"""Helpdesks as they behave by mail: how they find a ticket, what they stamp on their mails, what they say unasked."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage, Message
from email.policy import SMTP
from email.utils import format_datetime, make_msgid, parseaddr

from connectors.email import mime


@dataclass(frozen=True, slots=True)
class Style:
    """`by`: the keys a ticket is found by, in order. `headers` stand on every mail, `ack_headers` on acknowledgements.

    Sources: Zendesk help 8396827889946 and 4408828416282, RT's RT_Config and Action/Autoreply, Freshdesk help 226802,
    osTicket's class.mailer, Zammad's follow_up_check and Channel::EmailBuild (`notification`).
    `framed`: the signature stands between two lines "--", above the quote, and links are footnotes below it.
    """

    by: tuple[str, ...]
    headers: dict[str, str]
    ack_headers: dict[str, str] = field(default_factory=dict)
    ack: str = ""
    tag: str = ""
    delimiter: str = ""
    quotes: bool = True
    framed: bool = False


STYLES = {
    "zendesk": Style(
        ("references", "code"),
        {
            "Auto-Submitted": "auto-generated",
            "X-Auto-Response-Suppress": "All",
            "X-Delivery-Context": "event-id-1",
            "X-Zendesk-From-Account-Id": "1a2b3c",
        },
        ack="Your request ({number}) has been received and is being reviewed by our support staff.",
        delimiter="##- Please type your reply above this line -##",
    ),
    "rt": Style(
        ("subject",),
        {"Precedence": "bulk", "X-RT-Loop-Prevention": "desk.example", "RT-Ticket": "desk.example #{number}"},
        {"Auto-Submitted": "auto-replied"},
        ack="This message has been automatically generated in response to the\ncreation of a trouble ticket.",
        tag="[desk.example #{number}]",
        quotes=False,
    ),
    "freshdesk": Style(
        ("subject", "references"),
        {"X-FD-Ticket": "{number}", "Auto-Submitted": "auto-generated"},
        ack="We would like to acknowledge that we have received your request and a ticket has been created.",
        tag="[#{number}]",
    ),
    "osticket": Style(
        ("references", "subject"),
        {"X-osTicket": "1"},
        {"Auto-Submitted": "auto-replied", "X-Autoreply": "yes", "Precedence": "auto_reply"},
        ack="A request for support has been created and assigned #{number}.",
        tag="[#{number}]",
    ),
    "zammad": Style(
        ("subject",),
        {"X-Zammad-Ticket": "{number}", "X-Powered-By": "Zammad - Helpdesk/Support"},
        {
            "X-Loop": "yes",
            "Precedence": "bulk",
            "Auto-Submitted": "auto-generated",
            "X-Auto-Response-Suppress": "All",
            "Return-Path": "<>",
        },
        ack="Ihre Anfrage ist eingegangen und wird bearbeitet.",
        tag="[Ticket#{number}]",
        framed=True,
    ),
    "person": Style(("references", "subject"), {}),
}


@dataclass(slots=True)
class Ticket:
    number: int
    requester: str
    subject: str
    ids: list[str] = field(default_factory=list)
    mails: list[bytes] = field(default_factory=list)


@dataclass(slots=True)
class Desk:
    """A helpdesk with one mailbox. It suspends automatic mail and refuses nothing else."""

    style: str
    address: str
    tickets: list[Ticket] = field(default_factory=list)
    suspended: list[bytes] = field(default_factory=list)

    @property
    def rules(self) -> Style:
        return STYLES[self.style]

    def receive(self, raw: bytes) -> Ticket | None:
        """The ticket a mail went to; None when it was suspended as automatic."""
        mail = mime.parse(raw)
        if any(mime.headers(mail, name) for name in ("Auto-Submitted", "Precedence", "List-Id")):
            self.suspended.append(raw)
            return None
        ticket = self._find(raw)
        if ticket is None:
            requester = mime.addresses(mail, "From")[0][1]
            ticket = Ticket(len(self.tickets) + 1, requester, mime.header(mail, "Subject"))
            self.tickets.append(ticket)
        ticket.mails.append(raw)
        ticket.ids += mime.ids(mime.header(mail, "Message-ID"))
        return ticket

    def _find(self, raw: bytes) -> Ticket | None:
        mail = mime.parse(raw)
        refers = mime.ids(mime.header(mail, "References") + mime.header(mail, "In-Reply-To"))
        for key in self.rules.by:
            for ticket in self.tickets:
                if key == "subject" and self.tag(ticket) and self.tag(ticket) in mime.header(mail, "Subject"):
                    return ticket
                if key == "references" and set(refers) & set(ticket.ids):
                    return ticket
        return None

    def tag(self, ticket: Ticket) -> str:
        return self.rules.tag.format(number=ticket.number)

    def acknowledgement(self, ticket: Ticket, now: datetime) -> bytes:
        """What the customer is told without anybody having read the mail; b"" when this style says nothing."""
        if not self.rules.ack:
            return b""
        return self.write(ticket, self.rules.ack.format(number=ticket.number), now, automatic=True)

    def write(  # noqa: PLR0913 - a mail has that many parts
        self,
        ticket: Ticket,
        text: str,
        now: datetime,
        *,
        automatic: bool = False,
        name: str = "Agent",
        sender: str = "",
        files: tuple[tuple[str, str, bytes], ...] = (),
        html: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        """A mail to the requester, as this helpdesk writes it."""
        last = mime.parse(ticket.mails[-1])
        message = EmailMessage(policy=SMTP)
        message["From"] = f"{name} <{sender or self.address}>"
        message["To"] = ticket.requester
        subject = (
            ticket.subject if self.tag(ticket) in ticket.subject else f"{self.tag(ticket)} {ticket.subject}".strip()
        )
        message["Subject"] = subject if self.style == "rt" else f"Re: {subject}"
        message["Date"] = format_datetime(now)
        message["Message-ID"] = make_msgid(domain="desk.example")
        if self.style != "rt" or automatic:
            message["In-Reply-To"] = ticket.ids[-1]
            message["References"] = " ".join(ticket.ids[-5:])
        for header, value in {**self.rules.headers, **(self.rules.ack_headers if automatic else {})}.items():
            message[header] = value.format(number=ticket.number)
        for header, value in (headers or {}).items():
            del message[header]
            message[header] = value
        message.set_content(self._body(ticket, text, last), cte="base64")
        if html:
            message.add_alternative(html, subtype="html", cte="base64")
        for file, kind, data in files:
            main, _, sub = kind.partition("/")
            message.add_attachment(data, maintype=main, subtype=sub, filename=file)
        ticket.ids.append(str(message["Message-ID"]))
        return message.as_bytes()

    def _body(self, ticket: Ticket, text: str, last: Message) -> str:
        quoted = next((leaf.text_body for leaf in mime.leaves(last) if leaf.kind == "text/plain"), "").strip()
        if self.rules.delimiter:
            rule = "-" * 46
            return (
                f"{self.rules.delimiter}\n\n{rule}\nAgent, Nov 20, 2026, 10:21 AM\n\n{text}\n\n"
                f"{rule}\nCustomer, Nov 20, 2026, 10:20 AM\n\n{quoted}\n\n"
                f"{'-' * 32}\nThis email is a service from Acme.\n\n[1G7EOR-0Q{ticket.number:02}]\n"
            )
        if not self.rules.quotes:
            return text + "\n"
        marked = "\n".join(f"> {line}" for line in re.split(r"\r?\n", quoted))
        name = parseaddr(mime.header(last, "From"))[1]
        if self.rules.framed:  # as Zammad turns a rich-text answer into text
            sign = "--\nSuper Support, https://desk.example [1]\n--"
            return f"{text}\n\n{sign}\n\nOn Fri, Nov 20, 2026 at 10:21 AM <{name}> wrote:\n\n{marked}\n\n[1] https://desk.example\n"
        return f"{text}\n\nOn Fri, Nov 20, 2026 at 10:21 AM <{name}> wrote:\n\n{marked}\n"
