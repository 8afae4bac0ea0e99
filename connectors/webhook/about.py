"""What the keys of an account are, for whoever fills them in."""

import base64
import secrets

from bridge.contract import About

URL = About(
    ("Address", "地址"),
    ("Where your program takes the bridge's requests.", "您的程序接收请求的地址。"),
    example="https://crm.example.com/bridge",
)
SECRET = About(
    ("Secret", "密钥"),
    (
        "Signs both ways, as Standard Webhooks says: `whsec_` and base64.",
        "双向签名所用的密钥，遵循 Standard Webhooks：`whsec_` 加 base64。",
    ),
    find=("make one up, and give it to your program", "自行生成，并配置到您的程序中"),
    make=lambda: f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}",
)
UPLOAD = About(
    ("Files in the request", "随请求发送的文件上限"),
    (
        "As a desk: files up to so many bytes stand in the request, as base64; larger ones are links. 0: always links.",
        "作为工单系统时：不超过此字节数的文件以 base64 随请求发送，更大的以限时链接发送；0 表示一律使用链接。",
    ),
)
