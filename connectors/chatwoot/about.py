"""What the keys of an account are, for whoever fills them in."""

from bridge.contract import About

API_BASE = About(
    ("Address", "地址"),
    ("The installation's address, without a path.", "Chatwoot 的访问地址，不带路径。"),
    example="https://chat.example.com",
    ask=True,
)
ACCOUNT_ID = About(
    ("Account number", "账号编号"),
    ("The number in the address of its pages.", "页面地址中的数字。"),
    find=("…/app/accounts/NUMBER/dashboard", "…/app/accounts/编号/dashboard"),
    example="1",
)
TOKEN = About(
    ("Access token", "访问令牌"),
    (
        (
            "Of an administrator for the set-up; afterwards that of an agent of the bridge's own, a member of "
            "the inbox, is enough."
        ),
        "接入设置时填写管理员的令牌；之后可换成专供本服务使用、且为收件箱成员的客服账号的令牌。",
    ),
    find=("Profile settings › Access token", "个人资料设置 › 访问令牌"),
)
INBOX_ID = About(
    ("Inbox", "收件箱编号"),
    (
        "The number of the API inbox that the set-up makes.",
        "接入设置所创建的 API 收件箱的编号。",
    ),
)
HOOK_SECRET = About(
    ("Signing secret", "签名密钥"),
    (
        "Signs the callbacks of versions from 2026 on. Empty: the secret in the address of the callbacks proves them.",
        "2026 年起的版本用它为回调签名；留空时，由回调地址中的密钥验证。",
    ),
    find=(
        "Inbox settings › Configuration (the API answer names it `secret`)",
        "收件箱设置 › 配置（接口返回的 secret）",
    ),
)
