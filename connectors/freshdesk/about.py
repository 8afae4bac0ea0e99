"""What the keys of an account are, for whoever fills them in."""

import secrets

from bridge.contract import About

DOMAIN = About(
    ("Domain", "域名"),
    ("The account's host name; not a portal's own name.", "账号的域名；不是门户的自定义域名。"),
    find=("the address in the browser when you work in Freshdesk", "使用 Freshdesk 时浏览器地址栏中的域名"),
    example="acme.freshdesk.com",
)
API_BASE = About(
    ("Address of the interface", "接口地址"),
    (
        "Default `https://{domain}`; a trailing `/api/v2` is accepted.",
        "默认为 `https://{domain}`；末尾可带 `/api/v2`。",
    ),
)
API_KEY = About(
    ("API key", "API 密钥"),
    ("The key of the bridge's agent.", "供本服务使用的客服账号的 API 密钥。"),
    find=(
        "Freshdesk › Profile settings › View API key, signed in as that agent",
        "以该客服登录 Freshdesk › Profile settings › View API key",
    ),
)
HOOK_SECRET = About(
    ("Secret of the callbacks", "回调密钥"),
    (
        (
            "Expected in the header `X-Bridge-Secret`, 16 characters or more; two of them, separated by a "
            "comma, while one "
            "replaces the other. Empty: callbacks are refused."
        ),
        "应出现在 `X-Bridge-Secret` 请求头中，至少 16 个字符；更换期间可用逗号分隔填写两个。为空时拒绝所有回调。",
    ),
    find=(
        "make one up, and put it into the rules that the set-up shows",
        "自行设定，并写入接入设置给出的自动化规则",
    ),
    make=lambda: secrets.token_hex(32),
)
TAG = About(
    ("Tag", "标签"),
    ("Marks every ticket of the bridge.", "为本服务创建的所有工单添加的标签。"),
)
START_TAG = About(
    ("Tag of conversations that agents begin", "客服主动发起会话的标签"),
    (
        "Put on an agent's own ticket for a known customer: what is written there goes to them. Empty: as `tag`.",
        "客服为已知客户新建工单并加上该标签后，公开回复会发送给客户。留空则与 `tag` 相同。",
    ),
    example="write-to-customer",
)
TYPE = About(
    ("Ticket type", "工单类型"),
    ("Where the account demands a type of new tickets.", "账号要求新工单必须有类型时填写。"),
    find=("Freshdesk › Admin › Ticket Fields › Type", "Freshdesk › Admin › Ticket Fields › Type"),
    example="Question",
)
CUSTOM_FIELDS = About(
    ("Custom fields", "自定义字段"),
    ("Values for what the account demands of new tickets.", "新工单必填的自定义字段及其值。"),
    find=("Freshdesk › Admin › Ticket Fields", "Freshdesk › Admin › Ticket Fields"),
    example='{ cf_shop = "Main" }',
)
MARKER_FIELD = About(
    ("Marker field", "标记字段"),
    (
        (
            "A custom text field that takes the reference of the request that opened a ticket; without it "
            "that is a second "
            "tag such as `ref-3f9c2a71`."
        ),
        "用于保存建单请求编号的自定义文本字段；不填时以第二个标签（如 `ref-3f9c2a71`）代替。",
    ),
    find=("Freshdesk › Admin › Ticket Fields", "Freshdesk › Admin › Ticket Fields"),
    example="cf_bridge_ref",
)
SOURCE = About(
    ("Source", "来源"),
    ("The source of new tickets, as a number; 7 is chat.", "新工单的来源编号；7 表示聊天。"),
)
