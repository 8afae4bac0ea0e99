"""Group robots. Each takes a JSON text at a secret address and answers 200 with a code of its own.

Sources: WeCom https://developer.work.weixin.qq.com/document/path/91770 · DingTalk
https://open.dingtalk.com/document/robots/customize-robot-security-settings · Feishu
https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot
"""

import base64
import hashlib
import hmac
from typing import Any
from urllib.parse import urlencode

from pydantic import SecretStr, field_validator

from bridge.contract import Alert, AlertConfig, AlertReceiver, Rejected, Retryable, check_url
from connectors.alerts.secrecy import unnamed

_WECOM_BYTES = 2000  # 2048 are allowed


class RobotConfig(AlertConfig):
    """`url` holds the robot's token: it is a secret. `secret` signs, where the robot asks for a signature."""

    url: SecretStr
    secret: SecretStr = SecretStr("")

    @field_validator("url")
    @classmethod
    def _safe(cls, value: SecretStr) -> SecretStr:
        check_url(value.get_secret_value(), key="url")
        return value


class _Robot(AlertReceiver[RobotConfig]):
    Config = RobotConfig
    codes: tuple[str, ...] = ("errcode",)

    async def _post(self, body: dict[str, Any], **params: str) -> None:
        url = self.config.url.get_secret_value()
        if params:  # the robot's token stands in its own query
            url += ("&" if "?" in url else "?") + urlencode(params)
        with unnamed(self.kind):
            answer = await self.http.request("POST", url, json=body)
        if answer.status >= 500 or answer.status == 429:
            raise Retryable(f"{self.kind} answers {answer.status}", code=f"http {answer.status}")
        try:
            found = answer.json()
        except ValueError:
            found = None
        code = next((found[name] for name in self.codes if isinstance(found, dict) and name in found), None)
        if answer.status != 200 or code is None or str(code) != "0":
            raise Rejected(
                f"{self.kind} refuses the alert ({code if code is not None else answer.status})", code=str(code)
            )


class WeCom(_Robot):
    """A robot in a WeCom group."""

    kind = "wecom"

    async def send(self, alert: Alert) -> None:
        text = alert.text.encode()[:_WECOM_BYTES].decode(errors="ignore")
        await self._post({"msgtype": "text", "text": {"content": text}})


class DingTalk(_Robot):
    """Signed in the query: base64 of HMAC-SHA256 with the secret over the milliseconds, a line break and the secret."""

    kind = "dingtalk"

    async def send(self, alert: Alert) -> None:
        secret = self.config.secret.get_secret_value()
        params = {}
        if secret:
            moment = str(int(self.now().timestamp() * 1000))
            mac = hmac.digest(secret.encode(), f"{moment}\n{secret}".encode(), hashlib.sha256)
            params = {"timestamp": moment, "sign": base64.b64encode(mac).decode()}
        await self._post({"msgtype": "text", "text": {"content": alert.text}}, **params)


class Feishu(_Robot):
    """Signed in the body: base64 of HMAC-SHA256 over nothing, keyed by the seconds, a line break and the secret."""

    kind = "feishu"
    codes = ("code", "StatusCode")

    async def send(self, alert: Alert) -> None:
        body: dict[str, Any] = {"msg_type": "text", "content": {"text": alert.text}}
        secret = self.config.secret.get_secret_value()
        if secret:
            moment = str(int(self.now().timestamp()))
            mac = hmac.digest(f"{moment}\n{secret}".encode(), b"", hashlib.sha256)
            body |= {"timestamp": moment, "sign": base64.b64encode(mac).decode()}
        await self._post(body)
