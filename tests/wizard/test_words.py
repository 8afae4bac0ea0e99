"""What is wrong with a value is said in the language of whoever reads it, for every installed kind."""

import re

import pytest

from bridge.contract import Setting, describe
from bridge.kinds import known_kinds
from bridge.wizard.forms import class_of, faults_of

CHINESE = re.compile("[\u4e00-\u9fff]")
RUBBISH = ("", "no such thing!", "http://", "x", "-1", "x" * 300, ["???"], {"a": 1})


def _asked(kind: str) -> list[Setting]:
    return [one for one in describe(class_of(kind).Config) if "." not in one.key and "[" not in one.key]


@pytest.mark.parametrize("kind", sorted(known_kinds()))
def test_every_fault_of_a_value_is_said_in_both_languages(kind: str) -> None:
    wrong: dict[str, str] = {}
    for one in _asked(kind):
        for value in RUBBISH:
            english, chinese = (faults_of(kind, {one.key: value}, code) for code in ("en", "zh"))
            assert english.keys() == chinese.keys()
            wrong |= {
                f"{key} = {value!r}": said
                for key, said in chinese.items()
                if said != "missing" and (not CHINESE.search(said) or CHINESE.search(english[key]))
            }
    assert wrong == {}
