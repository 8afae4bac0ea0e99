"""Names that hide, that turn what stands beside them, or that cover their neighbours."""

import pytest

from bridge.contract import Contact, Media, file_name, line_of
from bridge.contract.names import is_showable
from bridge.contract.storable import storable

SEEN = [
    ("\u200b\u2060", ""),
    ("\u3164 \u115f\u1160", ""),
    ("\ufeff\u00ad\u034f\u180e", ""),
    (" \u3000\u00a0\u2003 ", ""),
    ("\u0301\u0301", ""),
    ("\ufe0f", ""),
    ("\u202egnp.exe", "gnp.exe"),
    ("\u2066evil\u2069 \u2067name", "evil name"),
    ("\u200f\u200eAda\u200b Lovelace", "Ada Lovelace"),
    ("Li\nWei\tX\x07", "Li Wei X"),
    ("a\u2028b\u2029c\x85d", "a b c d"),
    ("Z" + "\u0301" * 90 + "a" + "\u0336\u0489" * 40, "Z" + "\u0301" * 4 + "a" + "\u0336\u0489" * 2),
    ("👩\u200d👩\u200d👧 family", "👩\u200d👩\u200d👧 family"),
    ("می\u200cخواهم", "می\u200cخواهم"),
    ("Nguyễn Thị Minh Khai", "Nguyễn Thị Minh Khai"),
    ("ที่นี่ ปู่", "ที่นี่ ปู่"),
    ("שָׁלוֹם", "שָׁלוֹם"),
    ("🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"),
    ("王小明", "王小明"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "seen"), SEEN, ids=[ascii(name)[:24] for name, _ in SEEN])
def test_a_name_shows_what_it_is(name: str, seen: str) -> None:
    assert line_of(name) == seen
    assert storable(Contact(id="c", name=name)).name == seen, "no way into the store but this"
    assert storable(Media(account="a", id="m", name=name)).name == seen
    assert is_showable(seen) or line_of(seen) == seen


def test_a_name_that_may_stay_is_not_copied() -> None:
    contact = Contact(id="c", name="王小明")
    assert storable(contact) is contact


@pytest.mark.parametrize(
    ("name", "seen"),
    [("\u202egnp.exe", "gnp.exe"), ("\u200b.pdf", "5555.pdf"), ("\u2067a\u2069.pdf", "a.pdf"), ("\u200b", "5555.pdf")],
)
def test_a_file_ends_in_what_it_says(name: str, seen: str) -> None:
    assert file_name(Media(account="a", id="m", name=name, sha256="5555", mime="application/pdf")) == seen
