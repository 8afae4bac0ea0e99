"""Labels of the header block that Outlook, QQ, NetEase and others put above a quote. Data only."""

FROM, DATE, TO, CC, SUBJECT = "from", "date", "to", "cc", "subject"

# blanks inside Chinese labels (发 件 人, 主　题) are removed before the comparison
LABELS: dict[str, str] = {
    **dict.fromkeys(
        ("发件人", "發件人", "寄件者", "寄件人", "from", "差出人", "보낸사람", "von", "de", "da", "van"), FROM
    ),
    **dict.fromkeys(("från", "от", "отправитель", "откого", "fra", "od", "lähettäjä", "발신자", "送信者"), FROM),
    **dict.fromkeys(("发送时间", "发送日期", "日期", "时间", "發送時間", "寄件日期", "sent", "date", "送信日時"), DATE),
    **dict.fromkeys(("日付", "日時", "보낸날짜", "날짜", "gesendet", "datum", "envoyé", "enviado", "enviadoel"), DATE),
    **dict.fromkeys(("fecha", "inviato", "data", "verzonden", "skickat", "дата", "отправлено", "sendt", "時間"), DATE),
    **dict.fromkeys(
        ("收件人", "收件者", "to", "宛先", "받는사람", "an", "à", "para", "a", "aan", "till", "кому", "til"), TO
    ),
    **dict.fromkeys(("抄送", "副本", "cc", "참조", "kopie", "kopia", "копия"), CC),
    **dict.fromkeys(
        ("主题", "主題", "主旨", "subject", "件名", "제목", "betreff", "objet", "asunto", "oggetto"), SUBJECT
    ),
    **dict.fromkeys(("onderwerp", "ämne", "тема", "assunto", "emne", "temat"), SUBJECT),
}

# these labels may stand without a colon, in a table of the NetEase app
WITHOUT_COLON = ("发件人", "发送日期", "发送时间", "收件人", "抄送", "抄送人", "主题", "日期")
