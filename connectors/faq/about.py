"""What the keys of an account are, for whoever fills them in."""

from bridge.contract import About

FILE = About(
    ("File of questions", "问答文件"),
    (
        "Questions and answers, as TOML or CSV; a relative path is beside the configuration.",
        "问题与答案文件，TOML 或 CSV 格式；相对路径以配置文件所在目录为准。",
    ),
    example="faq.toml",
)
THRESHOLD = About(
    ("Threshold", "阈值"),
    (
        "How alike a question must be (0 to 1) to be answered; below it the bot says that it does not know.",
        "问题相似度（0 到 1）达到该值才作答；低于该值时机器人表示不清楚。",
    ),
)
