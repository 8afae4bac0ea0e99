"""Lines that say who wrote what follows. Data only; see `quote.py` for how they are used.

A line matches a row when it begins with one of `begins` (any beginning when empty), contains one of `has`, ends with
one of `ends`, and names a year and (a clock time or an address). `bare` rows need no date. Comparison is in lower case,
with Chinese punctuation made half-width and blanks squeezed. `example` is what the client writes.
"""

from typing import NamedTuple


class Attribution(NamedTuple):
    """How a program introduces a quote: words that its line has, begins and ends with."""

    id: str
    client: str
    example: str
    has: tuple[str, ...]
    begins: tuple[str, ...] = ()
    ends: tuple[str, ...] = (":",)
    bare: bool = False


_ZH = ("写道", "寫道")
_WROTE = ("wrote",)

ATTRIBUTIONS = (
    Attribution("A01", "Gmail zh-CN", "客户甲 <a@x.example> 于2022年10月27日周四 19:24写道：", _ZH),
    Attribution("A02", "Gmail zh-CN 12 h", "客户甲 <a@x.example> 于2020年6月9日周二 上午12:22写道：", _ZH),
    Attribution("A03", "Gmail zh-TW", "客戶乙 <a@x.example> 於 2024年10月4日 週五 上午9:49寫道：", _ZH),
    Attribution("A04", "Gmail zh-TW", "客戶乙 <a@x.example> 於 2019年9月12日週四 下午4:51寫道：", _ZH),
    Attribution("A05", "Gmail zh-TW evening", "客戶乙 <a@x.example> 於 2022年9月16日 週五 晚上9:38寫道：", _ZH),
    Attribution("A06", "Gmail zh-HK ?", "客戶乙 <a@x.example> 於 2022年9月16日 21:38 寫道：", _ZH),
    Attribution("A07", "Gmail zh-CN old ?", "在 2016年3月3日 上午10:21，客户甲 <a@x.example>写道：", _ZH),
    Attribution("A08", "Apple Mail zh-CN", "2019年11月22日 18:05，客户甲 <a@x.example> 写道：", _ZH),
    Attribution("A09", "Apple Mail zh-CN 12 h", "2022年8月25日 上午12:24，客户甲 <a@x.example> 写道：", _ZH),
    Attribution("A10", "iOS Mail zh-CN", "在 2021年9月24日，09:09，客户甲 <a@x.example> 写道：", _ZH),
    Attribution("A11", "iCloud web zh", "2019年7月2日 上午2:59，客户甲 <a@x.example> 写道：", _ZH),
    Attribution("A12", "Apple zh-TW ?", "客戶乙 <a@x.example> 於 2019年7月2日 上午2:59 寫道：", _ZH),
    Attribution("A13", "Thunderbird zh-CN", "在 2023/5/16 9:57, 客户甲 写道:", _ZH),
    Attribution("A14", "Thunderbird zh-CN old ?", "于 2013年05月16日 09:57, 客户甲 写道:", _ZH),
    Attribution("A15", "NetEase web zh", '在 2026-11-20 10:21:03，"客户甲" <a@x.example> 写道：', _ZH),
    Attribution("A16", "NetEase web en", 'At 2019-07-04 11:20:38, "客户甲" <a@x.example> wrote:', _WROTE, ("at ",)),
    Attribution("A17", "NetEase Mail Master", "在2026年11月20日 10:21，客户甲<a@x.example> 写道：", _ZH),
    Attribution("A18", "Yahoo zh-TW", "客戶乙 (<a@x.example>) 在 2019年7月2日星期二 下午05:48:53 [GMT+8] 寫道：", _ZH),
    Attribution("A19", "Proton zh", "星期二, 七月 2, 2019 6:09 晚上，客户甲 <a@x.example> 来信：", ("来信", "來信")),
    Attribution(
        "A20",
        "Zoho zh",
        "---- 在 星期二, 02 七月 2019 17:55:32 +0800 客户甲 <a@x.example> 撰写 ----",
        ("撰写", "撰寫"),
        ("----",),
        ("----",),
    ),
    Attribution("A21", "Xiaomi Mail ?", "客户甲 <a@x.example>于 2026年11月20日周五上午10:21写道：", _ZH),
    Attribution("A22", "Gmail en", "On Fri, Nov 20, 2026 at 10:21 AM Agent <a@x.example> wrote:", _WROTE, ("on ",)),
    Attribution(
        "A23", "Gmail en wrapped", "On Fri, Nov 20, 2026 at 10:21 AM Agent <\na@x.example> wrote:", _WROTE, ("on ",)
    ),
    Attribution("A24", "Apple en", "On Nov 20, 2026, at 10:21 AM, Agent <a@x.example> wrote:", _WROTE, ("on ",)),
    Attribution(
        "A25",
        "Yahoo en",
        "On Friday, November 20, 2026 at 10:21:03 AM GMT+8, Agent <a@x.example> wrote:",
        _WROTE,
        ("on ",),
    ),
    Attribution(
        "A26", "Proton en", "On Friday, November 20th, 2026 at 10:21 AM, Agent <a@x.example> wrote:", _WROTE, ("on ",)
    ),
    Attribution(
        "A27",
        "Zoho en",
        "---- On Fri, 20 Nov 2026 10:21:03 +0800 Agent <a@x.example> wrote ----",
        _WROTE,
        ("---- on",),
        ("----",),
    ),
    Attribution("A28", "Thunderbird en", "On 20/11/2026 10:21, Agent wrote:", _WROTE, ("on ",)),
    Attribution("A29", "Evolution", "On Fri, 2026-11-20 at 10:21 +0800, Agent wrote:", _WROTE, ("on ",)),
    Attribution(
        "A30", "old clients", "In message <1234@x.example>, Agent writes:", ("writes",), ("in message <",), bare=True
    ),
    Attribution("A31", "Eudora", "At 11/20/2026 10:21 AM, you wrote:", _WROTE, ("at ",)),
    Attribution("A32", "Outlook mac", "Agent wrote on 2026-11-20 10:21:", ("wrote on",)),
    Attribution(
        "A33", "mailing lists", "Agent via Users <users@x.example> wrote:", (" via ",), (), ("> wrote:",), bare=True
    ),
    Attribution("A37", "Japanese clients", "2026年11月20日 10:21 担当者 のメッセージ:", ("のメッセージ",)),
    Attribution(
        "A38", "Gmail ko", "2026년 11월 20일 (금) 오전 10:21, 담당자 <a@x.example>님이 작성:", ("님이 작성", "작성")
    ),
    Attribution(
        "A39", "Gmail de", "Am Fr., 20. Nov. 2026 um 10:21 Uhr schrieb Agent <a@x.example>:", ("schrieb",), ("am ",)
    ),
    Attribution(
        "A40", "German clients", "Agent <a@x.example> schrieb am Fr., 20. Nov. 2026 um 10:21 Uhr:", ("schrieb am",)
    ),
    Attribution(
        "A41", "Gmail fr", "Le ven. 20 nov. 2026 à 10:21, Agent <a@x.example> a écrit :", ("a écrit",), ("le ",)
    ),
    Attribution(
        "A42", "Gmail es", "El vie, 20 nov 2026 a las 10:21, Agent (<a@x.example>) escribió:", ("escribió",), ("el ",)
    ),
    Attribution(
        "A43",
        "Gmail pt-BR",
        "Em sex., 20 de nov. de 2026 às 10:21, Agent <a@x.example> escreveu:",
        ("escreveu",),
        ("em ",),
    ),
    Attribution(
        "A44",
        "Gmail it",
        "Il giorno ven 20 nov 2026 alle ore 10:21 Agent <a@x.example> ha scritto:",
        ("ha scritto",),
        ("il ",),
    ),
    Attribution("A45", "Gmail nl", "Op vr 20 nov 2026 om 10:21 schreef Agent <a@x.example>:", ("schreef",), ("op ",)),
    Attribution("A47", "mobile ru", '20.11.2026 10:21 пользователь "Агент" <a@x.example> написал:', ("написал",)),
    Attribution("A48", "uk", '20 лист. 2026 р. 10:21 "Агент" a@x.example пише:', ("пише", "написав")),
    Attribution("A49", "pl", "Dnia 20 lis 2026 o godz. 10:21 Agent <a@x.example> napisał(a):", ("napisał",)),
    Attribution("A50", "da, no, sv", "fre. 20. nov. 2026 kl. 10.21 skrev Agent <a@x.example>:", ("skrev",)),
    Attribution("A51", "fi", "pe 20. marrask. 2026 klo 10.21 Agent (a@x.example) kirjoitti:", ("kirjoitti",)),
    Attribution("A52", "cs", "Dne 20. 11. 2026 v 10:21 Agent <a@x.example> napsal(a):", ("napsal",), ("dne ",)),
    Attribution("A53", "tr", "Agent <a@x.example>, 20 Kas 2026 Cum, 10:21 tarihinde şunu yazdı:", ("yazdı",)),
    Attribution("A54", "hu", "Agent <a@x.example> ezt írta (időpont: 2026. nov. 20., P, 10:21):", ("ezt írta",)),
    Attribution(
        "A56",
        "OTRS, Znuny",
        "20.11.2026 10:21 - Agent A wrote:",
        (" wrote", " schrieb", " a écrit", " escribió", " ha scritto", " schreef"),
        tuple("0123456789"),
    ),
    Attribution("A55", "vi", "Vào Th 6, 20 thg 11, 2026 vào lúc 10:21 Agent <a@x.example> đã viết:", ("đã viết",)),
)

# A34-A36, A46: a date, a name and an address between angle brackets, a colon - and no verb
VERBLESS = (
    Attribution("A34", "Gmail old", "2026-11-20 10:21 GMT+08:00 Agent <a@x.example>:", (">:",)),
    Attribution("A35", "Yandex", '20.11.2026, 10:21, "Агент" <a@x.example>:', (">:",)),
    Attribution("A36", "Gmail ja", "2026年11月20日(金) 10:21 担当者 <a@x.example>:", (">:",)),
    Attribution("A46", "Gmail ru", "пт, 20 нояб. 2026 г. в 10:21, Агент <a@x.example>:", (">:",)),
)
