"""Why callbacks of the platform are refused, in an admin's words. Whoever called hears none of it."""

from collections.abc import Mapping
from typing import NoReturn

from bridge.contract import Cause, Unauthentic

_PLACE = "mp.weixin.qq.com › 开发管理 › 消息推送"
REASONS: Mapping[Cause, Mapping[str, str]] = {
    Cause.SIGNATURE: {
        "en": f"`token` differs from Token at {_PLACE}: copy it again, without blanks, and save there.",
        "zh": f"`token` 与 {_PLACE} 中的 Token 不一致：请重新复制（前后不要有空格），并在那里点击提交。",
    },
    Cause.CLOCK: {
        "en": "This machine's clock is more than 15 minutes off: synchronise it (timedatectl set-ntp true).",
        "zh": "本机时钟误差超过 15 分钟：请开启时间同步（timedatectl set-ntp true）。",
    },
    Cause.KEY: {
        "en": f"`encoding_aes_key` differs from EncodingAESKey at {_PLACE}: copy all 43 characters again.",
        "zh": f"`encoding_aes_key` 与 {_PLACE} 中的 EncodingAESKey 不一致：请重新复制全部 43 个字符。",
    },
    Cause.APP: {
        "en": "`app_id` is not the AppID of the app that calls: copy it from 开发管理 › 开发设置.",
        "zh": "`app_id` 不是推送方的 AppID：请从 开发管理 › 开发设置 重新复制。",
    },
    Cause.MODE: {
        "en": f"`mode` differs from 消息加密方式 at {_PLACE}: plain is 明文模式, compatible 兼容模式, secure 安全模式.",
        "zh": (
            f"`mode` 与 {_PLACE} 中的“消息加密方式”不一致：plain 为明文模式，compatible 为兼容模式，secure 为安全模式。"
        ),
    },
}


def forged(cause: Cause = Cause.UNSIGNED) -> NoReturn:
    """One message for every cause: an answer that differs would be an oracle."""
    raise Unauthentic("the callback's signature does not verify", cause=cause, reason=REASONS.get(cause))
