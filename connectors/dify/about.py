"""What the keys of an account are, for whoever fills them in."""

from bridge.contract import About

API_BASE = About(
    ("Address of the interface", "接口地址"),
    ("Dify's API address, with `/v1`.", "Dify 的 API 地址，包含 `/v1`。"),
    find=("Dify › the app › API Access › API Server", "Dify › 应用 › 访问 API › API 服务器"),
    example="https://dify.example.com/v1",
)
API_KEY = About(
    ("API key of the app", "应用的 API 密钥"),
    ("Each app has its own.", "每个应用有各自的密钥。"),
    find=("Dify › the app › API Access › API Key", "Dify › 应用 › 访问 API › API 密钥"),
    example="app-…",
)
INPUTS = About(
    ("Inputs", "变量"),
    ("Values for the app's own variables, the same for every question.", "应用变量的固定取值，每次提问相同。"),
)
