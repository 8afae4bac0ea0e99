"""What a simulated RT remembers: tickets, transactions, attachments, users."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes, policy
from typing import Any

STATUSES = ("new", "open", "stalled", "resolved", "rejected", "deleted")
_REOPENS = {"new", "stalled", "resolved", "rejected", "deleted"}  # by RT's scrip "Open Inactive Tickets"


@dataclass(slots=True)
class Attachment:
    id: int
    transaction: int
    name: str
    mime: str
    data: bytes
    subject: str = ""
    message_id: str = ""


@dataclass(slots=True)
class Transaction:
    """`ticket` is where it was written; a merge does not change that."""

    id: int
    ticket: int
    kind: str
    creator: str
    created: datetime
    data: str = ""
    column: str = ""
    old: str = ""
    new: str = ""
    attachments: list[Attachment] = field(default_factory=list)


@dataclass(slots=True)
class Ticket:
    id: int
    queue: str
    subject: str
    creator: str
    requestors: list[str]
    created: datetime
    updated: datetime
    status: str = "new"
    merged_into: int = 0
    fields: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Said:
    """One message as it is written; files are (name, MIME type, bytes)."""

    text: str
    mime: str = "text/plain"
    files: Sequence[tuple[str, str, bytes]] = ()
    subject: str = ""
    message_id: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """One entry of a ticket as its agent reads it."""

    who: str
    kind: str
    text: str
    files: tuple[tuple[str, bytes], ...] = ()


class State:
    """The database of one RT."""

    def __init__(self, clock: Callable[[], datetime], queue: str) -> None:
        self.clock = clock
        self.queues = {"General": 1, queue: 3}
        self.names: dict[str, str] = {"bridge": "WeChat bridge", "agent": "Agent"}
        self.staff = {"bridge", "agent"}
        self.tickets: dict[int, Ticket] = {}
        self.transactions: dict[int, Transaction] = {}
        self.attachments: dict[int, Attachment] = {}
        self.changed: list[Transaction] = []  # what scrips have not run for yet
        self.opens = True  # whether correspondence reopens a ticket: an admin may have removed that scrip
        self._numbers = 40

    def ticket(self, number: int) -> Ticket | None:
        """A ticket; a merged one answers as the one it was merged into."""
        ticket = self.tickets.get(number)
        while ticket is not None and ticket.merged_into:
            ticket = self.tickets[ticket.merged_into]
        return ticket

    def create(self, queue: str, subject: str, creator: str, requestors: list[str]) -> Ticket:
        now = self.clock()
        ticket = Ticket(len(self.tickets) + 1, queue, subject, creator, requestors, now, now)
        self.tickets[ticket.id] = ticket
        for person in requestors:
            self.names.setdefault(person, "")
        return ticket

    def add(
        self, ticket: Ticket, kind: str, creator: str, *, data: str = "", change: tuple[str, str, str] = ("", "", "")
    ) -> Transaction:
        """`change`: which column, from what, to what."""
        self._numbers += 1
        now = self.clock()
        transaction = Transaction(self._numbers, ticket.id, kind, creator, now, data, *change)
        self.transactions[transaction.id] = transaction
        self.changed.append(transaction)
        ticket.updated = now
        return transaction

    def attach(
        self, transaction: Transaction, name: str, mime: str, data: bytes, subject: str = "", message_id: str = ""
    ) -> None:
        attachment = Attachment(len(self.attachments) + 1, transaction.id, name, mime, data, subject, message_id)
        self.attachments[attachment.id] = attachment
        transaction.attachments.append(attachment)

    def say(self, ticket: Ticket, kind: str, creator: str, said: Said) -> Transaction:
        """One message: a text alone is one attachment, with files it is a node and its children."""
        text, mime, files, subject = said.text, said.mime, said.files, said.subject
        transaction = self.add(ticket, kind, creator, data=f"{subject}\n" if subject else "No Subject")
        if kind == "Create":
            transaction.data = ""
        ours = said.message_id or f"rt-5.0.3-{transaction.id}@desk.test"
        if files:
            self.attach(transaction, "", "multipart/mixed", b"", subject, ours)
        if text:
            body = text.replace("\r\n", "\n").encode()
            self.attach(transaction, "", mime, body, "" if files else subject, "" if files else ours)
        for name, file_mime, data in files:
            self.attach(transaction, name, file_mime, data)
        if kind != "Comment":  # RT writes down whom it mailed; most users may not see that
            self.add(ticket, "EmailRecord", "RT_System")
        if kind == "Correspond" and self.opens and ticket.status in _REOPENS:
            self.set_status(ticket, "open", "RT_System")
        return transaction

    def set_status(self, ticket: Ticket, status: str, creator: str) -> None:
        self.add(ticket, "Status", creator, change=("Status", ticket.status, status))
        ticket.status = status

    def move(self, ticket: Ticket, queue: str, creator: str) -> None:
        """To another queue, which the bridge's user may not see."""
        self.queues.setdefault(queue, 3 + len(self.queues))
        self.add(ticket, "Set", creator, change=("Queue", str(self.queues[ticket.queue]), queue))
        ticket.queue = queue

    def give(self, ticket: Ticket, requestor: str, creator: str) -> None:
        """Somebody else becomes the requestor: RT writes down who was added, and who was taken away."""
        self.add(ticket, "AddWatcher", creator, change=("Requestor", "", "61"))
        self.add(ticket, "DelWatcher", creator, change=("Requestor", "60", ""))
        self.names.setdefault(requestor, "")
        ticket.requestors = [requestor]

    def merge(self, ticket: Ticket, into: Ticket, creator: str) -> None:
        """Both tickets get the same entry. What was written before stays where it was written."""
        for each in (ticket, into):
            self.add(each, "AddLink", creator, change=("MergedInto", "", f"fsck.com-rt://desk.test/ticket/{into.id}"))
        ticket.merged_into = into.id
        into.requestors += [one for one in ticket.requestors if one not in into.requestors]

    def take_mail(self, raw: bytes, number: int | None, queue: str) -> bool:
        """The mail gateway: from the sender's own address, onto a ticket or as a new one."""
        mail = message_from_bytes(raw, policy=policy.default)
        sender = str(mail["From"] or "").rpartition("<")[2].rstrip(">").strip().lower()
        ticket = self.ticket(number) if number else None
        if "@" not in sender or (number and ticket is None):
            return False
        person = mail["From"].addresses[0].display_name
        body = mail.get_body(("plain", "html"))
        content = body.get_payload(decode=True) if body is not None else b""
        text = content.decode() if isinstance(content, bytes) else ""
        mime = body.get_content_type() if body is not None else "text/plain"
        files: list[tuple[str, str, bytes]] = [
            (part.get_filename() or "", part.get_content_type(), _bytes(part.get_content()))
            for part in mail.iter_attachments()
        ]
        subject, message_id = str(mail["Subject"] or ""), str(mail["Message-ID"] or "").strip().strip("<>")
        if not self.names.get(sender):
            self.names[sender] = person
        if ticket is None:
            ticket = self.create(queue, subject, sender, [sender])
        kind = "Correspond" if number else "Create"
        self.say(ticket, kind, sender, Said(text, mime, files, subject, message_id))
        return True

    def seen(self, ticket: Ticket) -> list[Seen]:
        """The ticket as its agent reads it, oldest first, with what was merged into it."""
        entries = []
        for transaction in sorted(self.transactions.values(), key=lambda one: one.id):
            if self.ticket(transaction.ticket) is not ticket or transaction.kind not in {
                "Create",
                "Correspond",
                "Comment",
            }:
                continue
            said = [one for one in transaction.attachments if not one.name and one.mime.startswith("text/")]
            files = tuple((one.name, one.data) for one in transaction.attachments if one.name)
            text = "\n".join(one.data.decode() for one in said)
            entries.append(Seen(transaction.creator, transaction.kind, text, files))
        return entries


def _bytes(content: Any) -> bytes:
    if isinstance(content, str):
        return content.encode()
    return bytes(content)
