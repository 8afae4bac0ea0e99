"""What the keys of an account are, for whoever fills them in."""

import secrets
import string

from bridge.contract import About

_PUSH = (
    "mp.weixin.qq.com › Development management › Message push (开发管理 › 消息推送)",
    "mp.weixin.qq.com › 开发管理 › 消息推送",
)
_APP = (
    "mp.weixin.qq.com › Development management › Development settings (开发管理 › 开发设置)",
    "mp.weixin.qq.com › 开发管理 › 开发设置",
)


def _aes_key() -> str:
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(43))


FLAVOUR = About(
    ("Kind of account", "账号类型"),
    ("A mini program or an official account.", "小程序或公众号。"),
)
APP_ID = About(
    ("AppID", "AppID（小程序ID）"),
    ("Which app it is.", "应用的唯一标识。"),
    find=_APP,
    example="wx0123456789abcdef",
)
APP_SECRET = About(
    ("AppSecret", "AppSecret（小程序密钥）"),
    (
        "Fetches the access token. Shown once, when it is made or reset.",
        "用于获取 access_token；仅在生成或重置时显示一次。",
    ),
    find=_APP,
)
TOKEN = About(
    ("Token", "Token（令牌）"),
    (
        "Signs the pushes. Choose one, and enter the same on both sides.",
        "用于推送签名。由您自行设定，两边须填写一致。",
    ),
    find=_PUSH,
    make=lambda: secrets.token_hex(16),
)
ENCODING_AES_KEY = About(
    ("EncodingAESKey", "EncodingAESKey（消息加密密钥）"),
    (
        "43 characters that encrypt the pushes, the same on both sides; needed in the modes secure and compatible.",
        "用于推送加密的 43 个字符，两边须填写一致；安全模式和兼容模式必填。",
    ),
    find=_PUSH,
    make=_aes_key,
    # in the platform's documentation, in samples of SDKs, and in ours
    published=(
        "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG",
        "A" * 43,
        "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C",
        "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR",
    ),
)
MODE = About(
    ("Mode of encryption", "消息加密方式"),
    (
        (
            "As in the console: `plain` is 明文模式, `compatible` 兼容模式, `secure` 安全模式. Use `secure`: "
            "`plain` signs "
            "the query only, not the words."
        ),
        (
            "须与后台一致：`plain` 为明文模式，`compatible` 为兼容模式，`secure` 为安全模式。建议使用安全模式："
            "明文模式的签名不覆盖消息内容。"
        ),
    ),
    find=_PUSH,
    ask=True,
)
API_BASE = About(
    ("Address of the interface", "接口地址"),
    (
        "From outside China `https://hk.api.weixin.qq.com` may be nearer.",
        "从境外访问时，使用 `https://hk.api.weixin.qq.com` 可能更快。",
    ),
)
TYPING_PATH = About(
    ("Path of the typing call", "“正在输入”接口路径"),
    ("Only if WeChat moves the call.", "仅在微信更改该接口路径时填写。"),
    example="/cgi-bin/message/custom/typing",
)
GRANT_REPLIES = About(
    ("Replies", "可回复条数"),
    ("How many replies this event allows; 0: as many as one likes.", "该事件允许的回复条数；0 表示不限。"),
)
GRANT_LASTS = About(
    ("For how long", "时长"),
    ("How long they may be sent.", "可回复的时长。"),
)
REPLIES = About(
    ("Replies", "可回复条数"),
    ("How many replies each message of the customer allows.", "客户每发一条消息后可回复的条数。"),
)
LASTS = About(
    ("Window", "回复时限"),
    ("How long they may be sent.", "可回复的时长。"),
)
ON_ENTRY = About(
    ("Replies on entry", "进入会话时可发条数"),
    ("How many messages opening the chat allows.", "客户打开会话后可发送的条数。"),
)
ENTRY_LASTS = About(
    ("Window on entry", "进入会话后的时限"),
    ("How long those may be sent.", "上述消息可发送的时长。"),
)
TEMPLATE_ID = About(
    ("Template ID", "模板 ID"),
    ("The subscription message that invites a customer back.", "用于邀请客户回到会话的订阅消息。"),
    find=(
        "mp.weixin.qq.com › Subscription messages › My templates (订阅消息 › 我的模板)",
        "mp.weixin.qq.com › 订阅消息 › 我的模板",
    ),
)
TEMPLATE_PAGE = About(
    ("Page", "跳转页面"),
    ("The page of the mini program that it opens.", "点击后打开的小程序页面。"),
    example="pages/chat",
)
TEMPLATE_DATA = About(
    ("Texts", "模板内容"),
    (
        (
            "The template's keys and their texts; `{now}` is the time in China, `{name}` the customer's "
            "name. Values are "
            "cut to what WeChat allows for each field."
        ),
        "模板字段及其文字；`{now}` 为北京时间，`{name}` 为客户名称。超出微信限制的内容会被截断。",
    ),
    example='{ thing1 = "You have an answer", time2 = "{now}" }',
)
TEMPLATE_STATE = About(
    ("Version", "小程序版本"),
    ("Which version of the mini program it opens.", "打开的小程序版本。"),
)
TEMPLATE_LANG = About(
    ("Language", "语言"),
    ("The language of the message's frame.", "订阅消息框架文字的语言。"),
)
