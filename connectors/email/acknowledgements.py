"""What helpdesks say by themselves. Data only; an account adds its own phrases with `acknowledgements`.

Phrases are the vendors' published default templates, long enough that no agent writes them by chance. Lower case.
"""

ACKNOWLEDGED = (
    # Zendesk: "Notify requester of received request", "of comment update" carries agents' words and is not here
    "has been received and is being reviewed by our support staff",
    "has been updated. you can add a comment by replying to this email",
    "已收到您的请求",
    "您的请求 (",
    "正在由我们的支持人员审核",
    "has been deemed solved",
    "we'd love to hear what you think of our customer service",
    "how would you rate the support you received",
    "how would you rate your overall satisfaction",
    # Freshdesk
    "we would like to acknowledge that we have received your request",
    "your ticket has been closed. we hope that the ticket was resolved to your satisfaction",
    "our support rep has indicated that your ticket",
    # Request Tracker: templates Autoreply and Resolved
    "this message has been automatically generated in response to the creation of a trouble ticket",
    "according to our records, your request has been resolved",
    "according to our records your request has been resolved",
    # osTicket
    "a request for support has been created and assigned",
    "a support ticket has been created and assigned",
    # Zammad
    "your request has been received and will be reviewed by our support staff",
    "the following email was received and will be processed",
    # django-helpdesk
    "this is a courtesy e-mail to let you know that we have received your helpdesk query",
    "this is an automatic notification that your helpdesk ticket",
    "this is a courtesy e-mail to let you know that ticket",
    # Jira Service Management
    "reply above this line. just confirming that we got your request",
    "just confirming that we got your request",
    # Help Scout, Intercom, generic
    "this is an automated response to let you know that we received your",
    "this is an automated message confirming that we",
    "thank you for contacting us. this is an automated response",
    "please rate the support you received",
)

ACKNOWLEDGED_SUBJECTS = (
    "autoreply:",
    "ticket received - ",
    "[request received]",
    "how would you rate",
    "rate our support",
    "we've received your request",
    "we have received your request",
    "support ticket opened [#",
    "已收到您的请求",
    "请为我们的服务评分",
)

# header names that only helpdesk software writes (lower case, beginnings)
HELPDESK_HEADERS = (
    "x-zendesk",
    "x-delivery-context",
    "rt-ticket",
    "x-rt-loop-prevention",
    "managed-by",
    "x-freshdesk",
    "x-fd-",
    "x-zammad",
    "x-osticket",
    "x-freescout",
    "x-helpscout",
    "x-intercom",
    "x-otrs",
    "x-jira-fingerprint",
    "x-chatwoot",
    "x-front",
    "x-deskpro",
)

# how a text says in its first words that no person wrote it
SAYS_SO = (
    "this is an automatic reply",
    "this is an automated reply",
    "this is an automated response",
    "this is an automated message",
    "this is an automatically generated",
    "this message was generated automatically",
    "this message was automatically generated",
    "这是一封自动回复",
    "这是自动回复",
    "此邮件为自动回复",
    "本邮件为自动回复",
    "此邮件由系统自动",
    "本邮件由系统自动",
    "系统自动回复",
    "这是系统自动",
    "這是系統自動",
    "此郵件由系統自動",
)

VACATION_SUBJECTS = (
    "out of office",
    "out of the office",
    "automatic reply",
    "autoreply",
    "auto reply",
    "auto-reply",
    "automated response",
    "abwesenheitsnotiz",
    "automatische antwort",
    "réponse automatique",
    "respuesta automática",
    "resposta automática",
    "risposta automatica",
    "automatisch antwoord",
    "自动回复",
    "自動回覆",
    "自动答复",
    "自動答覆",
    "自动应答",
    "自動回信",
    "外出",
    "休假",
    "不在办公室",
    "自動返信",
    "부재중",
    "автоответ",
)
