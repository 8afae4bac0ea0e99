"""The platform's result codes: what follows from each, and the sentence for the agent.

Sources: https://developers.weixin.qq.com/miniprogram/dev/server/API/kf-mgnt/kf-message/api_sendcustommessage.html,
…/mp-access-token/api_getstableaccesstoken.html, …/mp-message-management/subscribe-message/api_sendmessage.html and the
general list in https://github.com/Wechat-Group/WxJava (WxOpenErrorMsgEnum). The current send page lists only four of
them; whether one may be repeated is a conclusion of ours, never the platform's word.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from enum import StrEnum
from typing import NamedTuple

from bridge.contract import AuthFailed, ConnectorError, Rejected, Retryable, Scope, Throttled, WindowClosed

_MINUTE = 60.0  # seconds
_CHINA = timezone(timedelta(hours=8))


class Then(StrEnum):
    """What a code leads to."""

    BUSY = "busy"  # may hide a success: three tries, then nobody knows
    TOKEN = "token"  # noqa: S105 # a kind of code: renew once, then say that the credentials are wrong
    AUTH = "auth"
    WINDOW = "window"
    SPENT = "spent"
    MINUTE = "minute"
    DAY = "day"
    SERIAL = "serial"
    MEDIA = "media"  # upload again once
    IGNORE = "ignore"
    REFUSED = "refused"


class Code(NamedTuple):
    """`text` is the platform's wording; `en` and `zh` say what happened and what to do."""

    then: Then
    text: str
    en: str
    zh: str


_TOKEN = (
    "WeChat did not accept the bridge's access token; an administrator has to check AppID and AppSecret.",
    "微信不接受本系统的接口凭证；请管理员检查 AppID 和 AppSecret。",
)
_BUG = (
    "WeChat could not read the request; please report this reply to an administrator.",
    "微信无法识别该请求；请将此回复告知管理员。",
)
_SECRET = (
    "AppID or AppSecret is wrong; an administrator has to correct them in the configuration.",
    "AppID 或 AppSecret 有误；请管理员在配置中更正。",
)
_ADDRESS = (
    "WeChat does not accept calls from the bridge's address; an administrator has to allow it in the console.",
    "微信不接受本服务器地址的调用；请管理员在微信后台将其加入 IP 白名单。",
)
_FROZEN = (
    "The WeChat account is frozen or banned; its owner has to look into the WeChat console.",
    "该微信账号已被冻结或封禁；请账号负责人登录微信后台处理。",
)
_RIGHTS = (
    "The WeChat account has no right to send this; its owner has to look into the permissions of the console.",
    "该微信账号没有发送此内容的权限；请账号负责人在微信后台检查接口权限。",
)
_KIND = (
    "WeChat does not let this account send this kind of message; please write it as text.",
    "该微信账号不能发送此类型的消息；请改用文字。",
)
_PERSON = (
    "WeChat does not know this customer in this account.",
    "微信在该账号下找不到此客户。",
)
_LONG = (
    "Too long for WeChat; please send it in shorter parts.",
    "内容超出微信长度限制；请缩短后分条发送。",
)
_FILE = (
    "WeChat did not accept the file; please send it in another format or as a link.",
    "微信不接受该文件；请更换格式或改用链接发送。",
)
_CONTENT = (
    "WeChat's content rules do not allow this text; please word it differently.",
    "内容不符合微信内容规范；请修改措辞后重发。",
)
_BLOCKED = (
    "The customer does not receive messages of this account.",
    "客户已拒收该账号的消息。",
)
_LATER = (
    "WeChat's limit of calls is reached; the reply goes out when it is lifted.",
    "已达到微信接口调用上限；限制解除后将自动发送。",
)
_CONSENT = (
    "The customer has given no consent for a service notification that is still unused.",
    "客户没有可用的订阅消息授权。",
)
_TEMPLATE = (
    "The template of the service notification does not fit; an administrator has to check its id and fields.",
    "订阅消息模板不正确；请管理员检查模板编号和字段。",
)
_TYPING = ("The typing sign cannot be shown now.", "当前无法显示“正在输入”。")
_OTHER = (
    "WeChat refused the message (code {code}).",
    "微信拒绝了该消息（错误码 {code}）。",
)

CODES: Mapping[int, Code] = {
    -1: Code(
        Then.BUSY,
        "system error",
        "WeChat was busy and may or may not have delivered the message.",
        "微信系统繁忙，消息可能已送达，也可能未送达。",
    ),
    40001: Code(Then.TOKEN, "invalid credential, access_token is invalid or not latest", *_TOKEN),
    40002: Code(Then.AUTH, "invalid grant_type", *_BUG),
    40003: Code(Then.REFUSED, "invalid openid", *_PERSON),
    40004: Code(Then.REFUSED, "invalid media type", *_FILE),
    40005: Code(Then.REFUSED, "invalid file type", *_FILE),
    40006: Code(Then.REFUSED, "invalid file size", *_FILE),
    40007: Code(
        Then.MEDIA,
        "invalid media_id",
        "The file has expired at WeChat and could not be sent again; please attach it anew.",
        "文件在微信端已过期且未能重新发送；请重新添加附件。",
    ),
    40008: Code(Then.REFUSED, "invalid message type", *_KIND),
    40009: Code(Then.REFUSED, "invalid image size", *_FILE),
    40013: Code(Then.AUTH, "invalid appid", *_SECRET),
    40014: Code(Then.TOKEN, "invalid access_token", *_TOKEN),
    40033: Code(Then.REFUSED, "invalid charset", *_BUG),
    40037: Code(Then.REFUSED, "invalid template_id", *_TEMPLATE),
    40097: Code(Then.REFUSED, "invalid args", *_BUG),
    40101: Code(Then.REFUSED, "missing parameter", *_BUG),
    40125: Code(Then.AUTH, "invalid appsecret", *_SECRET),
    40164: Code(Then.AUTH, "invalid ip, not in whitelist", *_ADDRESS),
    40200: Code(Then.REFUSED, "invalid account type", *_KIND),
    40243: Code(
        Then.AUTH,
        "AppSecret frozen",
        "The AppSecret is frozen; an administrator has to unfreeze or renew it in the WeChat console.",
        "AppSecret 已被冻结；请管理员在微信后台解冻或重置。",
    ),
    41001: Code(Then.TOKEN, "access_token missing", *_TOKEN),
    41002: Code(Then.AUTH, "appid missing", *_SECRET),
    41004: Code(Then.AUTH, "secret missing", *_SECRET),
    41005: Code(Then.REFUSED, "media data missing", *_FILE),
    41030: Code(Then.REFUSED, "page not in the released version", *_TEMPLATE),
    42001: Code(Then.TOKEN, "access_token expired", *_TOKEN),
    43002: Code(Then.REFUSED, "require POST method", *_BUG),
    43004: Code(
        Then.REFUSED,
        "require subscribe",
        "The customer does not follow the account.",
        "客户未关注该账号。",
    ),
    43019: Code(Then.REFUSED, "on the black list", *_BLOCKED),
    43101: Code(Then.REFUSED, "user refuse to accept the msg", *_CONSENT),
    43107: Code(Then.REFUSED, "capability or template banned", *_TEMPLATE),
    43108: Code(
        Then.SERIAL,
        "parallel sends to one user",
        "WeChat was still busy with another notification to this customer; it is tried again.",
        "微信正在向该客户发送另一条通知；将自动重试。",
    ),
    44001: Code(Then.REFUSED, "empty media data", *_FILE),
    44002: Code(Then.REFUSED, "empty post data", *_BUG),
    44004: Code(Then.REFUSED, "empty content", "An empty message cannot be sent.", "不能发送空消息。"),
    45001: Code(Then.REFUSED, "media size out of limit", *_FILE),
    45002: Code(Then.REFUSED, "content size out of limit", *_LONG),
    45003: Code(Then.REFUSED, "title size out of limit", *_LONG),
    45004: Code(Then.REFUSED, "description size out of limit", *_LONG),
    45005: Code(Then.REFUSED, "url size out of limit", *_LONG),
    45006: Code(Then.REFUSED, "picurl size out of limit", *_LONG),
    45009: Code(Then.DAY, "reach max api daily quota limit", *_LATER),
    45011: Code(Then.MINUTE, "api minute-quota reach limit", *_LATER),
    45015: Code(
        Then.WINDOW,
        "response out of time limit or subscription is canceled",
        "The time in which WeChat allows replies is over. It goes out when the customer writes again.",
        "已超过微信允许的回复时间。客户再次发来消息后将自动发送。",
    ),
    45047: Code(
        Then.SPENT,
        "out of response count limit",
        "The replies WeChat allows after a customer's message are used up. It goes out when the customer writes again.",
        "客户每条消息后微信允许的回复次数已用完。客户再次发来消息后将自动发送。",
    ),
    45072: Code(Then.IGNORE, "typing: bad command", *_TYPING),
    45080: Code(Then.IGNORE, "typing: no exchange in the last 30 seconds", *_TYPING),
    45081: Code(Then.IGNORE, "typing: already typing", *_TYPING),
    45157: Code(Then.REFUSED, "invalid tag name", *_BUG),
    45162: Code(Then.REFUSED, "invalid type", *_CONTENT),
    45166: Code(Then.REFUSED, "invalid content", *_CONTENT),
    45168: Code(Then.REFUSED, "keyword in blacklist", *_CONTENT),
    47001: Code(Then.REFUSED, "data format error", *_BUG),
    47003: Code(Then.REFUSED, "argument invalid", *_TEMPLATE),
    48001: Code(Then.REFUSED, "api unauthorized", *_RIGHTS),
    48002: Code(Then.REFUSED, "user block receive message", *_BLOCKED),
    48003: Code(Then.REFUSED, "user not agree mass-send protocol", *_RIGHTS),
    48004: Code(Then.AUTH, "api forbidden for irregularities", *_FROZEN),
    48008: Code(Then.REFUSED, "no permission for this msgtype", *_KIND),
    50002: Code(Then.AUTH, "user limited", *_FROZEN),
    50004: Code(Then.AUTH, "use forbidden", *_FROZEN),
    50005: Code(
        Then.REFUSED,
        "user unsubscribed",
        "The customer has unfollowed the account.",
        "客户已取消关注该账号。",
    ),
    50007: Code(Then.AUTH, "account frozen", *_FROZEN),
    61007: Code(Then.REFUSED, "api unauthorized to component", *_RIGHTS),
    70000: Code(
        Then.REFUSED,
        "blocked for the protection of minors",
        "WeChat does not deliver this for the protection of minors.",
        "根据未成年人保护规则，微信未投递该消息。",
    ),
    87009: Code(Then.REFUSED, "invalid signature", *_BUG),
    87014: Code(Then.REFUSED, "risky content", *_CONTENT),
    89503: Code(
        Then.AUTH,
        "new address needs the administrator's confirmation",
        "WeChat asks the account's administrator to confirm the bridge's address; confirm it on the phone.",
        "微信要求账号管理员确认本服务器地址；请在手机上确认。",
    ),
    89506: Code(Then.AUTH, "address refused by the administrator for 24 hours", *_ADDRESS),
    89507: Code(Then.AUTH, "address refused by the administrator for 1 hour", *_ADDRESS),
}

TOKEN_CODES = frozenset(number for number, code in CODES.items() if code.then is Then.TOKEN)


def failure(number: int, text: str, where: str, now: datetime, *, safe: bool = False) -> ConnectorError:
    """The error for a code. `text` is the platform's errmsg, which ends in the request's `rid`: both are kept.

    Quotas are those of one interface each, except the token's, without which nothing works. One may be set back by hand
    (clear_quota), so that somebody asks for it every minute.
    Source: https://developers.weixin.qq.com/miniprogram/dev/server/API/openApi-mgnt/api_clearquota.html

    `safe` says that the call may be repeated freely, so that "busy" leaves nothing open.
    """
    code = CODES.get(number) or Code(Then.REFUSED, "", *_OTHER)
    said = " ".join(text.split())[:300] or code.text
    message = f"{where}: {number} {said}"
    reason = {"en": code.en.replace("{code}", str(number)), "zh": code.zh.replace("{code}", str(number))}
    name = str(number)
    scope = Scope.ACCOUNT if "stable_token" in where else Scope.INTERFACE
    match code.then:
        case Then.BUSY if safe:
            return Retryable(message, code=name, reason=reason)
        case Then.BUSY:
            return Retryable(message, code=name, reason=reason, tries=3, then_unknown=True)
        case Then.TOKEN | Then.AUTH:
            return AuthFailed(message, code=name, reason=reason)
        case Then.WINDOW | Then.SPENT:
            return WindowClosed(message, code=name, reason=reason, spent=code.then is Then.SPENT)
        case Then.MINUTE:
            return Throttled(message, retry_after=_MINUTE, scope=scope, code=name, reason=reason)
        case Then.DAY:
            wait = _until_reset(now)
            return Throttled(message, retry_after=wait, scope=scope, code=name, reason=reason, probe_after=_MINUTE)
        case Then.SERIAL:
            return Retryable(message, code=name, reason=reason, scope=Scope.CONVERSATION)
        case Then.MEDIA | Then.IGNORE | Then.REFUSED:
            return Rejected(message, code=name, reason=reason, consent_spent=name == _NO_CONSENT)


_NO_CONSENT = "43101"  # the customer refused, or used their consents up


def _until_reset(now: datetime) -> float:
    """Seconds to the next midnight in China, when daily quotas start anew."""
    there = now.astimezone(_CHINA)
    midnight = (there + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return (midnight - there).total_seconds()
