"""Access tokens for XOAUTH2, renewed once for all processes."""

import json
from datetime import timedelta

from bridge.contract import Account, AuthFailed, Retryable, Token
from connectors.email.settings import EmailConfig, OAuth
from connectors.email.smtp import Login


async def login(config: EmailConfig, account: Account, *, refused: str = "") -> Login:
    """The secret to sign in with: the password, or a fresh access token. `refused` is one that was just turned down."""
    if config.oauth is None:
        return Login(config.password.get_secret_value())
    settings = config.oauth

    async def renew(old: Token | None) -> Token:
        return await _renew(settings, account, old)

    token = await account.tokens.get("oauth", renew, refused=refused, early=timedelta(minutes=5))
    return Login(token.value, bearer=True)


async def _renew(settings: OAuth, account: Account, old: Token | None) -> Token:
    refresh = (old.refresh if old else "") or settings.refresh_token.get_secret_value()
    form = {
        "client_id": settings.client_id,
        "client_secret": settings.client_secret.get_secret_value(),
        "scope": settings.scopes,
        "grant_type": "refresh_token" if refresh else "client_credentials",
        "refresh_token": refresh,
    }
    answer = await account.http.request(
        "POST", settings.address, data={name: value for name, value in form.items() if value}, repeatable=True
    )
    if answer.status in {400, 401, 403}:
        code = str(_field(answer.body, "error") or answer.status)
        raise AuthFailed(
            f"{answer.where}: {code}; sign in at the provider again and replace refresh_token (a Google app in testing "
            "loses it after 7 days, Microsoft after 90 days without use)",
            code=code,
        )
    if not answer.ok:
        raise Retryable(f"{answer.where}: {answer.status}", code=f"http {answer.status}")
    values = answer.json()
    if not isinstance(values, dict) or not values.get("access_token"):
        raise Retryable(f"{answer.where}: the answer holds no access token", code="oauth")
    lasts = timedelta(seconds=float(values.get("expires_in") or 3600))
    # Google sends no new refresh token: keep the old one
    kept = str(values.get("refresh_token") or refresh)
    return Token(str(values["access_token"]), account.now() + lasts, kept)


def _field(body: bytes, name: str) -> object:
    try:
        values = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return values.get(name) if isinstance(values, dict) else None
