"""What every connector has to keep, for both flavours and all modes."""

import json
from pathlib import Path
from typing import Any

from wechat_rig import OPENID

from bridge.contract import AuthFailed, Media, Rejected, Retryable, Scope, Throttled, WindowClosed
from bridge.testing.conformance import ConnectorConformance, Harness, Refusal, raws_in
from connectors.wechat import WeChat
from connectors.wechat.simulator import Simulator

SAMPLES = tuple(
    raw for raw in raws_in(Path(__file__).parent / "fixtures", keys=lambda path: path.name) if "README" not in raw.key
)


def says(code: int) -> bytes:
    """The platform says no with status 200."""
    return json.dumps({"errcode": code, "errmsg": "as asked rid: 695b7d90-3c177166-9ee3056f"}).encode()


class WeChatConformance(ConnectorConformance):
    connector = WeChat
    simulator = Simulator
    effect = "POST /cgi-bin/message/custom/send"
    uploads = "POST /cgi-bin/media/upload"
    samples = SAMPLES
    refusals = (
        Refusal("window over", WindowClosed, 200, says(45015)),
        Refusal("replies used up", WindowClosed, 200, says(45047)),
        Refusal("token", AuthFailed, 200, says(40001)),
        Refusal("account banned", AuthFailed, 200, says(48004)),
        Refusal("minute quota", Throttled, 200, says(45011), scope=Scope.INTERFACE),
        Refusal("daily quota", Throttled, 200, says(45009), scope=Scope.INTERFACE),
        Refusal("busy", Retryable, 200, says(-1)),
        Refusal("blocked", Rejected, 200, says(48002)),
        Refusal("content", Rejected, 200, says(87014)),
        Refusal("unheard of", Rejected, 200, says(98765)),
    )
    choices: dict[str, Any] = {}
    cannot_show = {"files_shown": "WeChat takes no files: they are links, see test_wechat_outbound"}

    def make_vendor(self, clock: Any, hook_url: str) -> Simulator:
        return Simulator(clock=clock, hook_url=hook_url, push_timeout=1.0, **self.choices)

    def wrong_settings(self, vendor: Simulator) -> dict[str, Any]:
        return vendor.settings() | {"app_secret": "ffffffffffffffffffffffffffffffff"}

    async def take_rights(self, harness: Harness) -> None:
        harness.vendor.platform.may_send = False

    async def open_conversation(self, harness: Harness) -> str:
        harness.vendor.lets_reply(OPENID)
        return OPENID

    async def happens(self, harness: Harness, text: str) -> None:
        await harness.vendor.says(OPENID, text)

    async def shown(self, harness: Harness) -> list[str]:
        return [bubble.text or bubble.kind for bubble in harness.vendor.chat(OPENID) if bubble.who == "service"]

    async def says(self, harness: Harness, conversation: str, text: str) -> None:
        await harness.vendor.says(conversation, text)

    async def says_wordless(self, harness: Harness, conversation: str) -> str:
        await harness.vendor.sends_card(conversation)
        return "pages/"

    async def sends_file(self, harness: Harness, conversation: str, data: bytes) -> None:
        await harness.vendor.sends_image(conversation, data)

    async def put_file(self, harness: Harness, data: bytes) -> Media:
        media_id = harness.vendor.platform.files.put("image", data, "image/jpeg", checked=False)
        return Media(account=harness.account.name, id=media_id)


class TestMiniProgram(WeChatConformance):
    """Secure mode, JSON: what the set-up guide recommends."""


class TestOfficialAccount(WeChatConformance):
    choices = {"flavour": "official_account", "mode": "compatible", "data_format": "xml"}


class TestPlain(WeChatConformance):
    """The platform signs the query only in this mode, so that altered words are taken as they are."""

    choices = {"mode": "plain", "data_format": "xml"}
    test_a_forged_callback_is_no_evidence = None
