"""What an admin does about the platform's refusal of an account, in both languages."""

import re
from collections.abc import Mapping

from bridge.contract import ConnectorError

_REMEDIES: Mapping[str, Mapping[str, str]] = {
    "40001": {
        "en": "Correct app_secret: the platform says that it does not belong to this AppID.",
        "zh": "请更正 AppSecret：平台提示它与该 AppID 不匹配。",
    },
    "40013": {
        "en": "Correct app_id: copy the AppID from the console (开发管理 › 开发设置, Development management).",
        "zh": "请更正 AppID：从 开发管理 › 开发设置 重新复制。",
    },
    "40125": {
        "en": "Correct app_secret: copy the AppSecret from the console, or reset it there.",
        "zh": "请更正 AppSecret：从后台重新复制，或在后台重置。",
    },
    "40164": {
        "en": (
            "Add the address named above to the IP allow-list in the console "
            "(开发管理 › 开发设置 › IP白名单, Development management)."
        ),
        "zh": "请将上述地址加入 IP 白名单（开发管理 › 开发设置 › IP白名单）。",
    },
    "48001": {
        "en": "Have the account verified, or grant it the customer-service permission in the console.",
        "zh": "请完成账号认证，或在后台开通客服消息权限。",
    },
    "40243": {
        "en": "Unfreeze the AppSecret in the console.",
        "zh": "请在后台解冻 AppSecret。",
    },
    "89503": {
        "en": "The administrator of the account has to confirm this address on the phone.",
        "zh": "请账号管理员在手机上确认该 IP 地址。",
    },
    "89506": {
        "en": "The administrator refused this address; it can be asked for again after 24 hours.",
        "zh": "管理员已拒绝该 IP 地址；24 小时后可再次申请。",
    },
    "89507": {
        "en": "The administrator refused this address; it can be asked for again after 1 hour.",
        "zh": "管理员已拒绝该 IP 地址；1 小时后可再次申请。",
    },
}
_ELSE = {"en": "Check the account in the WeChat console.", "zh": "请在微信后台检查该账号。"}
_NAMED = re.compile(r"invalid ip (\S+)")


def remedy_of(error: ConnectorError) -> Mapping[str, str]:
    """By language; the agent's sentence where there is nothing better."""
    found = _REMEDIES.get(error.code) or error.reason
    return {language: found.get(language) or text for language, text in _ELSE.items()}


def address_named(error: ConnectorError) -> str:
    """The address of ours that the platform saw and does not allow, "" where it named none: `invalid ip A.B.C.D ipv6
    ::ffff:A.B.C.D, not in whitelist`.
    """
    found = _NAMED.search(error.message) if error.code == "40164" else None
    return found[1].strip(",;.") if found else ""
