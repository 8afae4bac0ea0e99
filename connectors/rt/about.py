"""What the keys of an account are, for whoever fills them in."""

import secrets

from bridge.contract import About

API_BASE = About(
    ("REST address", "REST 地址"),
    ("RT's REST2 address, ending in `/REST/2.0`.", "RT 的 REST2 地址，以 `/REST/2.0` 结尾。"),
    example="https://rt.example.com/REST/2.0",
)
TOKEN = About(
    ("Authentication token", "认证令牌"),
    ("Of the user that the bridge works as.", "供本服务使用的 RT 用户的认证令牌。"),
    find=(
        "RT › Logged in as … › Settings › Auth Tokens, signed in as that user",
        "以该用户登录 RT › Logged in as … › Settings › Auth Tokens",
    ),
    example="1-14-0123456789abcdef",
)
QUEUE = About(
    ("Queue", "队列"),
    ("The queue for new tickets, and the one that is polled.", "新工单所在的队列，也是轮询的队列。"),
    find=("RT › Admin › Queues", "RT › Admin › Queues"),
    example="Support",
)
MAIL_GATEWAY = About(
    ("Mail gateway", "邮件网关"),
    (
        "RT's own address, when customers should be the authors of what they write.",
        "RT 自身的地址；填写后，客户本人即为其消息的作者。",
    ),
    example="https://rt.example.com",
)
HOOK_SECRET = About(
    ("Secret of the callbacks", "回调密钥"),
    (
        (
            "Key of the scrips' signature (HMAC-SHA256 of the body in `X-Bridge-Signature`; `X-RT-Signature` too). "
            "Empty: callbacks are refused."
        ),
        (
            "Scrip 签名所用的密钥（对正文做 HMAC-SHA256，放在 `X-Bridge-Signature` 中；`X-RT-Signature` 也可）。"
            "为空时拒绝所有回调。"
        ),
    ),
    find=(
        "make one up, and put it into the scrips that the set-up shows",
        "自行设定，并写入接入设置给出的 Scrip",
    ),
    make=lambda: secrets.token_hex(32),
)
REQUESTOR_DOMAIN = About(
    ("Domain of customers", "客户地址的域名"),
    (
        "Domain of the addresses that stand for customers; must not receive mail.",
        "代表客户的邮箱地址所用的域名；该域名不得接收邮件。",
    ),
)
