"""What an admin does at mp.weixin.qq.com, field by field.

Source: https://developers.weixin.qq.com/miniprogram/dev/framework/server-ability/message-push.html. The console's own
names are Chinese only, and it moves its menus now and then: they stand here and in `about`, nowhere else.
"""

from bridge.contract import Guide, ToEnter

GUIDE = Guide(
    name=("WeChat mini program", "微信小程序"),
    place=(
        "mp.weixin.qq.com › 开发管理 (Development management) › 消息推送 (Message push) › 配置",
        "mp.weixin.qq.com › 开发管理 › 消息推送 › 配置",
    ),
    enter=(
        ToEnter(
            ("URL(服务器地址), server address", "URL（服务器地址）"),
            "{hook_url}",
            (
                "https on port 443, or http on port 80; no other port",
                "https（443 端口）或 http（80 端口），不支持其他端口",
            ),
        ),
        ToEnter(
            ("Token(令牌)", "Token（令牌）"),
            "{token}",
            ("letters and digits only, without blanks", "仅限字母和数字，前后不要有空格"),
        ),
        ToEnter(
            ("EncodingAESKey(消息加密密钥)", "EncodingAESKey（消息加密密钥）"),
            "{encoding_aes_key}",
            ("exactly 43 characters", "必须为 43 个字符"),
        ),
        ToEnter(
            ("消息加密方式, mode of encryption", "消息加密方式"),
            "{mode}",
            says={
                "secure": ("安全模式 (secure)", "安全模式"),
                "compatible": ("兼容模式 (compatible)", "兼容模式"),
                "plain": ("明文模式 (plain)", "明文模式"),
            },
        ),
        ToEnter(("数据格式, data format", "数据格式"), "JSON"),
    ),
    save=(
        (
            "Press 提交 (submit): WeChat calls the address at once, and this page shows what it hears. Then press 启用 "
            "(enable), if it is not enabled by itself."
        ),
        "点击“提交”，微信会立即调用上面的地址，本页会显示收到的结果。如未自动启用，请再点击“启用”。",
    ),
    calls_back=True,
    warns=(
        (
            "From then on all messages come here and none to WeChat's own agent tool (网页版客服). Try it with a mini "
            "program that has no customers yet, or press 停用 afterwards."
        ),
        "启用后，所有客服消息都会推送到这里，不再进入微信网页版客服。建议先用尚无客户的小程序试用，或试用后点击“停用”。",
    ),
    first=(
        (
            'Open your mini program on a phone, tap its customer-service button (<button open-type="contact">) '
            "and write something."
        ),
        '请用手机打开小程序，点击客服按钮（<button open-type="contact">），发送一条消息。',
    ),
)
