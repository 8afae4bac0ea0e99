"""A mail address, over a server that takes mail for it."""

import asyncio
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr, field_validator

from bridge.contract import Alert, AlertConfig, AlertReceiver, Rejected, Retryable, is_loopback

_SCHEMES = {"smtps": 465, "smtp+starttls": 587, "smtp": 25}
_PATIENCE = 15  # seconds


class MailboxConfig(AlertConfig):
    """`url`: `smtps://user@host`, `smtp+starttls://…`, or `smtp://` for this machine; `secret` is the password."""

    url: str
    secret: SecretStr = SecretStr("")
    to: tuple[str, ...]
    sender: str

    @field_validator("url")
    @classmethod
    def _readable(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in _SCHEMES or not parts.hostname or parts.password:
            raise ValueError("must be smtps://user@host or smtp+starttls://user@host, without a password")
        if parts.scheme == "smtp" and not is_loopback(parts.hostname):
            raise ValueError("smtp:// without encryption is for this machine only; use smtps:// or smtp+starttls://")
        return value


class Mailbox(AlertReceiver[MailboxConfig]):
    """Alerts by mail, over SMTP."""

    kind = "email"
    Config = MailboxConfig

    async def send(self, alert: Alert) -> None:
        mail = EmailMessage()
        mail["Subject"], mail["From"], mail["To"] = alert.title, self.config.sender, ", ".join(self.config.to)
        mail["Date"], mail["Auto-Submitted"] = format_datetime(alert.at), "auto-generated"
        mail["Message-ID"] = make_msgid(alert.id, self.config.sender.rpartition("@")[2] or None)
        mail.set_content("\n".join(alert.lines))
        try:
            await asyncio.to_thread(self._deliver, mail)
        except (smtplib.SMTPAuthenticationError, smtplib.SMTPRecipientsRefused, smtplib.SMTPSenderRefused) as error:
            raise Rejected(f"the mail server refuses the alert ({type(error).__name__})") from None
        except (OSError, smtplib.SMTPException) as error:
            raise Retryable(f"the mail server cannot be reached ({type(error).__name__})") from None

    def _deliver(self, mail: EmailMessage) -> None:
        parts = urlsplit(self.config.url)
        host, port = parts.hostname or "", parts.port or _SCHEMES[parts.scheme]
        tls = ssl.create_default_context()
        if parts.scheme == "smtps":
            server: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=_PATIENCE, context=tls)
        else:
            server = smtplib.SMTP(host, port, timeout=_PATIENCE)
        with server:
            if parts.scheme == "smtp+starttls":
                server.starttls(context=tls)
            if parts.username:
                server.login(unquote(parts.username), self.config.secret.get_secret_value())
            server.send_message(mail)
