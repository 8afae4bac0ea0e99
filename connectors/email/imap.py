"""Reading a mailbox: by UIDVALIDITY and UID, never by UNSEEN, without changing a flag. Blocking; runs in one thread."""

import contextlib
import re
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from bridge.contract import AuthFailed, ConnectorError, Retryable
from connectors.email.intake import Fetched
from connectors.email.settings import EmailConfig
from connectors.email.smtp import Login, tls_context

try:
    import imapclient
    from imapclient.exceptions import IMAPClientError, LoginError
except ImportError as error:  # pragma: no cover
    raise ImportError("the email connector needs its libraries: pip install bridge[email]") from error

PAGE = 20  # mails
PAGE_BYTES = 30 * 2**20
HEAD = 256 * 2**10  # read of a mail that is too large
RESYNC = timedelta(days=14)
_CURSOR = re.compile(r"(\d+):(\d+)")
_TROUBLE = (IMAPClientError, OSError, EOFError, ValueError, AssertionError)


@dataclass(frozen=True, slots=True)
class Batch:
    """Mails in the order of their UIDs, the position after them, and whether there are more."""

    mails: list[Fetched]
    cursor: str
    more: bool


class Mailbox:
    """One signed-in session on one folder. Every method blocks; `cut` may be called from another thread."""

    def __init__(self, config: EmailConfig, login: Login, *, now: Callable[[], datetime], timeout: float) -> None:
        self._config = config
        self._now = now
        server = config.imap
        context = tls_context(server, config.ca_file) if server.security != "plain" else None
        self._client: Any = None
        try:
            self._client = imapclient.IMAPClient(
                server.host, port=server.port, ssl=server.security == "tls", ssl_context=context, timeout=timeout
            )
            self._client.normalise_times = False
            self._socket = self._client.socket()
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            if server.security == "starttls":
                self._client.starttls(context)
            self._sign_in(login)
            self._select()
        except _TROUBLE as error:
            self.cut()
            raise self._meaning(error) from None
        except ConnectorError:
            self.cut()
            raise

    def _sign_in(self, login: Login) -> None:
        user = self._config.imap.user
        if login.bearer:
            self._client.oauth2_login(user, login.secret)
        else:
            self._client.login(user, login.secret)
        if self._client.has_capability("ID"):  # 163 refuses SELECT without it; others may not know the command
            self._client.id_(
                {"name": "bridge", "version": "1", "vendor": "bridge", "support-email": self._config.address}
            )

    def _select(self) -> None:
        answer = self._client.select_folder(self._config.folder, readonly=True)
        self.validity = int(answer.get(b"UIDVALIDITY", 0))
        self.exists = int(answer.get(b"EXISTS", 0))
        following = answer.get(b"UIDNEXT")
        if following is None:
            following = max(self._client.search("ALL"), default=0) + 1
        self._next = int(following)

    @property
    def has_idle(self) -> bool:
        return bool(self._client.has_capability("IDLE"))

    @property
    def here(self) -> str:
        """The position after everything that stood in the folder when it was opened."""
        return f"{self.validity}:{self._next - 1}"

    def read(self, cursor: str | None) -> Batch:
        """The next mails after `cursor`. None means from now on. After a change of UIDVALIDITY, the last 14 days."""
        try:
            return self._read(cursor)
        except _TROUBLE as error:
            raise self._meaning(error) from None

    def _read(self, cursor: str | None) -> Batch:
        found = _CURSOR.fullmatch(cursor or "")
        if not found:
            return Batch([], self.here, more=False)
        self._client.noop()
        last = int(found[2]) if int(found[1]) == self.validity else self._before_lately()
        # "n:*" names the newest mail even when its UID is below n (RFC 3501 6.4.8)
        uids = sorted(uid for uid in self._client.search(f"UID {last + 1}:*") if uid > last)
        mails, position, size = [], last, 0
        for uid in uids[:PAGE]:
            mail = self._fetch(uid)
            position = uid
            if mail is not None:
                mails.append(mail)
                size += len(mail.raw)
            if size >= PAGE_BYTES:
                break
        return Batch(mails, f"{self.validity}:{position}", more=bool(uids) and position < uids[-1])

    def _before_lately(self) -> int:
        """After a change of UIDVALIDITY positions are void: the last 14 days are read again, known by their keys."""
        since: date = (self._now() - RESYNC).date()
        return int(min(self._client.search(["SINCE", since]), default=self._next)) - 1

    def _fetch(self, uid: int) -> Fetched | None:
        """One mail, or None when it was deleted meanwhile. PEEK leaves the flags alone; iCloud refuses RFC822."""
        facts = self._client.fetch([uid], ["RFC822.SIZE", "INTERNALDATE"]).get(uid)
        if facts is None:
            return None
        size = int(facts.get(b"RFC822.SIZE", 0))
        received = facts.get(b"INTERNALDATE")
        complete = size <= self._config.max_mail_bytes
        item = "BODY.PEEK[]" if complete else f"BODY.PEEK[]<0.{HEAD}>"
        answer = self._client.fetch([uid], [item]).get(uid, {})
        raw = next((value for name, value in answer.items() if name.startswith(b"BODY[")), None)
        if raw is None:
            return None
        return Fetched(bytes(raw), received.astimezone(UTC) if isinstance(received, datetime) else None, complete, size)

    def wait(self, seconds: float) -> None:
        """Returns when the server announced something, or after `seconds`. Only with IDLE."""
        try:
            self._client.idle()
            until = time.monotonic() + seconds
            silent = 0
            while (left := until - time.monotonic()) > 0:
                answers = self._client.idle_check(timeout=left)
                silent = 0 if answers else silent + 1
                if silent > 3 and time.monotonic() < until - 0.05:
                    # IMAPClient swallows the end of the stream and would return at once for ever
                    raise Retryable(f"{self._config.imap.host}: the connection was closed", code="EOF")
                if any(len(answer) > 1 and answer[1] in {b"EXISTS", b"RECENT"} for answer in answers):
                    break
                if any(answer[0] == b"BYE" for answer in answers if answer):
                    raise Retryable(f"{self._config.imap.host}: the server said goodbye", code="BYE")
            self._client.idle_done()
        except _TROUBLE as error:
            raise self._meaning(error) from None

    def junk(self) -> int:
        """How many mails of trusted senders lie in the spam folder."""
        try:
            folder = self._client.find_special_folder(b"\\Junk")
            if not folder:
                return 0
            self._client.select_folder(folder, readonly=True)
            senders = [*self._config.trusted_senders, *filter(None, [self._config.desk_address])]
            return sum(len(self._client.search(["FROM", sender])) for sender in senders)
        except _TROUBLE:
            return 0

    def close(self) -> None:
        with contextlib.suppress(*_TROUBLE):
            self._client.logout()

    def cut(self) -> None:
        """Ends the session at once, whatever it is doing."""
        with contextlib.suppress(*_TROUBLE, AttributeError):
            self._client.socket().shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(*_TROUBLE, AttributeError):
            self._client.shutdown()

    def _meaning(self, error: Exception) -> ConnectorError:
        host = self._config.imap.host
        words = str(error)
        if "unsafe login" in words.lower():
            return AuthFailed(
                f"{host}: calls this an unsafe login; allow IMAP for this client in the web settings",
                code="unsafe login",
            )
        if isinstance(error, LoginError):
            if re.search(r"unavailable|try again|temporar|too many|limit|\[INUSE\]", words, re.IGNORECASE):
                return Retryable(f"{host}: sign-in is not possible now", code="login")
            return AuthFailed(
                f"{host}: sign-in refused; check user and password (many providers want an authorization code)",
                code="login",
            )
        if (
            isinstance(error, IMAPClientError) and "does not exist" in words.lower()
        ) or "unknown mailbox" in words.lower():
            return AuthFailed(f"{host}: there is no folder {self._config.folder!r}; set folder", code="folder")
        return Retryable(f"{host}: {type(error).__name__}", code=type(error).__name__)
