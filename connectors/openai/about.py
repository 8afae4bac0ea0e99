"""What the keys of an account are, for whoever fills them in."""

from bridge.contract import About

API_BASE = About(
    ("Address of the interface", "接口地址"),
    (
        "The server's base address; `/chat/completions` is added to it.",
        "服务的基础地址；程序会在其后加上 `/chat/completions`。",
    ),
    example="https://models.example.com/v1",
)
API_KEY = About(
    ("API key", "API 密钥"),
    ("Empty for a server of one's own that asks for none.", "自建服务如不校验密钥可留空。"),
    find=("the console of your model's provider", "模型服务商的控制台"),
    ask=True,
)
MODEL = About(
    ("Model", "模型"), ("The model's name, as the server has it.", "服务端的模型名称。"), example="gpt-4o-mini"
)
PROMPT = About(
    ("Instructions", "提示词文件"),
    (
        "A text file with the instructions; a relative path is beside the configuration.",
        "提示词文本文件；相对路径以配置文件所在目录为准。",
    ),
    example="prompts/shop.md",
)
KNOWLEDGE = About(
    ("Knowledge", "知识文件"),
    (
        "A file of questions and answers, as the FAQ bot's, given to the model with its instructions.",
        "问答文件（格式与 FAQ 机器人相同），随提示词一并提供给模型。",
    ),
)
HISTORY = About(
    ("Earlier messages", "历史消息数"),
    ("How many messages of before are given along.", "随问题一并提供的历史消息条数。"),
)
MAX_TOKENS = About(
    ("Longest answer", "最长回复"),
    ("In tokens; 0 leaves it to the server.", "以 token 计；0 表示由服务端决定。"),
)
MAX_TOKENS_KEY = About(
    ("Name of that limit", "该限制的参数名"),
    ("Servers know one of the two names.", "不同服务端支持的参数名不同，请二选一。"),
)
TEMPERATURE = About(
    ("Temperature", "温度"),
    ("0 for the same answer each time, as far as the server can.", "0 表示尽可能每次给出相同回复。"),
)
TOOLS = About(
    ("Hand-off as a tool", "以工具方式转人工"),
    (
        "Whether the server knows tools; else the model is told to write `[[HUMAN]]`.",
        "服务端是否支持工具调用；否则让模型输出 `[[HUMAN]]`。",
    ),
)
