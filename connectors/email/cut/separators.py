"""Lines that stand between an answer and what it answers. Data only; see `quote.py` for how they are used.

`line` is what the client writes. Dashes, blanks and letter case vary, so rows are compared by the words between them.
Origins: open-source strip lists and public list archives; rows marked "?" were not seen in a real mail yet.
"""

from typing import NamedTuple


class Separator(NamedTuple):
    """A line that a program puts above a quote."""

    id: str
    client: str
    line: str


SEPARATORS = (
    Separator("S01", "QQ Mail zh, WeCom mail", "------------------ 原始邮件 ------------------"),
    Separator("S02", "QQ Mail, plain-text part", "------------------&nbsp;原始邮件&nbsp;------------------"),
    Separator("S03", "QQ Mail en", "------------------ Original ------------------"),
    Separator("S04", "Coremail", "-----原始邮件-----"),
    Separator("S05", "Sina Mail", "----- 原始邮件 -----"),
    Separator("S06", "NetEase Mail Master", "---- 回复的原邮件 ----"),
    Separator("S07", "NetEase variant", "----- 回复的原邮件 -----"),
    Separator("S08", "NetEase variant", "---- 回复的原始邮件 ----"),
    Separator("S09", "NetEase forward ?", "---- 转发的原邮件 ----"),
    Separator("S10", "139 Mail ?", "----回复邮件原文----"),
    Separator("S11", "Outlook zh-CN", "-----邮件原件-----"),
    Separator("S12", "Android vendor mail zh ?", "-------- 原始邮件 --------"),
    Separator("S13", "office systems zh", "--------------原始邮件--------------"),
    Separator("S14", "zh-TW clients", "-----原始郵件-----"),
    Separator("S15", "Gmail forward zh-CN", "---------- 转发的邮件 ---------"),
    Separator("S16", "forward zh", "----- 转发的邮件 -----"),
    Separator("S16b", "forward zh-TW", "---------- 轉寄的郵件 ---------"),
    Separator("S18", "Outlook, AOL", "-----Original Message-----"),
    Separator("S19", "Proton (older)", "‐‐‐‐‐‐‐ Original Message ‐‐‐‐‐‐‐"),
    Separator("S20", "various", "--------------- Original Message ---------------"),
    Separator("S21", "Samsung, Android", "-------- Original message --------"),
    Separator("S21b", "various", "-------- Original email --------"),
    Separator("S22", "Android", "----- Reply message -----"),
    Separator("S23", "Gmail forward", "---------- Forwarded message ---------"),
    Separator("S23b", "Thunderbird forward", "-------- Forwarded Message --------"),
    Separator("S24", "Apple forward", "Begin forwarded message:"),
    Separator("S24b", "Apple forward zh-CN", "开始转发的邮件："),
    Separator("S24c", "Apple forward zh-TW", "開始轉寄郵件："),
    Separator("S25", "Outlook de", "-----Ursprüngliche Nachricht-----"),
    Separator("S25b", "Thunderbird forward de", "-------- Weitergeleitete Nachricht --------"),
    Separator("S26", "Outlook fr", "-----Message d'origine-----"),
    Separator("S26b", "Outlook fr", "-----Message d’origine-----"),
    Separator("S27", "Thunderbird forward fr", "-------- Message transféré --------"),
    Separator("S28", "Outlook es", "-----Mensaje original-----"),
    Separator("S28b", "Outlook pt", "-----Mensagem original-----"),
    Separator("S28c", "Outlook it", "-----Messaggio originale-----"),
    Separator("S28d", "Outlook nl", "-----Oorspronkelijk bericht-----"),
    Separator("S29", "Outlook da", "-----Oprindelig meddelelse-----"),
    Separator("S29b", "Outlook sv", "-----Ursprungligt meddelande-----"),
    Separator("S29c", "Outlook pl", "-----Wiadomość oryginalna-----"),
    Separator("S30", "Greek clients", "-------- Αρχικό μήνυμα --------"),
    Separator("S31", "mail.ru", "-------- Пересылаемое сообщение --------"),
    Separator("S31b", "Outlook ru", "-----Исходное сообщение-----"),
    Separator("S32", "Outlook ko", "-----원본 메시지-----"),
    Separator("S33", "Outlook ja", "-----オリジナルメッセージ-----"),
    Separator("S33b", "Outlook ja", "-----元のメッセージ-----"),
)

# S17, S34: a bare rule means a quote only when a header block follows at once
RULE_MARKS = "-_‐‑‒–—―─=*＿"

# S35: lines of helpdesks that ask to answer above them; accounts add their own
DELIMITERS = (
    "##- Please type your reply above this line -##",
    "##- 请在此行上方输入回复 -##",
    "##- 請在此行上方輸入回覆 -##",
    "##- 请在此行上方键入您的回复 -##",
    "##- Bitte geben Sie Ihre Antwort über dieser Zeile ein. -##",
    "##- Veuillez saisir votre réponse au-dessus de cette ligne -##",
    "##- Escriba su respuesta por encima de esta línea -##",
    "-- Please reply above this line --",
    "--- Please reply above this line ---",
    "-- reply above this line --",
    "-- do not edit --",
    "-- 请在此行上方回复 --",
    "## Please reply above this line ##",
    "=== Please reply above this line ===",
)
