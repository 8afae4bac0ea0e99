"""What an admin does at work.weixin.qq.com. The console's own names are Chinese: they stand here and in `about`."""

from bridge.contract import Guide, ToEnter

GUIDE = Guide(
    name=("WeChat customer service (WeCom)", "微信客服（企业微信）"),
    place=(
        "work.weixin.qq.com › 微信客服 (Customer service) › API › 企业内部接入 › 开始使用",
        "work.weixin.qq.com › 微信客服 › API › 企业内部接入 › 开始使用",
    ),
    enter=(
        ToEnter(("URL(回调URL), callback URL", "回调 URL"), "{hook_url}"),
        ToEnter(
            ("Token", "Token"),
            "{token}",
            ("letters and digits only, without blanks", "仅限字母和数字，前后不要有空格"),
        ),
        ToEnter(
            ("EncodingAESKey", "EncodingAESKey"),
            "{encoding_aes_key}",
            ("exactly 43 characters", "必须为 43 个字符"),
        ),
    ),
    save=(
        "Press 完成 (finish): WeCom calls the address at once, and this page shows what it hears.",
        "点击“完成”，企业微信会立即调用上面的地址，本页会显示收到的结果。",
    ),
    calls_back=True,
    first=(
        "Open the customer service account's link or QR code in WeChat, and write something.",
        "请在微信中打开客服账号的链接或二维码，发送一条消息。",
    ),
)
