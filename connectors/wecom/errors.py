"""The platform's result codes: what follows from each, and the sentence for the agent.

Source: https://developer.work.weixin.qq.com/document/path/90313 (general list) and …/path/94677 (sending). The
meaning of several 950xx codes is known from public SDKs only; an unknown code is a definite no.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from enum import StrEnum
from typing import NamedTuple

from bridge.contract import AuthFailed, ConnectorError, Rejected, Retryable, Scope, Throttled, WindowClosed

_MINUTE = 60.0  # seconds
_CHINA = timezone(timedelta(hours=8))
SESSION = 95018  # the session is in a state in which the interface may not send
BELL = 95007  # the token of a callback is over
EXPIRED_MEDIA = 40007


class Then(StrEnum):
    """What a code leads to."""

    BUSY = "busy"
    TOKEN = "token"  # noqa: S105 # a kind of code: renew once, then say that the credentials are wrong
    AUTH = "auth"
    WINDOW = "window"
    SPENT = "spent"
    QUOTA = "quota"
    REFUSED = "refused"


class Code(NamedTuple):
    """`en` and `zh` say what happened and what to do."""

    then: Then
    en: str
    zh: str


_TOKEN = Code(
    Then.TOKEN,
    "WeCom did not accept the bridge's access token; an administrator has to check corp id and secret.",
    "企业微信不接受本系统的接口凭证；请管理员检查企业 ID 和 Secret。",
)
_SECRET = Code(
    Then.AUTH,
    "Corp id or secret is wrong; an administrator has to correct them in the configuration.",
    "企业 ID 或 Secret 有误；请管理员在配置中更正。",
)
_ADDRESS = Code(
    Then.AUTH,
    "WeCom does not accept calls from the bridge's address; an administrator has to make it a trusted IP.",
    "企业微信不接受本服务器地址的调用；请管理员在应用中将其设为企业可信 IP。",
)
_RIGHTS = Code(
    Then.AUTH,
    "The app may not use customer service; an administrator has to add it to the apps that may call the interface.",
    "该应用无权调用微信客服接口；请管理员在“微信客服 › 可调用接口的应用”中添加。",
)
_ACCOUNT = Code(
    Then.AUTH,
    "The customer service account does not exist or is not managed by this app; an administrator has to check it.",
    "客服账号不存在，或未由该应用管理；请管理员检查客服账号设置。",
)
_FILE = Code(
    Then.REFUSED,
    "WeCom did not accept the file; please send it in another format or as a link.",
    "企业微信不接受该文件；请更换格式或改用链接发送。",
)
_BUG = Code(
    Then.REFUSED,
    "WeCom could not read the request; please report this reply to an administrator.",
    "企业微信无法识别该请求；请将此回复告知管理员。",
)
_SESSION = Code(
    Then.WINDOW,
    "Somebody has this customer in WeCom, or the session has ended. It goes out when the customer writes again.",
    "该客户正由企业微信中的接待人员接待，或会话已结束。客户再次发来消息后将自动发送。",
)
_OTHER = Code(Then.REFUSED, "WeCom refused the message (code {code}).", "企业微信拒绝了该消息（错误码 {code}）。")

CODES: Mapping[int, Code] = {
    -1: Code(
        Then.BUSY,
        "WeCom was busy and may or may not have taken the message.",
        "企业微信系统繁忙，消息可能已发送，也可能未发送。",
    ),
    40001: _SECRET,
    40003: Code(Then.REFUSED, "WeCom does not know this customer.", "企业微信找不到该客户。"),
    40004: _FILE,
    40005: _FILE,
    40006: _FILE,
    EXPIRED_MEDIA: Code(
        Then.REFUSED,
        "The file has expired at WeCom and could not be sent again; please attach it anew.",
        "文件在企业微信端已过期且未能重新发送；请重新添加附件。",
    ),
    40009: _FILE,
    40013: _SECRET,
    40014: _TOKEN,
    40033: _BUG,
    40058: _BUG,
    40096: Code(Then.REFUSED, "WeCom does not know this customer.", "企业微信找不到该客户。"),
    40201: Code(
        Then.AUTH,
        "The account is blocked for its content; its owner has to look into the console.",
        "该账号因内容违规被封禁；请账号负责人登录企业微信后台处理。",
    ),
    41001: _TOKEN,
    42001: _TOKEN,
    44004: Code(Then.REFUSED, "An empty message cannot be sent.", "不能发送空消息。"),
    45001: _FILE,
    45002: Code(
        Then.REFUSED, "Too long for WeCom; please send it in shorter parts.", "内容超出长度限制；请缩短后分条发送。"
    ),
    45009: Code(
        Then.QUOTA,
        "WeCom's limit of calls is reached; the reply goes out when it is lifted.",
        "已达到企业微信接口调用上限；限制解除后将自动发送。",
    ),
    48002: _RIGHTS,
    60020: _ADDRESS,
    60030: _RIGHTS,
    95000: _ACCOUNT,
    95001: Code(
        Then.SPENT,
        "The replies that WeCom allows after a customer's message are used up. It goes out when the customer writes "
        "again.",
        "客户每条消息后企业微信允许的回复次数已用完。客户再次发来消息后将自动发送。",
    ),
    95002: Code(
        Then.WINDOW,
        "The time in which WeCom allows replies is over. It goes out when the customer writes again.",
        "已超过企业微信允许的回复时间。客户再次发来消息后将自动发送。",
    ),
    95004: _ACCOUNT,
    BELL: Code(Then.REFUSED, "The token of the callback is over.", "回调中的 token 已失效。"),
    95011: _RIGHTS,
    95012: _RIGHTS,
    95013: _SESSION,
    95014: Code(
        Then.REFUSED,
        "The servicer has not activated WeCom or is out of the app's range.",
        "接待人员未激活企业微信，或不在应用可见范围内。",
    ),
    95016: _SESSION,
    95017: Code(
        Then.AUTH,
        "The interface of customer service is not switched on; an administrator has to switch it on in the console.",
        "微信客服的 API 功能未开启；请管理员在后台开启。",
    ),
    SESSION: _SESSION,
    301002: _RIGHTS,
}
TOKEN_CODES = frozenset(number for number, code in CODES.items() if code.then is Then.TOKEN)

# Why a message that was accepted did not arrive: `fail_type` of `msg_send_fail`.
FAILS: Mapping[int, tuple[str, str]] = {
    0: ("WeCom gives no reason.", "企业微信未说明原因。"),
    1: ("The customer service account was deleted.", "客服账号已被删除。"),
    2: ("The app was closed.", "应用已关闭。"),
    4: ("48 hours have passed since the customer last wrote.", "距客户上次发来消息已超过 48 小时。"),
    5: ("The session has ended.", "会话已结束。"),
    6: ("More than five messages without an answer of the customer.", "客户未回复期间已发送超过 5 条消息。"),
    7: ("No Channels account is bound.", "未绑定视频号。"),
    8: ("The company is not verified.", "企业未认证。"),
    9: ("No Channels account is bound, and the company is not verified.", "未绑定视频号，且企业未认证。"),
    10: ("The customer refuses messages.", "客户已拒收消息。"),
    11: ("The platform does not allow the content.", "内容不符合平台规范。"),
}


def failure(number: int, text: str, where: str, now: datetime, *, safe: bool = False) -> ConnectorError:
    """The error for a code. `text` is the platform's errmsg, whose hint and address of a query are kept.

    `safe` says that the call may be repeated freely, so that "busy" leaves nothing open.
    """
    code = CODES.get(number, _OTHER)
    name = str(number)
    message = f"{where}: {number} {' '.join(text.split())[:300]}".rstrip()
    reason = {"en": code.en.replace("{code}", name), "zh": code.zh.replace("{code}", name)}
    match code.then:
        case Then.BUSY:
            # a repeat carries the same id, which the platform takes once
            return Retryable(message, code=name, reason=reason, certain=safe, tries=3, then_unknown=not safe)
        case Then.TOKEN | Then.AUTH:
            return AuthFailed(message, code=name, reason=reason)
        case Then.WINDOW | Then.SPENT:
            return WindowClosed(message, code=name, reason=reason, spent=code.then is Then.SPENT)
        case Then.QUOTA:
            # each interface has limits of its own, but for the token's, without which nothing works; somebody may set
            # them back before their end (https://developer.work.weixin.qq.com/document/path/90312)
            scope = Scope.ACCOUNT if "gettoken" in where else Scope.INTERFACE
            wait = _pause(text, now)
            return Throttled(message, retry_after=wait, scope=scope, code=name, reason=reason, probe_after=_MINUTE)
        case Then.REFUSED:
            return Rejected(message, code=name, reason=reason)


def _pause(text: str, now: datetime) -> float:
    """Seconds: limits by the minute are named as such, all others end at midnight in China."""
    if "minute" in text.lower() or "freq" in text.lower():
        return _MINUTE
    there = now.astimezone(_CHINA)
    midnight = (there + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return (midnight - there).total_seconds()
