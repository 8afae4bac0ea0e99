"""Sending: one connection per mail, and what each answer of the server means."""

import asyncio
import re
import ssl
from dataclasses import dataclass

from bridge.contract import AuthFailed, ConnectorError, Rejected, Retryable, Scope, Throttled
from connectors.email.bounce import plain_reason
from connectors.email.settings import EmailConfig, Server

try:
    import aiosmtplib
except ImportError as error:  # pragma: no cover
    raise ImportError("the email connector needs its libraries: pip install bridge[email]") from error

_ENHANCED = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_AUTH = {454, 530, 534, 535, 538}
_AUTH_ENHANCED = {"5.7.3", "5.7.139", "5.7.8", "5.7.9", "5.7.14"}
_SENDER = re.compile(
    r"same as authoriz?ation user|not owned by user|must be same as|sender address rejected: not|send ?as"
    r"|not allowed to send as|mail from must equal|from address.{0,30}not (?:verified|allowed|match)",
    re.IGNORECASE,
)
_RATE = re.compile(
    r"rate|too many|try (?:again )?later|exceeded|throttl|frequen|slow down|频率|过于频繁", re.IGNORECASE
)


class TooLarge(Rejected):
    """The server does not take mails of this size; smaller ones may pass."""


@dataclass(frozen=True, slots=True)
class Login:
    """A password, or with `bearer` an access token for XOAUTH2."""

    secret: str
    bearer: bool = False


def tls_context(server: Server, ca_file: str) -> ssl.SSLContext:
    """Certificates are checked, except on this machine's own loopback, where nobody is in between."""
    context = ssl.create_default_context(cafile=ca_file or None)
    if server.local and not ca_file:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


async def send(  # noqa: PLR0913 - a server and how to sign in
    config: EmailConfig, login: Login, sender: str, to: str, data: bytes, *, envelope_id: str, timeout: float
) -> str:
    """Hands one mail to the server. Returns its answer; raises what the answer, or its absence, means.

    Everything before the content is certain. When the connection dies after it, the outcome is unknown; a repeat
    carries the same Message-ID and the same bytes (RFC 1047).
    """
    client = await connect(config, login, timeout=timeout)
    sent = False
    try:
        options = [f"SIZE={len(data)}"] if client.supports_extension("size") else []
        limit = re.search(r"SIZE (\d+)", getattr(client.last_ehlo_response, "message", "") or "", re.IGNORECASE)
        if limit and 0 < int(limit[1]) < len(data):
            raise TooLarge(f"{config.smtp.host}: takes {limit[1]} bytes at most", code="552")
        reports: list[str] = []
        if client.supports_extension("dsn"):
            options += ["RET=HDRS", f"ENVID={envelope_id}"]
            reports = ["NOTIFY=FAILURE,DELAY", f"ORCPT=rfc822;{to}"]
        await client.mail(sender, options=options)
        await client.rcpt(to, options=reports)
        sent = True
        answer = await client.data(data)
    except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
        raise meaning(error, config.smtp.host, certain=not sent) from None
    finally:
        await _leave(client)
    return str(answer.message)[:200]


async def connect(config: EmailConfig, login: Login, *, timeout: float) -> aiosmtplib.SMTP:
    """A connection that may send. Nothing has happened yet when this fails."""
    server = config.smtp
    client = aiosmtplib.SMTP(
        hostname=server.host,
        port=server.port,
        use_tls=server.security == "tls",
        start_tls=server.security == "starttls",
        tls_context=tls_context(server, config.ca_file) if server.security != "plain" else None,
        local_hostname=config.domain,
        timeout=timeout,
    )
    try:
        await client.connect()
        await client.ehlo()  # what was announced before STARTTLS is forgotten
        if login.secret and client.supports_extension("auth"):
            if login.bearer:
                await client.auth_xoauth2(server.user, login.secret)
            else:
                await client.login(server.user, login.secret)
    except (aiosmtplib.SMTPException, OSError, TimeoutError, ValueError) as error:
        client.close()
        raise meaning(error, server.host, certain=True) from None
    return client


async def _leave(client: aiosmtplib.SMTP) -> None:
    try:
        async with asyncio.timeout(2):
            await client.quit()
    except (aiosmtplib.SMTPException, OSError, TimeoutError):
        client.close()


def meaning(error: Exception, host: str, *, certain: bool) -> ConnectorError:
    """What happens next after an SMTP error."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused) and error.recipients:
        error = error.recipients[0]
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return judge(error.code, str(error.message), host)
    if isinstance(error, aiosmtplib.SMTPNotSupported):
        return AuthFailed(f"{host}: offers no way to sign in that we know ({error})", code="auth")
    if isinstance(error, ssl.SSLCertVerificationError) or isinstance(error.__cause__, ssl.SSLCertVerificationError):
        return Retryable(f"{host}: its certificate does not verify; set ca_file if it is your own", code="tls")
    return Retryable(f"{host}: {type(error).__name__}", code=type(error).__name__, certain=certain)


def _scope(code: int, status: str) -> Scope:
    """A mailbox that is busy, full or greylists is one recipient's; a host, its queue or its disk everybody's.

    Source: RFC 5321, section 4.2.3 (450, 452), RFC 3463, section 3 (X.1 address, X.2 mailbox, X.7 policy), RFC 6647.
    """
    if status:
        return Scope.CONVERSATION if code != 421 and status.startswith(("4.1.", "4.2.", "4.7.")) else Scope.ACCOUNT
    return Scope.CONVERSATION if code in {450, 451} else Scope.ACCOUNT


def judge(code: int, message: str, host: str) -> ConnectorError:
    """What an SMTP answer means. Its text may quote addresses, so the log gets the codes only."""
    found = _ENHANCED.search(message)
    status = found[1] if found else ""
    said = f"{host}: {code} {status}".strip()
    label = f"{code} {status}".strip()
    reason = {language: words for language in ("en", "zh") if (words := plain_reason(status, language))}
    if code in _AUTH or status in _AUTH_ENHANCED:
        return AuthFailed(
            f"{said}: sign-in refused; check user and password (many providers want an authorization code)", code=label
        )
    if code >= 500 and (_SENDER.search(message) or status == "5.7.60"):
        return AuthFailed(
            f'{said}: may not send as our addresses; set address_mode = "reply_to" or "single", or allow them',
            code=label,
        )
    if code == 552 or status in {"5.3.4", "5.2.3"}:
        return TooLarge(said, code=label, reason=reason)
    if 400 <= code < 500:
        if code == 432 or (status.startswith("4.7.") and _RATE.search(message)):
            return Throttled(f"{said}: slow down", retry_after=60.0, scope=Scope.ACCOUNT, code=label, reason=reason)
        return Retryable(said, code=label, reason=reason, scope=_scope(code, status))
    if code >= 500:
        return Rejected(
            said,
            code=label,
            reason=reason or {"en": f"refused by the mail server ({label})", "zh": f"邮件服务器拒收（{label}）"},
        )
    return Retryable(f"{said}: unexpected answer", code=label, certain=False)
