"""An address of one's own: JSON, signed where there is a secret, as https://www.standardwebhooks.com describes."""

import json

from pydantic import SecretStr, field_validator

from bridge.contract import (
    Alert,
    AlertConfig,
    AlertReceiver,
    Rejected,
    Retryable,
    check_url,
    sign_webhook,
    webhook_key,
)
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
        if value.get_secret_value():
            webhook_key(value.get_secret_value())
        return value


class Webhook(AlertReceiver[WebhookConfig]):
    """Alerts as signed JSON, to an address of your own."""

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
        headers = {"content-type": "application/json", "webhook-id": alert.id}
        secret = self.config.secret.get_secret_value()
        if secret:
            headers |= sign_webhook(webhook_key(secret), alert.id, self.now(), payload)
        url = self.config.url.get_secret_value()
        with unnamed(self.kind):
            answer = await self.http.request("POST", url, content=payload, headers=headers)
        if answer.status >= 500 or answer.status == 429:
            raise Retryable(f"the webhook answers {answer.status}", code=f"http {answer.status}")
        if not 200 <= answer.status < 300:
            raise Rejected(f"the webhook answers {answer.status}", code=f"http {answer.status}")
