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
# the character sets of mail. Nothing else is looked up: Python also names codecs that are no character sets
# (unicode_escape makes half characters and NUL out of plain letters, idna and punycode take seconds)
_KNOWN = re.compile(
    r"ascii|latin-1|utf-(?:7|8|8-sig|16|16-le|16-be|32|32-le|32-be)|gb2312|gbk|gb18030|hz|big5(?:-?hkscs)?|cp950|cp932"
    r"|cp949|euc-(?:jp|jis-2004|jisx0213|kr)|shift-(?:jis|jis-2004|jisx0213)|iso2022-(?:jp(?:-1|-2|-3|-2004|-ext)?|kr)"
    r"|johab|iso8859-\d{1,2}|cp(?:125\d|437|720|737|775|85[0-8]|86\d|874|1006|1125)"
    r"|koi8-[rtu]|kz1048|ptcp154|tis-620|hp-roman8|mac-(?:arabic|croatian|cyrillic|farsi|greek|iceland|latin2|roman|romanian|turkish)"
)
_LABEL = re.compile(r"[a-z0-9][a-z0-9_.:+-]{0,39}")
_PAGE = re.compile(r"(?:x-)?(?:windows|win|cp|ibm|dos|ms|oem|pc)[-_]?0?(\d{3,4})")
_LOGICAL = re.compile(r"(iso[-_]?8859[-_]\d{1,2})(?:[-_][ie]|:\d{4})")  # -i and -e: order of the letters, RFC 1556
_META = re.compile(rb"<meta\b[^<>]{0,300}?\bcharset\s*=\s*[\"']?\s*([A-Za-z0-9_.:+-]{1,40})", re.IGNORECASE)
_SEVEN_BIT = {"iso2022_jp_ext", "hz", "utf_7", "iso2022_kr", "utf-7"}
_ESCAPED = re.compile(rb"\x1b[$(]")
_ONE_BYTE = re.compile(r"iso8859-.*|cp(?!9[345]).*|koi8.*|kz.*|ptcp.*|tis.*|hp.*|mac.*")
_LADDER = ("utf-8", "gb18030", "big5-hkscs")


def decode(data: bytes, label: str = "") -> tuple[str, str]:
    """The text and the name of the charset that was used. Never raises, never loses a byte silently."""
    named = named_codec(label)
    for codec in _candidates(data, named):
        try:
            found = data.decode(codec)
            found.encode("utf-8")  # UTF-7 can spell half characters, which no database takes
        except (UnicodeDecodeError, UnicodeEncodeError, LookupError, ValueError):
            continue
        return found, codec
    known = named if _exists(named) and named not in _SEVEN_BIT and not named.startswith("utf-") else "cp1252"
    return data.decode(known, "replace"), f"{known} with replacements"


def named_codec(label: str) -> str:
    """The codec of a label, the label itself when it is none."""
    label = label.strip().strip("\"'").strip().lower()
    if label in ALIASES:
        return ALIASES[label]
    page, logical = _PAGE.fullmatch(label), _LOGICAL.fullmatch(label)
    if page:
        label = f"cp{page[1]}"
    elif logical:
        label = logical[1]
    elif label.startswith("x-mac-"):
        label = label.removeprefix("x-").replace("ukrainian", "cyrillic").replace("-ce", "-latin2")
    return ALIASES.get(label, label)


def declared(data: bytes, label: str) -> str:
    """The charset of a page: the header's, or what its `<meta>` says when the header's is missing or unknown."""
    if _exists(named_codec(label)):
        return label
    found = _META.search(data[:4096])
    return found[1].decode("ascii") if found else label


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
    one_byte = _exists(named) and named != "cp1252" and _ONE_BYTE.fullmatch(codecs.lookup(named).name)
    # bytes that a known alphabet lacks are single misprints, no sign that the whole is Chinese
    return [*candidates, *(codec for codec in _LADDER[: 1 if one_byte else None] if codec != named)]


def _exists(codec: str) -> bool:
    if not _LABEL.fullmatch(codec):
        return False
    try:
        info = codecs.lookup(codec)
    except (LookupError, ValueError):
        return False
    return _KNOWN.fullmatch(info.name.replace("_", "-")) is not None
