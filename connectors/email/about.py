"""What the keys of an account are, for whoever fills them in."""

from bridge.contract import About

ADDRESS = About(
    ("Address", "邮箱地址"),
    (
        "The mailbox's own address. The mailbox should be the bridge's alone: all that arrives there is read.",
        "邮箱自身的地址。该邮箱应专供本服务使用：收到的所有邮件都会被读取。",
    ),
    example="kf@example.com",
)
DESK_ADDRESS = About(
    ("Helpdesk's address", "客服系统的收件地址"),
    ("Where tickets are opened; makes the account a desk.", "用于创建工单的地址；填写后该账号作为客服端使用。"),
    example="support@helpdesk.example.com",
    ask=True,
    only="desk",
)
IMAP_URL = About(
    ("Incoming mail", "收件服务器"),
    (
        "`imaps://`, `imap+starttls://`; `imap://` for this machine only.",
        "`imaps://` 或 `imap+starttls://`；`imap://` 仅限本机。",
    ),
    find=("your provider's help page on IMAP", "邮箱服务商关于 IMAP 的帮助页面"),
    example="imaps://kf%40example.com@imap.example.com",
)
SMTP_URL = About(
    ("Outgoing mail", "发件服务器"),
    (
        "`smtps://`, `smtp+starttls://`; `smtp://` for this machine only.",
        "`smtps://` 或 `smtp+starttls://`；`smtp://` 仅限本机。",
    ),
    find=("your provider's help page on SMTP", "邮箱服务商关于 SMTP 的帮助页面"),
    example="smtps://kf%40example.com@smtp.example.com",
)
PASSWORD = About(
    ("Password", "密码或授权码"),
    (
        "Password or, at QQ, 163 and their kin, the authorization code.",
        "密码；QQ、163 等邮箱请填写授权码。",
    ),
    find=(
        "QQ, 163: web mail › Settings › POP3/IMAP/SMTP; Gmail: an app password",
        "QQ、163：网页邮箱 › 设置 › POP3/IMAP/SMTP；Gmail：应用专用密码",
    ),
    ask=True,
)
PROVIDER = About(
    ("Provider", "服务商"),
    ("Whose sign-in it is.", "使用哪家服务商的登录方式。"),
)
TOKEN_URL = About(
    ("Token address", "令牌地址"),
    ("Needed for `generic` only.", "仅 `generic` 需要填写。"),
    example="https://login.example.com/token",
)
TENANT = About(
    ("Tenant", "租户"),
    ("Of Microsoft: its id or domain.", "微软租户的 ID 或域名。"),
)
CLIENT_ID = About(
    ("Client id", "客户端 ID"),
    ("Of the app that is registered at the provider.", "在服务商处注册的应用的客户端 ID。"),
    find=(
        "Google Cloud console › APIs & Services › Credentials; Microsoft Entra › App registrations",
        "Google Cloud 控制台 › API 和服务 › 凭据；Microsoft Entra › 应用注册",
    ),
)
CLIENT_SECRET = About(
    ("Client secret", "客户端密钥"),
    ("Belongs to the client id.", "与客户端 ID 配套。"),
)
REFRESH_TOKEN = About(
    ("Refresh token", "刷新令牌"),
    (
        "What a sign-in once gave. Without it the client itself is the account (client credentials).",
        "登录一次后获得。不填时以客户端自身的身份登录（client credentials）。",
    ),
)
OAUTH_SCOPE = About(
    ("Scope", "权限范围"),
    ("Only where the provider's usual one does not fit.", "仅在默认权限范围不适用时填写。"),
)
TRUSTED_SENDERS = About(
    ("Agents' senders", "可信发件人"),
    (
        "Domains and addresses whose mails are agents' (exact, no sub-domains).",
        "来自这些域名和地址的邮件视为客服的回复（精确匹配，不含子域名）。",
    ),
    find=("the sender of the mails that your helpdesk sends", "客服系统所发邮件的发件地址"),
    example='["helpdesk.example.com"]',
    ask=True,
    only="desk",
)
FROM_NAME = About(
    ("Sender's name", "发件人名称"),
    ("The name that customers see.", "客户看到的发件人名称。"),
    example="Corner Shop",
    only="channel",
)
CA_FILE = About(
    ("Certificates", "证书文件"),
    (
        "Certificates of an own authority (PEM). On this machine's loopback none is needed.",
        "自建证书机构的证书（PEM）。连接本机时不需要。",
    ),
    example="/etc/ssl/own-ca.pem",
)
AUTHSERV_ID = About(
    ("Receiving server", "收件服务器标识"),
    (
        (
            "The receiving server whose `Authentication-Results` are believed; when it is set, an agent's "
            "mail must carry "
            "its aligned pass."
        ),
        "其 `Authentication-Results` 可信的收件服务器；设置后，客服邮件必须带有该服务器的对齐验证结果。",
    ),
    find=(
        "the top-most Authentication-Results of a mail that you received",
        "您收到的邮件中最上方的 Authentication-Results",
    ),
    example="mx.google.com",
    only="desk",
)
ADDRESS_MODE = About(
    ("Addresses of conversations", "会话地址方式"),
    (
        (
            "`plus`: user+token@. `catch_all`: token@ in the domain of `address`. `reply_to`: one sender, "
            "the token stands "
            "in Reply-To. `single`: none; threads then hang on References and the subject alone."
        ),
        (
            "`plus`：user+token@；`catch_all`：`address` 所在域名下的 token@；`reply_to`：发件人不变，token "
            "放在 Reply-To；"
            "`single`：不区分，仅凭 References 和主题关联会话。"
        ),
    ),
    ask=True,
)
SEPARATOR = About(
    ("Separator", "分隔符"),
    ("The character before the token.", "token 前面的字符。"),
)
FOLDER = About(
    ("Folder", "文件夹"),
    ("The folder that is read.", "读取的文件夹。"),
)
IDLE = About(
    ("Longest wait", "最长等待"),
    ("After which the mailbox is looked through again.", "超过该时长后重新检查邮箱。"),
)
POLL_EVERY = About(
    ("Poll", "轮询间隔"),
    ("How often to look when the server has no IDLE.", "服务器不支持 IDLE 时的检查间隔。"),
)
AWAIT_TICKET = About(
    ("Wait for the ticket", "等待工单号"),
    (
        "How long a second mail waits for the helpdesk to name its ticket.",
        "第二封邮件等待客服系统给出工单号的时长。",
    ),
    only="desk",
)
AT_MOST = About(
    ("At most", "发送上限"),
    (
        "Mails per destination and time, below every helpdesk's published flood limit.",
        "单位时间内发往同一地址的邮件数上限，低于各客服系统公布的限制。",
    ),
)
DELIMITERS = About(
    ("Delimiters", "分隔行"),
    (
        'Further lines of the kind "reply above this line".',
        "其他形如“请在此行上方回复”的分隔行。",
    ),
    only="desk",
)
ACKNOWLEDGEMENTS = About(
    ("Acknowledgements", "自动回执用语"),
    (
        "Further phrases that only automatic mails of your helpdesk contain.",
        "仅出现在您的客服系统自动邮件中的其他用语。",
    ),
    only="desk",
)
MAX_MAIL_BYTES = About(
    ("Largest mail", "邮件大小上限"),
    ("In bytes; larger ones lose their files, with a word about it.", "以字节为单位；超出的邮件不带附件，并加以说明。"),
)
MAX_ATTACHMENT_BYTES = About(
    ("Largest attachment", "附件大小上限"),
    ("In bytes; larger files go as links.", "以字节为单位；超出的文件以链接发送。"),
)
LIMIT_BY = About(
    ("What limits count", "频率限制的对象"),
    (
        (
            "Where all customers write from one address: `sender` counts their mails together, as most helpdesks do; "
            "`ticket` counts each conversation by itself, for helpdesks that limit tickets."
        ),
        "所有客户共用一个发件地址时：`sender` 合并计数（多数工单系统如此）；`ticket` 按会话分别计数。",
    ),
    only="desk",
)
