"""Who may set the bridge up: whoever reads the code in the terminal. Each code opens one browser."""

import hashlib
import hmac
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from bridge.contract import Guesses, network_of
from bridge.wizard.draft import Draft

COOKIE = "bridge-setup"
_LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"  # none that is taken for another
_LENGTH = 8
_TRIES = 20  # of one code
_BROWSERS = 5
_AGE = 7 * 86400


class Door:
    """The code of this process. `tell` prints a new one: at the start, and whenever one was used or tried too often."""

    def __init__(self, draft: Draft, tell: Callable[[str], None]) -> None:
        self._draft = draft
        self._tell = tell
        self._guesses = Guesses(lambda: datetime.now(UTC))
        self._code = ""
        self._tries = 0

    def new_code(self) -> None:
        """The one before it opens nothing any more."""
        self._code = "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
        self._tries = 0
        self._tell(f"{self._code[:4]}-{self._code[4:]}")

    def is_open(self, request: Request) -> bool:
        """Whether this browser entered a code."""
        return _hashed(request.cookies.get(COOKIE, "")) in self._draft.browsers

    def enter(self, request: Request, code: str) -> tuple[str, float]:
        """A token for the browser, or "" and the seconds to wait first (0: the code is wrong)."""
        network = network_of(request.client.host if request.client is not None else "")
        wait = self._guesses.take("code", network)
        if wait:
            return "", wait
        given = "".join(one for one in code.upper() if one in _LETTERS)
        if not self._code or not hmac.compare_digest(given.encode(), self._code.encode()):
            self._tries += 1
            if self._tries >= _TRIES:
                self.new_code()
            return "", 0.0
        self._guesses.right("code", network)
        token = secrets.token_urlsafe(32)
        self._draft.browsers = [*self._draft.browsers, _hashed(token)][-_BROWSERS:]
        self.new_code()
        return token, 0.0

    def let_in(self, request: Request, response: Response, token: str) -> None:
        """Puts the token into the browser: no script reads it, and no other site sends it along."""
        secure = request.url.scheme == "https"
        response.set_cookie(
            COOKIE, token, path="/console/setup", httponly=True, samesite="strict", secure=secure, max_age=_AGE
        )

    def csrf(self, request: Request) -> str:
        """What this browser's forms must carry."""
        return hashlib.sha256(f"csrf:{request.cookies.get(COOKIE, '')}".encode()).hexdigest()[:40]

    def is_own(self, request: Request, form: dict[str, str]) -> bool:
        """Whether a form was sent from our own page, by this browser."""
        origin = request.headers.get("origin", "")
        host = request.headers.get("x-forwarded-host", request.headers.get("host", ""))
        if origin and urlsplit(origin).netloc.lower() not in {host.lower(), request.headers.get("host", "").lower()}:
            return False
        if not origin and request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
            return False
        return hmac.compare_digest(form.get("csrf", "").encode(), self.csrf(request).encode())


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
