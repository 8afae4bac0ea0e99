"""An address of one's own: JSON, signed where there is a secret, as https://www.standardwebhooks.com describes."""

import base64
import hashlib
import hmac
import json
from binascii import Error

from pydantic import SecretStr, field_validator

from bridge.contract import Alert, AlertConfig, AlertReceiver, Rejected, Retryable, check_url
from connectors.alerts.secrecy import unnamed


class WebhookConfig(AlertConfig):
    """`secret` as Standard Webhooks writes it: `whsec_` and base64."""

    url: SecretStr
    secret: SecretStr = SecretStr("")

    @field_validator("url")
    @classmethod
    def _safe(cls, value: SecretStr) -> SecretStr:
        check_url(value.get_secret_value(), key="url")
        return value

    @field_validator("secret")
    @classmethod
    def _readable(cls, value: SecretStr) -> SecretStr:
        key_of(value.get_secret_value())
        return value


class Webhook(AlertReceiver[WebhookConfig]):
    kind = "webhook"
    Config = WebhookConfig

    async def send(self, alert: Alert) -> None:
        weekly = any(str(one.get("cause", "")).startswith("weekly.") for one in alert.causes)
        body = {
            "type": "figures.week" if weekly else "alert.well" if alert.well else "alert.trouble",
            "timestamp": alert.at.isoformat(),
            "data": {"title": alert.title, "lines": list(alert.lines), "causes": list(alert.causes)},
        }
        payload = json.dumps(body, ensure_ascii=False).encode()
        moment = str(int(self.now().timestamp()))
        headers = {"content-type": "application/json", "webhook-id": alert.id, "webhook-timestamp": moment}
        key = key_of(self.config.secret.get_secret_value())
        if key:
            mac = hmac.digest(key, f"{alert.id}.{moment}.".encode() + payload, hashlib.sha256)
            headers["webhook-signature"] = f"v1,{base64.b64encode(mac).decode()}"
        url = self.config.url.get_secret_value()
        with unnamed(self.kind):
            answer = await self.http.request("POST", url, content=payload, headers=headers)
        if answer.status >= 500 or answer.status == 429:
            raise Retryable(f"the webhook answers {answer.status}", code=f"http {answer.status}")
        if not 200 <= answer.status < 300:
            raise Rejected(f"the webhook answers {answer.status}", code=f"http {answer.status}")


def key_of(secret: str) -> bytes:
    """The key behind a secret; raises ValueError for one that cannot be read."""
    try:
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except (Error, ValueError):
        raise ValueError("is no secret of Standard Webhooks; write whsec_ and base64") from None
