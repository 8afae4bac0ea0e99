"""Our own mails: clients × languages × quoting styles × charsets, attachments, and hostile ones, each with its result.

Made from the tables of the cutter and of this file, always the same. No mail of anybody else is in it.
"""

import base64
import quopri
from collections.abc import Iterator
from dataclasses import dataclass
from email.header import Header
from typing import Any

from mail_texts import KEPT_WHOLE, UNTOUCHED

from connectors.email.cut.attributions import ATTRIBUTIONS, VERBLESS
from connectors.email.cut.separators import DELIMITERS, SEPARATORS


@dataclass(frozen=True)
class Sample:
    """`text`: what must reach the other side. `files`: names of what is attached. None for text: any, but no crash."""

    name: str
    raw: bytes
    text: str | None
    files: tuple[str, ...] = ()


ZH, EN = "您好，我的订单还没有到。\n请帮我查一下。", "Hello, my order is not here yet.\nPlease have a look."


def mail(
    body: bytes,
    *,
    kind: str = "text/plain",
    charset: str = "utf-8",
    encoding: str = "base64",
    head: str = "",
    subject: bytes = b"",
) -> bytes:
    codings: dict[str, Any] = {"base64": base64.encodebytes, "quoted-printable": quopri.encodestring, "8bit": bytes}
    coded = codings[encoding](body)
    title = subject or Header("订单", "utf-8").encode().encode()
    lines = (
        b"From: A <a@customer.example>\r\nTo: bridge@bridge.example\r\nSubject: " + title + b"\r\n"
        b"Date: Fri, 20 Nov 2026 10:21:00 +0800\r\nMessage-ID: <c1@customer.example>\r\n"
        + head.encode()
        + f"MIME-Version: 1.0\r\nContent-Type: {kind}; charset={charset}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n".encode()
    )
    return lines + coded.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def multipart(kind: str, *parts: bytes, head: str = "") -> bytes:
    body = b"".join(b"--b0\r\n" + part + b"\r\n" for part in parts) + b"--b0--\r\n"
    return (
        b"From: A <a@customer.example>\r\nTo: bridge@bridge.example\r\nSubject: x\r\n"
        b"Date: Fri, 20 Nov 2026 10:21:00 +0800\r\nMessage-ID: <c2@customer.example>\r\nMIME-Version: 1.0\r\n"
        + head.encode()
        + f'Content-Type: {kind}; boundary="b0"\r\n\r\n'.encode()
        + body
    )


def part(kind: str, data: bytes, head: bytes = b"") -> bytes:
    coded = base64.encodebytes(data).replace(b"\n", b"\r\n")
    return b"Content-Type: " + kind.encode() + b"\r\n" + head + b"Content-Transfer-Encoding: base64\r\n\r\n" + coded


def quoting() -> Iterator[Sample]:
    for row in (*SEPARATORS, *ATTRIBUTIONS, *VERBLESS):
        line = getattr(row, "example", getattr(row, "line", ""))
        answer = EN if line.isascii() else ZH
        quote = "发件人: a@x.example\n旧的内容" if row.id.startswith("S") else "> 旧的内容\n> 第二行"
        yield Sample(f"quote-{row.id}", mail(f"{answer}\n\n{line}\n{quote}\n".encode()), answer)
        if row.id.startswith("A"):
            yield Sample(f"unmarked-{row.id}", mail(f"{answer}\n\n\n{line}\n\n旧的内容\n第二行\n".encode()), answer)
            crlf = f"{answer}\n\n{line}\n\n> 旧的内容\n\n发自我的iPhone\n".replace("\n", "\r\n")
            yield Sample(f"footer-{row.id}", mail(crlf.encode(), encoding="quoted-printable"), answer)
    for number, line in enumerate(DELIMITERS):
        yield Sample(f"delimiter-{number}", mail(f"{ZH}\n\n{line}\n\nticket text\n".encode()), ZH)
        yield Sample(f"delimiter-quoted-{number}", mail(f"{EN}\n\n> {line}\n> ticket text\n".encode()), EN)


BLOCKS = {
    "outlook-zh": "发件人: 客户甲 <a@x.example>\n发送时间: 2021年8月6日 15:49\n收件人: b@x.example\n主题: 订单",
    "outlook-tw": "寄件者: 客戶乙 <a@x.example>\n寄件日期: 2021年9月2日 下午 06:34\n收件者: b@x.example\n主旨: 訂單",
    "qq": '发件人: "客户甲" <a@x.example>;\n发送时间: 2026年11月20日(星期五) 上午10:21\n收件人: "b"<b@x.example>;\n主题: 订单',
    "coremail": "发件人:a@x.example\n发送时间:2021-03-24 00:28:35 (星期三)\n收件人:b@x.example\n主题:订单",
    "sina": "发件人：a@x.example\n收件人：b@x.example\n主题：订单\n日期：2019年07月04日 11点27分",
    "netease-table": "| 发件人 | 客户甲<a@x.example> |\n| 发送日期 | 2026年09月21日 18:46 |\n| 收件人 | b@x.example |\n| 主题 | 订单 |",
    "spaced": "发 件 人： a@x.example\n日　期： 2026年11月20日 10:21\n收 件 人： b@x.example\n主 题： 订单",
    "bold": "*发件人:* a@x.example\n*发送时间:* 2026年11月20日 10:21\n*收件人:* b@x.example\n*主题:* 订单",
    "outlook-en": "From: Agent <a@x.example>\nSent: Friday, November 20, 2026 10:21 AM\nTo: b@x.example\nSubject: order",
    "outlook-mailto": "From: Agent [mailto:a@x.example]\nSent: 20 November 2026 10:21\nTo: b\nCc: c\nSubject: order",
    "outlook-de": "Von: Agent <a@x.example>\nGesendet: Freitag, 20. November 2026 10:21\nAn: b@x.example\nBetreff: Bestellung",
    "outlook-fr": "De : Agent <a@x.example>\nEnvoyé : vendredi 20 novembre 2026 10:21\nÀ : b@x.example\nObjet : commande",
    "outlook-es": "De: Agent <a@x.example>\nEnviado: viernes, 20 de noviembre de 2026 10:21\nPara: b@x.example\nAsunto: pedido",
    "outlook-it": "Da: Agent <a@x.example>\nInviato: venerdì 20 novembre 2026 10:21\nA: b@x.example\nOggetto: ordine",
    "outlook-nl": "Van: Agent <a@x.example>\nVerzonden: vrijdag 20 november 2026 10:21\nAan: b@x.example\nOnderwerp: bestelling",
    "outlook-sv": "Från: Agent <a@x.example>\nSkickat: den 20 november 2026 10:21\nTill: b@x.example\nÄmne: order",
    "outlook-ru": "От: Агент <a@x.example>\nДата: 20.11.2026 10:21\nКому: b@x.example\nТема: заказ",
    "outlook-ja": "差出人: 担当者 <a@x.example>\n送信日時: 2026年11月20日 10:21\n宛先: b@x.example\n件名: 注文",
    "outlook-ko": "보낸 사람: 담당자 <a@x.example>\n보낸 날짜: 2026년 11월 20일 10:21\n받는 사람: b@x.example\n제목: 주문",
}


def blocks() -> Iterator[Sample]:
    for name, block in BLOCKS.items():
        yield Sample(f"block-{name}", mail(f"{ZH}\n\n{block}\n\n旧的内容\n".encode()), ZH)
        rule = "_" * 32
        yield Sample(f"ruled-{name}", mail(f"{ZH}\n\n{rule}\n{block}\n\n旧的内容\n".encode()), ZH)


HTML = {
    "gmail": '<div dir="ltr">{}</div><br><div class="gmail_quote gmail_quote_container"><div class="gmail_attr">On Fri wrote:<br></div><blockquote class="gmail_quote">old</blockquote></div>',
    "outlook-web": '<div>{}</div><div id="appendonsend"></div><hr><div id="divRplyFwdMsg"><b>From:</b> Agent</div><div>old</div>',
    "outlook-desktop": '<div class="WordSection1"><p>{}</p><div><div style="border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm"><p><b>From:</b> Agent</p></div></div><p>old</p></div>',
    "outlook-desktop-old": '<p>{}</p><div style="border:none;border-top:solid #B5C4DF 1.0pt;padding:3.0pt 0in 0in 0in"><p>From: Agent</p></div><p>old</p>',
    "outlook-mac": '<div>{}</div><span id="OLK_SRC_BODY_SECTION"><div>old</div></span>',
    "apple": '<div>{}</div><div><br><blockquote type="cite"><div>On Nov 20, 2026, at 10:21, Agent wrote:</div><div>old</div></blockquote></div>',
    "thunderbird": '<p>{}</p><div class="moz-cite-prefix">On 20/11/2026 10:21, Agent wrote:<br></div><blockquote type="cite">old</blockquote>',
    "yahoo": '<div>{}</div><div id="yahoo_quoted_123" class="yahoo_quoted"><div>On Friday wrote:</div><div>old</div></div>',
    "yahoo-ios": '<div>{}</div><blockquote class="iosymail">old</blockquote>',
    "proton": '<div>{}</div><div class="protonmail_quote">old</div>',
    "tuta": '<div>{}</div><blockquote class="tutanota_quote">old</blockquote>',
    "zoho": '<div>{}</div><div class="zmail_extra"><div>---- On wrote ----</div>old</div>',
    "gmx": '<div>{}</div><div name="quote"><b>Gesendet:</b> Freitag<br>old</div>',
    "zimbra": '<div>{}</div><hr id="zwchr"><div><b>From: </b>Agent<br>old</div>',
    "netease": '<div>{}</div><blockquote id="isReplyContent">old</blockquote>',
    "netease-forward": '<div>{}</div><div id="isForwardContent">old</div>',
    "sina": '<div>{}</div><div id="origbody">old</div>',
    "139": '<div>{}</div><hr id="replySplit"><div id="reply139content">old</div>',
    "qq-old": '<div>{}</div><div style="font-size:12px">------------------&nbsp;原始邮件&nbsp;------------------</div><div style="background:#efefef;padding:8px;"><div><b>发件人:</b> a@x.example</div></div><div>old</div>',
    "qq-new": '<div class="qmbox">{}</div><div class="xm_mail_oringinal_describe">原始邮件</div><div>old</div>',
    "foxmail": '<div>{}</div><blockquote><div class="FoxDiv20261120">old</div></blockquote>',
    "alibaba": '<div>{}</div><blockquote><div class="alimail-quote">old</div></blockquote>',
    "zendesk": '<div>{}</div><div class="quotedReply"><blockquote>old</blockquote></div>',
    "freshdesk": '<div>{}</div><div class="freshdesk_quote"><blockquote>old</blockquote></div>',
    "front": '<div>{}</div><blockquote class="front-blockquote">old</blockquote>',
    "intercom": '<div>{}</div><div class="history">old</div>',
    "spark": '<div>{}</div><div name="messageReplySection">old</div>',
    "fastmail": '<div>{}</div><blockquote type="cite" id="qt">old</blockquote>',
}


def html() -> Iterator[Sample]:
    for name, shape in HTML.items():
        for language, answer in (("zh", ZH), ("en", EN)):
            page = shape.format(answer.replace("\n", "<br>"))
            yield Sample(f"html-{name}-{language}", mail(page.encode(), kind="text/html"), answer)
            both = multipart(
                "multipart/alternative",
                part("text/plain; charset=utf-8", f"{answer}\n\nunknown way of quoting old".encode()),
                part("text/html; charset=utf-8", page.encode()),
            )
            yield Sample(f"alternative-{name}-{language}", both, answer)
        twice = shape.format("Hello").replace("old", "old") + "<p>And this below.</p>"
        if not any(
            mark in shape
            for mark in ("appendonsend", "border-top", "moz-cite", "zwchr", "replySplit", "oringinal", "原始邮件")
        ):
            yield Sample(f"html-interleaved-{name}", mail(twice.encode(), kind="text/html"), None)
    empty = multipart(
        "multipart/alternative",
        part("text/plain; charset=utf-8", b"Your mail program does not support HTML mail."),
        part("text/html; charset=utf-8", f"<p>{ZH}</p>".replace("\n", "<br>").encode()),
    )
    yield Sample("html-text-part-is-an-excuse", empty, ZH)


CHARSETS = (
    ("gb2312", "gb18030", "朱镕基与陶喆、珺，€100"),
    ("GB2312", "gbk", "镕喆囧珺"),
    ("gbk", "gb18030", "㐀𠀀你好"),
    ("x-gbk", "gbk", "你好，镕"),
    ("gb_2312-80", "gb18030", "你好"),
    ("cp936", "gbk", "你好"),
    ("euc-cn", "gb18030", "喆"),
    ("gb18030", "gb18030", "𠮷野家"),
    ("big5", "big5-hkscs", "訂單還沒到，𡃁仔"),
    ("big5-hkscs", "big5-hkscs", "嘅啲"),
    ("x-x-big5", "big5", "訂單"),
    ("iso-2022-jp", "iso-2022-jp", "注文はまだですか"),
    ("iso-2022-jp-ms", "iso-2022-jp", "注文"),
    ("shift_jis", "cp932", "①番の注文 髙橋"),
    ("windows-31j", "cp932", "髙橋"),
    ("ks_c_5601-1987", "cp949", "주문이 아직 안 왔어요 똠"),
    ("euc-kr", "cp949", "주문"),
    ("utf-8", "utf-8", "你好😀"),
    ("utf-8mb4", "utf-8", "你好😀"),
    ("us-ascii", "utf-8", "你好"),
    ("iso-8859-1", "utf-8", "你好"),
    ("iso-8859-1", "cp1252", "Grüße für 100 €"),
    ("windows-1252", "cp1252", "“Quotes” – dash"),
    ("koi8-r", "koi8-r", "Заказ не пришёл"),
    ("windows-1251", "cp1251", "Заказ"),
    ("iso-8859-2", "iso-8859-2", "zażółć"),
    ("iso-8859-9", "cp1254", "şunu yazdı"),
    ("default", "utf-8", "你好"),
    ("x-unknown", "gb18030", "你好，订单"),
    ("136", "utf-8", "你好"),
    ("hz-gb-2312", "gb18030", "你好，订单"),
    ("utf-7", "utf-8", "你好"),
    ("windows-874", "cp874", "สวัสดีครับ ยังไม่ได้รับสินค้า"),
    ("iso-8859-8-i", "iso8859-8", "שלום, ההזמנה לא הגיעה"),
    ("iso-8859-6-e", "iso8859-6", "الطلب لم يصل"),
    ("dos-850", "cp850", "Grüße, ça déjà"),
    ("x-cp866", "cp866", "Заказ не пришёл"),
    ("x-mac-cyrillic", "mac-cyrillic", "Заказ"),
    ("unicode-escape", "utf-8", r"a\ud800b\x00c 你好"),
    ("raw_unicode_escape", "utf-8", r"\ud83d 你好"),
    ("idna", "utf-8", "你好"),
    ("unicode-escape", "ascii", r"C:\new\x41\x00"),
    ("raw-unicode-escape", "ascii", r"\u0000\u202e"),
    ("punycode", "ascii", "order-3yq"),
    ("palmos", "utf-8", "你好"),
    ('"gb2312"', "gb18030", "镕"),
)


def charsets() -> Iterator[Sample]:
    for number, (label, real, said) in enumerate(CHARSETS):
        for encoding in ("base64", "quoted-printable", "8bit"):
            yield Sample(
                f"charset-{number}-{label.strip(chr(34))}-{encoding}",
                mail(said.encode(real), charset=label, encoding=encoding),
                said,
            )
    flowed = "This line goes \non here.\n\n> quoted \n> on\n"
    yield Sample(
        "flowed", mail(flowed.encode(), kind="text/plain; format=flowed"), "This line goes on here.\n\n> quoted on"
    )


def ordinary() -> Iterator[Sample]:
    for number, said in enumerate(UNTOUCHED):
        yield Sample(f"untouched-{number}", mail(said.encode()), said.strip())
    for number, said in enumerate(KEPT_WHOLE):
        yield Sample(f"kept-{number}", mail(said.encode()), said)


def structure() -> Iterator[Sample]:
    whole = multipart(
        "multipart/mixed", part("text/plain; charset=utf-8", ZH.encode()), part("image/png; name=a.png", PNG)
    )
    yield Sample("boundary-missing", whole.replace(b'; boundary="b0"', b""), ZH, ("a.png",))
    yield Sample("boundary-wrong", whole.replace(b'boundary="b0"', b'boundary="other"'), ZH, ("a.png",))
    bare = mail(ZH.encode(), kind="multipart/alternative; boundary=gone", encoding="8bit")
    yield Sample("boundary-without-parts", bare, ZH)
    for label in ("", "; charset=x-unknown"):
        page = b'<meta http-equiv="Content-Type" content="text/html; charset=windows-1251"><p>' + "Заказ".encode(
            "cp1251"
        )
        raw = mail(page, kind="text/html").replace(b"; charset=utf-8", label.encode())
        yield Sample(f"charset-in-meta{label}", raw, "Заказ")
    yield Sample("one-bad-byte", mail("שלום".encode("cp1255") + b"\xd9\xe0", charset="windows-1255"), "שלום\ufffdא")
    for name, said in {
        "below-unmarked": "发件人: a@x.example\n发送时间: 2026年11月20日 10:21\n收件人: b@x.example\n\n旧的内容\n\n我的回答",
        "forwarded": "---------- Forwarded message ---------\nFrom: S <s@x.example>\nDate: Fri, Nov 20, 2026 at 10:21\n\nParcel lost.",
    }.items():
        picture = part("image/png; name=a.png", PNG)
        text = part("text/plain; charset=utf-8", said.encode())
        yield Sample(f"file-and-{name}", multipart("multipart/mixed", text, picture), said, ("a.png",))
    only = part("text/plain; charset=utf-8", b"On Fri, Nov 20, 2026 at 10:21 A <a@x.example> wrote:\n> old\n> words")
    yield Sample(
        "file-and-history", multipart("multipart/mixed", only, part("image/png; name=a.png", PNG)), "", ("a.png",)
    )
    for name, open_length in (("der", False), ("ber", True)):
        body = signed(part("text/plain; charset=utf-8", ZH.encode()), open_length=open_length)
        yield Sample(f"opaque-signed-{name}", mail(body, kind="application/pkcs7-mime; smime-type=signed-data"), ZH)


def signed(inner: bytes, *, open_length: bool) -> bytes:
    """The shape of CMS SignedData, without signers."""

    def value(tag: int, data: bytes) -> bytes:
        if open_length and tag & 0x20:
            return bytes((tag, 0x80)) + data + b"\0\0"
        return bytes((tag, 0x84)) + len(data).to_bytes(4) + data

    octets = value(0x24, value(4, inner[:9]) + value(4, inner[9:])) if open_length else value(4, inner)
    content = value(0x30, value(6, bytes.fromhex("2a864886f70d010701")) + value(0xA0, octets))
    data = value(0x30, value(2, b"\1") + value(0x31, b"") + content + value(0x31, b""))
    return value(0x30, value(6, bytes.fromhex("2a864886f70d010702")) + value(0xA0, data))


PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(200))
NAMES = (
    ("rfc2231", b"Content-Disposition: attachment; filename*=utf-8''%E5%8F%91%E7%A5%A8.png\r\n", "发票.png"),
    (
        "rfc2231-pieces",
        b"Content-Disposition: attachment;\r\n filename*0*=utf-8''%E5%8F%91;\r\n filename*1*=%E7%A5%A8.png\r\n",
        "发票.png",
    ),
    ("rfc2231-gb", b"Content-Disposition: attachment; filename*=gb18030''%B7%A2%C6%B1.png\r\n", "发票.png"),
    ("rfc2047-gb2312", b'Content-Disposition: attachment; filename="=?gb2312?B?t6LGsS5wbmc=?="\r\n', "发票.png"),
    ("raw-gbk", 'Content-Disposition: attachment; filename="发票.png"\r\n'.encode("gbk"), "发票.png"),
    ("raw-utf8", 'Content-Disposition: attachment; filename="发票.png"\r\n'.encode(), "发票.png"),
    ("unquoted", b"Content-Disposition: attachment; filename=my order list.png\r\n", "my order list.png"),
    ("semicolon", b'Content-Disposition: attachment; filename="a;b.png"\r\n', "a;b.png"),
    ("path", b'Content-Disposition: attachment; filename="../../etc/passwd"\r\n', "passwd"),
    ("windows-path", b'Content-Disposition: attachment; filename="C:\\\\dir\\\\x.png"\r\n', "x.png"),
    ("bidi", 'Content-Disposition: attachment; filename="evil\u202egnp.exe"\r\n'.encode(), "evilgnp.exe"),
    ("long", b'Content-Disposition: attachment; filename="' + b"a" * 300 + b'.png"\r\n', "a" * 116 + ".png"),
    ("escape", b"Content-Disposition: attachment; filename*=unicode-escape''a%5Cud800b.png\r\n", "ud800b.png"),
    ("escape-word", b'Content-Disposition: attachment; filename="=?unicode_escape?B?XHg0MS5wbmc=?="\r\n', "x41.png"),
    ("surrogate", b"Content-Disposition: attachment; filename*=utf-8''a%ED%A0%80b%00.png\r\n", None),
    ("none", b"Content-Disposition: attachment\r\n", "image-2.png"),
)


def attachments() -> Iterator[Sample]:
    text = part("text/plain; charset=utf-8", ZH.encode())
    for name, head, expected in NAMES:
        raw = multipart("multipart/mixed", text, part("image/png", PNG, head))
        yield Sample(f"name-{name}", raw, ZH if expected else None, (expected,) if expected else ())
    yield Sample(
        "name-on-type",
        multipart("multipart/mixed", text, part('image/png; name="=?utf-8?B?5Y+R56WoLnBuZw==?="', PNG)),
        ZH,
        ("发票.png",),
    )
    page = f'<p>{ZH}</p><img src="cid:photo@x"><img src="cid:logo@x" width="20" height="20">'.replace("\n", "<br>")
    inline = b"Content-Disposition: inline; filename=photo.png\r\nContent-ID: <photo@x>\r\n"
    logo = b"Content-Disposition: inline; filename=logo.png\r\nContent-ID: <logo@x>\r\n"
    related = multipart(
        "multipart/related",
        part("text/html; charset=utf-8", page.encode()),
        part("image/png", PNG, inline),
        part("image/png", PNG, logo),
    )
    yield Sample("cid-photo-not-logo", related, ZH, ("photo.png",))
    quoted = f'<p>{ZH}</p><div class="gmail_quote"><img src="cid:photo@x"></div>'.replace("\n", "<br>")
    related = multipart(
        "multipart/related", part("text/html; charset=utf-8", quoted.encode()), part("image/png", PNG, inline)
    )
    yield Sample("cid-in-the-quote", related, ZH, ())
    noise = multipart(
        "multipart/mixed",
        text,
        part("text/calendar", b"BEGIN:VCALENDAR"),
        part("application/pkcs7-signature; name=smime.p7s", b"x"),
    )
    yield Sample("noise", noise, ZH, ())
    inner = mail(b"inner text", head="X-Inner: 1\r\n").replace(b"Subject: ", b"Subject: Fwd ")
    forwarded = multipart("multipart/mixed", text, b"Content-Type: message/rfc822\r\n\r\n" + inner)
    yield Sample("mail-in-mail", forwarded, ZH, ("Fwd 订单.eml",))
    named = b"Content-Disposition: inline; filename=a.txt\r\n"
    yield Sample(
        "inline-text-file", multipart("multipart/mixed", text, part("text/plain", b"log", named)), ZH, ("a.txt",)
    )
    yield Sample(
        "apple-interleaved",
        multipart(
            "multipart/mixed",
            part("text/plain", b"above"),
            part("image/png", PNG, inline),
            part("text/plain", b"below"),
        ),
        "above\nbelow",
        ("photo.png",),
    )


def hostile() -> Iterator[Sample]:
    yield Sample("no-headers", b"\r\njust text\r\n", None)
    yield Sample("empty", b"", None)
    yield Sample("nul-bytes", mail(b"a\x00b", encoding="8bit"), "ab")
    yield Sample("bare-cr", b"From: a@customer.example\rSubject: x\r\rtext\r", None)
    yield Sample("bracket-id", mail(ZH.encode()).replace(b"<c1@customer.example>", b"<[abc]@x>"), ZH)
    yield Sample("no-id", mail(ZH.encode()).replace(b"Message-ID: <c1@customer.example>\r\n", b""), ZH)
    yield Sample("empty-id", mail(ZH.encode()).replace(b"<c1@customer.example>", b""), ZH)
    yield Sample(
        "open-boundary",
        multipart("multipart/mixed", part("text/plain; charset=utf-8", ZH.encode())).replace(b"--b0--", b""),
        ZH,
    )
    yield Sample(
        "no-boundary", multipart("multipart/mixed", part("text/plain", b"x")).replace(b'; boundary="b0"', b""), None
    )
    yield Sample("many-parts", multipart("multipart/mixed", *[part("text/plain", b"x") for _ in range(3000)]), None)
    yield Sample("deep", _deep(400), None)
    yield Sample("huge-header", b"X-Big: " + b"a" * 2**20 + b"\r\n" + mail(ZH.encode()), None)
    yield Sample(
        "many-recipients",
        mail(ZH.encode(), head="Cc: " + ", ".join(f"r{n}@x.example" for n in range(300)) + "\r\n"),
        ZH,
    )
    yield Sample("long-line", mail(b"a" * 5_000_000), None)
    yield Sample("on-a-a-a", mail(b"On " + b"a " * 20_000), None)
    yield Sample("dashes", mail(b"-" * 50_000), None)
    yield Sample("nested-tags", mail(b"<div>" * 20_000 + b"x", kind="text/html"), "x")
    yield Sample("open-comments", mail(b"<p>x</p>" + b"<!--" * 50_000, kind="text/html"), "x")
    yield Sample("broken-base64", mail(b"").rstrip() + b"\r\n\r\n5L2g5aW9@@@!!5L2g\r\n", None)
    yield Sample("broken-word", mail(ZH.encode(), subject=b"=?utf-8?B?5L2?= =?x-none?Q?=zz?="), ZH)
    yield Sample("bad-date", mail(ZH.encode()).replace(b"Fri, 20 Nov 2026 10:21:00 +0800", b"yesterday-ish 99:99"), ZH)
    yield Sample("far-date", mail(ZH.encode()).replace(b"2026 10:21:00 +0800", b"99999 10:21:00 +9999"), ZH)
    yield Sample(
        "script",
        mail(
            f"<script>alert(1)</script><p onclick=x>{ZH}</p><style>p{{}}</style>".replace("\n", "<br>").encode(),
            kind="text/html",
        ),
        ZH,
    )
    yield Sample("bad-type", mail(ZH.encode(), kind="text"), ZH)
    yield Sample("rubbish-type", mail(ZH.encode()).replace(b"text/plain", b";;;=?"), None)
    yield Sample("surrogates", mail(b"+2AA-x", charset="utf-7"), None)
    yield Sample("two-from", mail(ZH.encode(), head="From: b@customer.example\r\n"), ZH)


def _deep(depth: int) -> bytes:
    inner = b"Content-Type: text/plain\r\n\r\ndeep"
    for level in range(depth):
        mark = f"d{level}"
        inner = (
            f'Content-Type: multipart/mixed; boundary="{mark}"\r\n\r\n--{mark}\r\n'.encode()
            + inner
            + f"\r\n--{mark}--\r\n".encode()
        )
    return b"From: a@customer.example\r\nMIME-Version: 1.0\r\n" + inner


SUBJECTS = (
    ("gb2312-with-gbk", b"=?gb2312?B?" + base64.b64encode("镕喆€".encode("gb18030")) + b"?=", "镕喆€"),
    ("raw-gbk", "订单没有到".encode("gbk"), "订单没有到"),
    ("raw-utf8", "订单没有到".encode(), "订单没有到"),
    ("split-character", b"=?utf-8?B?5L2g5aU=?=\r\n =?utf-8?B?vQ==?=", "你好"),
    ("q-word", b"=?utf-8?Q?=E4=BD=A0_=E5=A5=BD?=", "你 好"),
    ("iso-2022-jp", b"=?ISO-2022-JP?B?" + base64.b64encode("注文".encode("iso-2022-jp")) + b"?=", "注文"),
    ("folded", b"a long\r\n subject", "a long subject"),
    ("prefixes", "Re: 回复：RE[2]: 转发：Fwd: [EXTERNAL] 订单".encode(), "订单"),
    ("big5", b"=?big5?B?" + base64.b64encode("訂單".encode("big5")) + b"?=", "訂單"),
)


def everything() -> list[Sample]:
    return [*quoting(), *blocks(), *html(), *charsets(), *ordinary(), *attachments(), *structure(), *hostile()]
