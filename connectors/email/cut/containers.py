"""HTML elements in which clients wrap what they quote. Data only; facts about what the clients emit."""

from typing import NamedTuple


class Container(NamedTuple):
    """`tag` "" is any. `attribute` contains `value` (`how`: "word", "is", "begins", "has"). `rest`: everything after
    the element belongs to the quote, too (it only marks where the quote begins).
    """

    client: str
    tag: str
    attribute: str
    how: str
    value: str
    rest: bool = False


CONTAINERS = (
    Container("Gmail", "", "class", "word", "gmail_quote"),
    Container("Gmail", "", "class", "word", "gmail_quote_container"),
    Container("Gmail", "", "class", "word", "gmail_extra"),
    Container("Outlook web", "", "id", "is", "appendonsend", rest=True),
    Container("Outlook web", "", "id", "has", "divRplyFwdMsg", rest=True),
    Container("Outlook web", "", "id", "is", "mail-editor-reference-message-container"),
    Container("Outlook desktop", "div", "style", "has", "border:none;border-top:solid #b5c4df", rest=True),
    Container("Outlook desktop", "div", "style", "has", "border:none;border-top:solid #e1e1e1", rest=True),
    Container("Outlook desktop", "div", "style", "begins", "border:none;border-top:solid", rest=True),
    Container("Outlook mac", "", "id", "is", "OLK_SRC_BODY_SECTION"),
    Container("Apple, Thunderbird", "blockquote", "type", "is", "cite"),
    Container("Thunderbird", "", "class", "word", "moz-cite-prefix", rest=True),
    Container("OTRS, Znuny", "div", "type", "is", "cite"),
    Container("Yahoo", "", "class", "word", "yahoo_quoted"),
    Container("Yahoo", "", "id", "has", "yahoo_quoted_"),
    Container("Yahoo iOS", "blockquote", "class", "word", "iosymail"),
    Container("Proton", "", "class", "word", "protonmail_quote"),
    Container("Tuta", "", "class", "word", "tutanota_quote"),
    Container("Zoho", "", "class", "word", "zmail_extra"),
    Container("Zoho", "div", "title", "is", "beforequote:::"),
    Container("GMX", "", "name", "is", "quote"),
    Container("Zimbra", "hr", "id", "is", "zwchr", rest=True),
    Container("NetEase web", "blockquote", "id", "is", "isReplyContent"),
    Container("NetEase web", "div", "id", "is", "isForwardContent"),
    Container("NetEase", "blockquote", "id", "is", "oriMsgHtmlSeperator"),
    Container("Sina", "div", "id", "is", "origbody"),
    Container("139 Mail", "hr", "id", "is", "replySplit", rest=True),
    Container("139 Mail", "div", "id", "is", "reply139content"),
    Container("QQ new, WeCom", "", "class", "word", "xm_mail_oringinal_describe", rest=True),
    Container("QQ", "", "id", "is", "original-content"),
    Container("Foxmail", "div", "class", "begins", "FoxDiv"),
    Container("Alibaba Mail", "div", "class", "word", "alimail-quote"),
    Container("webmail zh", "div", "id", "is", "mailcontent"),
    Container("Zendesk", "div", "class", "word", "quotedReply"),
    Container("Freshdesk", "div", "class", "word", "freshdesk_quote"),
    Container("Front", "", "class", "word", "front-blockquote"),
    Container("Intercom", "div", "class", "word", "history"),
    Container("Spark", "", "name", "is", "messageReplySection"),
    Container("Fastmail", "blockquote", "id", "is", "qt"),
    Container("Help Scout", "", "class", "word", "hs-quote"),
)
