"""What the keys of an account are, for whoever fills them in."""

import secrets

from bridge.contract import About

ALLOWED_ORIGINS = About(
    ("Sites", "允许的网站"),
    (
        "Sites that may show the chat; `https://*.example.com` allows sub-domains.",
        "可显示聊天窗口的网站；`https://*.example.com` 表示允许其所有子域名。",
    ),
    example='["https://www.example.com"]',
    ask=True,
    only="channel",
)
IDENTITY_SECRET = About(
    ("Secret of identities", "身份签名密钥"),
    (
        "By which your site signs who a visitor is; at least 16 characters.",
        "您的网站用它为访客身份签名；至少 16 个字符。",
    ),
    find=("make one up, and give it to your site's server", "自行设定，并提供给您的网站服务器"),
    make=lambda: secrets.token_hex(32),
    only="channel",
)
IDENTITY = About(
    ("Identity", "身份要求"),
    (
        (
            "`optional`: a signature that does not verify is refused, and the visitor stays a stranger; or "
            "`required`: "
            "whoever is not signed in on your site is refused everywhere."
        ),
        "`optional`：签名无效时不予采信，访客视为陌生人；`required`：未在您网站登录的访客一律拒绝。",
    ),
    only="channel",
)
ENDLESS_USER_HASH = About(
    ("Endless user hashes", "无期限的 user_hash"),
    (
        "`true` accepts a `user_hash` without `expires`, until your pages send one.",
        "`true`：在您的页面开始发送 `expires` 之前，接受没有期限的 `user_hash`。",
    ),
    only="channel",
)
AGENT_NAME = About(
    ("Agent's name", "客服名称"),
    ("The name to sign in with, at most 60 characters.", "登录名，最多 60 个字符。"),
    example="Agent A",
    only="desk",
)
AGENT_HASH = About(
    ("Agent's password", "客服密码"),
    (
        "An argon2 hash, as `bridge desk add-agent` makes it; sign-ins kept in the configuration need one.",
        "argon2 哈希值，格式同 `bridge desk add-agent` 所生成的；仅在配置文件中保存客服账号时需要。",
    ),
    example="$argon2id$…",
    only="desk",
)
TITLE = About(
    ("Title", "标题"),
    ("What stands at the head of the chat.", "显示在聊天窗口顶部。"),
    example="Corner Shop",
    ask=True,
)
COLOUR = About(
    ("Colour", "颜色"),
    ("The colour of its head and button.", "窗口顶部和按钮的颜色。"),
)
PRECHAT = About(
    ("Form", "访客表单"),
    (
        "What a form asks for, never in the way of the first message: `name`, `email`, `phone`.",
        "表单询问的内容（不会妨碍发送第一条消息）：`name`、`email`、`phone`。",
    ),
    example='["name", "email"]',
    only="channel",
)
MAX_FILE = About(
    ("Largest file", "文件大小上限"),
    ("In bytes, at most 50 MiB.", "以字节为单位，最大 50 MiB。"),
)
VISITOR_BYTES = About(
    ("Files of a visitor", "单个访客的文件总量"),
    ("How many bytes one visitor may send in a day.", "单个访客每天最多可发送的文件字节数。"),
    only="channel",
)
ADDRESS_BYTES = About(
    ("Files of an address", "单个地址的文件总量"),
    (
        "How many bytes may come from one address in a day: offices and mobile carriers share theirs.",
        "同一网络地址每天最多可发送的文件字节数；办公室和移动运营商的用户会共用地址。",
    ),
    only="channel",
)
ACCOUNT_BYTES = About(
    ("Files of all visitors", "全部访客的文件总量"),
    ("How many bytes all visitors together may send in a day.", "全部访客每天合计最多可发送的文件字节数。"),
    only="channel",
)
