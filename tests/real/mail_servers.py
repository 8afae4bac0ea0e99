"""Real Postfix, Dovecot and Request Tracker on loopback, and the people who use them."""

import asyncio
import email
import email.policy
import imaplib
import json
import os
import smtplib
import ssl
import subprocess
import tempfile
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import make_msgid
from pathlib import Path
from typing import Any

from bridge.testing.ports import free_port

SCRIPTS = Path(
    os.environ.get("BRIDGE_REALDESKS", Path(__file__).resolve().parents[3] / "shared" / "realdesks")
)  # see conftest.py


def run(script: str, *arguments: object) -> bytes:
    command = [str(SCRIPTS / script), *map(str, arguments)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=300)
    return done.stdout


@dataclass
class MailServers:
    """One Postfix and Dovecot. `stop` and `start` play an outage; mailboxes are kept."""

    folder: Path
    smtp_port: int = field(default_factory=free_port)
    submission_port: int = field(default_factory=free_port)
    imap_port: int = field(default_factory=free_port)
    rt_url: str = ""
    ca: str = ""

    def start(self) -> None:
        ports = (
            "--smtp-port",
            self.smtp_port,
            "--submission-port",
            self.submission_port,
            "--imap-port",
            self.imap_port,
        )
        extra = ("--rt-url", self.rt_url) if self.rt_url else ()
        self.ca = json.loads(run("mail.sh", "start", "--dir", self.folder, *ports, *extra))["ca"]

    def stop(self) -> None:
        run("mail.sh", "stop", "--dir", self.folder)

    def settings(self, **more: Any) -> dict[str, Any]:
        return {
            "kind": "email",
            "address": "bridge@bridge.test",
            "imap_url": f"imap+starttls://127.0.0.1:{self.imap_port}",
            "smtp_url": f"smtp+starttls://127.0.0.1:{self.submission_port}",
            "password": "bridge-pass",
            "ca_file": self.ca,
        } | more

    def send(self, sender: str, message: EmailMessage) -> None:
        """Somebody's mail program sends."""
        with smtplib.SMTP("127.0.0.1", self.submission_port, timeout=20) as out:
            out.starttls(context=ssl.create_default_context(cafile=self.ca))
            out.login(sender, f"{sender.partition('@')[0]}-pass")
            out.send_message(message, from_addr=sender)

    def mails(self, user: str) -> list[EmailMessage]:
        """Everything in somebody's inbox."""
        with imaplib.IMAP4("127.0.0.1", self.imap_port, timeout=20) as box:
            box.starttls(ssl.create_default_context(cafile=self.ca))
            box.login(user, f"{user.partition('@')[0]}-pass")
            box.select(readonly=True)
            found = []
            for number in box.search(None, "ALL")[1][0].split():
                fetched: Any = box.fetch(number, "(BODY.PEEK[])")[1][0]
                raw = fetched[1]
                found.append(email.message_from_bytes(raw, policy=email.policy.default))
            return found

    async def mail(self, user: str, number: int) -> EmailMessage:
        """The mail of this number in somebody's inbox, once it is there (within 20 seconds)."""
        async with asyncio.timeout(60):
            while len(found := await asyncio.to_thread(self.mails, user)) < number:
                await asyncio.sleep(0.1)
        return found[number - 1]


@contextmanager
def open_folder():
    """A folder that the servers' own users may enter, which pytest's are not; its path is short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="mail-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        yield Path(name)


@contextmanager
def mail_servers(*, rt_url: str = "", smtp_port: int = 0):
    with open_folder() as folder:
        servers = MailServers(folder / "mail", rt_url=rt_url, smtp_port=smtp_port or free_port())
        servers.start()
        try:
            yield servers
        finally:
            run("mail.sh", "clean", "--dir", servers.folder)


@dataclass
class Tracker:
    """A real Request Tracker and its REST interface, used as one of its agents."""

    base: str
    rest: str
    token: str

    def call(self, method: str, path: str, body: Any = None) -> Any:
        request = urllib.request.Request(
            self.rest + path,
            data=json.dumps(body).encode() if body is not None else None,
            method=method,
            headers={"Authorization": f"token {self.token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read() or b"null")

    def tickets(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.call("GET", "/tickets?query=id>0&fields=Subject,Status")["items"]
        return found

    def history(self, ticket: str) -> list[str]:
        """Types of what happened in a ticket, oldest first."""
        rows = self.call("GET", f"/ticket/{ticket}/history?fields=Type&per_page=100")["items"]
        return [row["Type"] for row in rows]


@contextmanager
def tracker_by_mail():
    """RT fed by mail: what goes to support@desk.test is a ticket, what agents answer goes out by SMTP."""
    port = free_port()
    with open_folder() as folder:
        raw = run("rt.sh", "start", "--dir", folder / "rt", "--port", free_port(), "--smtp-port", port)
        found = json.loads(raw)
        try:
            with mail_servers(rt_url=found["base_url"], smtp_port=port) as servers:
                yield Tracker(found["base_url"], found["rest2"], found["agent_token"]), servers
        finally:
            run("rt.sh", "clean", "--dir", folder / "rt")


def answer(mail: EmailMessage, text: str, *, sender: str, files: tuple[tuple[str, bytes], ...] = ()) -> EmailMessage:
    """A reply as a mail program writes it."""
    message = EmailMessage()
    message["From"] = sender
    message["To"] = str(mail["From"])
    message["Subject"] = f"Re: {mail['Subject']}"
    message["Message-ID"] = make_msgid(domain=sender.partition("@")[2])
    message["In-Reply-To"] = str(mail["Message-ID"])
    message["References"] = f"{mail['References'] or ''} {mail['Message-ID']}".strip()
    quoted = "\n".join(f"> {line}" for line in mail.get_body(("plain",)).get_content().splitlines())
    message.set_content(f"{text}\n\nOn Fri, Nov 20, 2026 at 10:21 AM {mail['From']} wrote:\n\n{quoted}\n")
    for name, data in files:
        message.add_attachment(data, maintype="image", subtype="png", filename=name)
    return message
