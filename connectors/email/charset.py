"""Bytes to text, whatever the label says: a mail that cannot be decoded exactly is decoded as well as possible."""

import codecs
import re

# labels that mean more than they say (measured on Python's codecs: gb2312 loses 镕, 喆 and €)
ALIASES = {
    **dict.fromkeys(
        (
            "gb2312",
            "gbk",
            "x-gbk",
            "cp936",
            "gb_2312-80",
            "euc-cn",
            "chinese",
            "windows-936",
            "gb18030",
            "936",
            "ms936",
        ),
        "gb18030",
    ),
    **dict.fromkeys(("ks_c_5601-1987", "ks_c_5601", "euc-kr", "korean", "windows-949", "ksc5601"), "cp949"),
    **dict.fromkeys(
        ("big5", "big-5", "x-x-big5", "cn-big5", "big5-hkscs", "csbig5", "950", "windows-950"), "big5-hkscs"
    ),
    **dict.fromkeys(("iso-2022-jp", "iso-2022-jp-ms", "cp50220", "cp50221", "csiso2022jp"), "iso2022_jp_ext"),
    **dict.fromkeys(("shift_jis", "shift-jis", "x-sjis", "windows-31j", "sjis", "ms932", "932"), "cp932"),
    **dict.fromkeys(("utf-8mb4", "utf8mb4", "utf8", "utf-8", "unicode-1-1-utf-8", "x-utf-8"), "utf-8"),
    **dict.fromkeys(("iso-8859-1", "latin1", "us-ascii", "ascii", "ansi_x3.4-1968", "windows-1252"), "cp1252"),
    **dict.fromkeys(("iso-8859-9", "latin5"), "cp1254"),
    **dict.fromkeys(("koi8-r", "koi8r"), "koi8-r"),
}
_SEVEN_BIT = {"iso2022_jp_ext", "hz", "utf_7", "iso2022_kr", "utf-7"}
_ESCAPED = re.compile(rb"\x1b[$(]")
_LADDER = ("utf-8", "gb18030", "big5-hkscs")


def decode(data: bytes, label: str = "") -> tuple[str, str]:
    """The text and the name of the charset that was used. Never raises, never loses a byte silently."""
    label = label.strip().strip("\"'").lower()
    named = ALIASES.get(label, label)
    for codec in _candidates(data, named):
        try:
            found = data.decode(codec)
            found.encode("utf-8")  # UTF-7 can spell half characters, which no database takes
        except (UnicodeDecodeError, UnicodeEncodeError, LookupError, ValueError):
            continue
        return found, codec
    known = named if _exists(named) and named not in _SEVEN_BIT else "cp1252"
    return data.decode(known, "replace"), f"{known} with replacements"


def _candidates(data: bytes, named: str) -> list[str]:
    eight_bit = any(byte > 127 for byte in data)
    candidates = []
    if eight_bit and named == "cp1252":
        candidates += [
            "utf-8"
        ]  # ASCII or Latin labels on UTF-8 bytes are the commonest lie, and UTF-8 rarely fits by luck
    if named and _exists(named) and not (eight_bit and named in _SEVEN_BIT):
        candidates += [named]
        if named == "iso2022_jp_ext":
            candidates += ["iso2022_jp_2004", "iso2022_jp_2"]
    if not eight_bit and _ESCAPED.search(data) and named in {"", "cp1252", "utf-8"}:
        candidates.insert(0, "iso2022_jp_ext")
    return [*candidates, *(codec for codec in _LADDER if codec != named)]


def _exists(codec: str) -> bool:
    try:
        info = codecs.lookup(codec)
    except (LookupError, ValueError):
        return False
    return bool(getattr(info, "_is_text_encoding", True))
