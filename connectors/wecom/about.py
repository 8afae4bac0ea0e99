"""What the keys of an account are, for whoever fills them in."""

import secrets
import string

from bridge.contract import About

_APP = (
    "work.weixin.qq.com › App management › your own app (应用管理 › 自建应用)",
    "work.weixin.qq.com › 应用管理 › 自建应用",
)
_SERVICE = (
    "work.weixin.qq.com › Customer service › API › Callback (微信客服 › API › 企业内部接入)",
    "work.weixin.qq.com › 微信客服 › API › 企业内部接入",
)


def _aes_key() -> str:
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(43))


CORP_ID = About(
    ("Corp ID", "企业 ID"),
    ("Which company it is.", "企业的唯一标识。"),
    find=("work.weixin.qq.com › My company (我的企业)", "work.weixin.qq.com › 我的企业"),
    example="ww0123456789abcdef",
)
SECRET = About(
    ("Secret", "Secret（应用密钥）"),
    (
        "Of an app of your own that may call the interface of customer service.",
        "自建应用的密钥；该应用须在“微信客服 › 可调用接口的应用”中。",
    ),
    find=_APP,
)
TOKEN = About(
    ("Token", "Token（令牌）"),
    (
        "Signs the callbacks. Choose one, and enter the same on both sides.",
        "用于回调签名。由您自行设定，两边须填写一致。",
    ),
    find=_SERVICE,
    make=lambda: secrets.token_hex(16),
)
ENCODING_AES_KEY = About(
    ("EncodingAESKey", "EncodingAESKey（消息加密密钥）"),
    (
        "43 characters that encrypt the callbacks, the same on both sides.",
        "用于回调加密的 43 个字符，两边须填写一致。",
    ),
    find=_SERVICE,
    make=_aes_key,
    published=("jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C", "A" * 43),
)
OPEN_KFID = About(
    ("Customer service account", "客服账号 ID"),
    (
        "Begins with `wk`. `*` serves all accounts that the app may manage.",
        "以 `wk` 开头；填 `*` 表示服务该应用可管理的全部客服账号。",
    ),
    find=(
        "work.weixin.qq.com › Customer service › Account (微信客服 › 客服账号)",
        "work.weixin.qq.com › 微信客服 › 客服账号",
    ),
    example="wkAJ2GCAAASSm4_FhToWMFea0xAFfd3Q",
)
API_BASE = About(
    ("Address of the interface", "接口地址"),
    ("Only for a proxy with a fixed address.", "仅在通过固定 IP 的代理访问时填写。"),
)
HISTORY = About(
    ("Take what came before", "读取历史消息"),
    (
        "At the very first start, also take the messages of the last three days.",
        "首次启动时，同时读取最近三天的消息。",
    ),
)
REPLIES = About(
    ("Replies", "可回复条数"),
    ("How many replies each message of the customer allows.", "客户每发一条消息后可回复的条数。"),
)
LASTS = About(("Window", "回复时限"), ("How long they may be sent.", "可回复的时长。"))
WELCOME_LASTS = About(
    ("Window of the welcome", "欢迎语时限"),
    (
        "How long one welcome may be sent after a new customer opened the chat.",
        "新客户打开会话后，可发送一条欢迎语的时长。",
    ),
)
