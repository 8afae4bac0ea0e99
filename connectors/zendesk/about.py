"""What the keys of an account are, for whoever fills them in."""

from bridge.contract import About

_CLIENTS = (
    "Admin Center › Apps and integrations › APIs › OAuth clients › Add OAuth client, kind Confidential",
    "管理中心 › 应用和集成 › API › OAuth 客户端 › 添加 OAuth 客户端，类型选“机密”",
)

SUBDOMAIN = About(
    ("Subdomain", "子域名"),
    ("`acme` for acme.zendesk.com.", "acme.zendesk.com 的子域名为 `acme`。"),
    find=("the address in the browser when you work in Zendesk", "使用 Zendesk 时浏览器地址栏中的子域名"),
    example="acme",
)
API_BASE = About(
    ("Address of the interface", "接口地址"),
    (
        "Only for gateways and simulators; default `https://{subdomain}.zendesk.com`.",
        "仅用于网关和模拟器；默认为 `https://{subdomain}.zendesk.com`。",
    ),
)
CLIENT_ID = About(
    ("OAuth client: identifier", "OAuth 客户端标识符"),
    (
        "The client that the bridge signs in with; its token is fetched, stored and renewed by itself.",
        "本服务登录所用的客户端；令牌会自动获取、保存和续期。",
    ),
    find=_CLIENTS,
    example="bridge",
    ask=True,
)
CLIENT_SECRET = About(
    ("OAuth client: secret", "OAuth 客户端密钥"),
    ("Shown once, when the client is made.", "仅在创建客户端时显示一次。"),
    find=_CLIENTS,
    ask=True,
)
EMAIL = About(
    ("E-mail of the token's user", "令牌所属用户的邮箱"),
    (
        (
            "With `api_token`, instead of an OAuth client, as long as Zendesk takes API tokens: until 30 "
            "April 2027; none "
            "can be made any more."
        ),
        "与 `api_token` 一起代替 OAuth 客户端；Zendesk 仅在 2027 年 4 月 30 日前支持 API 令牌，且已无法新建。",
    ),
    example="agent@acme.example",
)
API_TOKEN = About(
    ("API token", "API 令牌"),
    ("Belongs to `email`.", "与 `email` 配套使用。"),
    find=(
        "Admin Center › Apps and integrations › APIs › API tokens",
        "管理中心 › 应用和集成 › API › API 令牌",
    ),
)
WEBHOOK_SECRET = About(
    ("Signing secret", "签名密钥"),
    (
        ("The webhook's signing secret; empty where the set-up stored it. Without either, callbacks are refused."),
        "Webhook 的签名密钥；已由接入设置保存时留空。两者皆无时拒绝所有回调。",
    ),
    find=(
        "Admin Center › Apps and integrations › Webhooks › the webhook › Reveal secret",
        "管理中心 › 应用和集成 › Webhook › 对应 Webhook › 显示密钥",
    ),
)
SCOPE = About(
    ("Scope", "权限范围"),
    ("What is asked for with the OAuth client.", "使用 OAuth 客户端时申请的权限范围。"),
)
TOKEN_LIFETIME = About(
    ("Lifetime of a token", "令牌有效期"),
    (
        "How long a token should live; more than `5m`, less than `48h`. What Zendesk grants counts.",
        "希望的令牌有效期，大于 `5m` 且小于 `48h`；以 Zendesk 实际授予的为准。",
    ),
)
PLAN = About(
    ("Plan", "套餐"),
    ("Zendesk's limit of requests a minute goes by it.", "Zendesk 按套餐限制每分钟的请求数。"),
    find=("Admin Center › Account › Billing", "管理中心 › 账户 › 账单"),
)
TAG = About(
    ("Tag", "标签"),
    ("Marks the bridge's tickets; triggers and poll go by it.", "为本服务的工单添加的标签；触发器和轮询以此为准。"),
)
START_TAG = About(
    ("Tag of conversations that agents begin", "客服主动发起会话的标签"),
    (
        "Set by a checkbox on an agent's own ticket for a known customer: the words there go to them. Empty: as `tag`.",
        "客服为已知客户新建工单并勾选复选框（添加该标签）后，公开回复会发送给客户。留空则与 `tag` 相同。",
    ),
    example="write-to-customer",
)
ALLOWANCE_FIELDS = About(
    ("Fields for the allowance", "显示回复额度的字段"),
    (
        "`true`: set-up also makes the ticket fields *Replies left* and *Window closes at*.",
        "为 `true` 时，设置过程还会创建工单字段 *Replies left* 和 *Window closes at*。",
    ),
)
