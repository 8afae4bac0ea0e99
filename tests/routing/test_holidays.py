"""Holidays from files: the two shapes, what is refused, and the commands around them."""

import json
import re
import subprocess
from datetime import date
from pathlib import Path

import pytest

from bridge.advice import calendar_gaps
from bridge.routing.holidays import dump, merge, parse_holidays, read_holidays, shipped
from bridge.settings import CalendarSettings, Settings
from bridge.testing.e2e import prefork
from tests.e2e.test_config import GOOD

OFFICE = '[calendars.office]\nhours = "mon-fri 09:00-18:00"\nholidays = "cn"\n'
NEXT = {
    "year": 2027,
    "papers": ["https://example.com/notice"],
    "days": [
        {"name": "元旦", "date": "2027-01-01", "isOffDay": True},
        {"name": "元旦", "date": "2027-01-02", "isOffDay": False},
        {"name": "元旦", "date": "2026-12-31", "isOffDay": True},
    ],
}


def bridge(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return prefork.run(*words, folder=folder)


def test_what_is_written_is_read_again() -> None:
    years = [*shipped("cn"), *parse_holidays(json.dumps(NEXT), as_json=True)]
    again = parse_holidays(dump(years), as_json=False)
    assert merge(again) == merge(years)
    assert merge(again)[2027].off == {date(2027, 1, 1): "元旦"}


def test_a_year_without_days_is_not_published() -> None:
    assert parse_holidays('{"year": 2027, "papers": [], "days": []}', as_json=True) == []


@pytest.mark.parametrize(
    ("text", "as_json", "said"),
    [
        ('{"days": []}', True, 'needs "year"'),
        ("[]", True, 'needs "year"'),
        ('[[years]]\nyear = 2027\noff = { "2026-01-01" = "x" }', False, "does not belong to 2027"),
        (
            '[[years]]\nyear = 2027\noff = { "2027-01-01" = "x" }\nwork = { "2027-01-01" = "x" }',
            False,
            "both a day off and a working day",
        ),
    ],
)
def test_what_cannot_be_right_is_refused(text: str, as_json: bool, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_holidays(text, as_json=as_json)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.json", b'{"year": 2027,\n"days": [\n{"name": "x", "date": "2027-13-01", "isOffDay": true}]}', "3: '2027-13-01' is no"),
        (
            "b.json",
            b'{"year": 2027, "days": [\n{"name": "x", "date": "2027-01-01", "isOffDay": true},\n{"name": "x"}]}',
            '3: every day needs "name", "date" and "isOffDay"',
        ),
        ("c.json", b"date,name", "1: not valid JSON: Expecting value"),
        ("d.json", b'{"year": 2027,\n"days": [{]}', "2: not valid JSON"),
        ("e.json", b'{"year": 2027, "days": [\n{"name": "x", "date": "2027-01-01", "isOffDay": 1}]}', '2: "isOffDay" of 2027-01-01'),
        ("f.json", b'{"year": 2027, "days": [{"name": "x", "date": "2028-01-01", "isOffDay": true}]}', "1: no day of 2027"),
        ("g.json", b'{\n"year": "\xff"}', "2: is no text in UTF-8; save the file as UTF-8"),
        ("h.toml", b'[[years]]\nyear = 2027\n[years.off]\n"2027-05-01" = "x"\n"2027-05-0x" = "x"', "5: '2027-05-0x' is no date"),
        ("i.toml", b'[[years]]\nyear = 2027\n[years.off]\n\n"2026-05-01" = "x"', "5: 2026-05-01 does not belong to 2027"),
        ("j.toml", b"[[years]]\nyear = 2027\n[[years]]\noff = 3", "3: every year needs `year = 2027`"),
        ("k.toml", b"[[years]]\nyear = 2027 2028", "2: not valid TOML"),
        ("l.csv", b"date,name\n2027-01-01,x", "1: not valid TOML"),
        ("m.toml", b"year = 2027\n", "1: has no [[years]]"),
        ("n.toml", b'years = [{ year = 2027, off = { "2026-01-01" = "x" } }]', "1: 2026-01-01 does not belong to 2027"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_named_with_its_line(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ValueError, match=re.escape(f"{path}: line {said}")) as raised:
        read_holidays(path)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"holidays": "atlantis"}, "there is no data for 'atlantis'; known: cn"),
        ({"holidays": "./none.toml"}, "cannot be read"),
        ({"makeup": "someday"}, "'someday' cannot be read"),
        ({"days": {"24 December": "off"}}, "is no date"),
        ({"days": {"2026-12-24": "maybe"}}, "'maybe' cannot be read"),
        ({"timezone": "+08:00"}, "is no time zone"),
        ({"hours": "mon 09:00-09:00"}, "begins and ends at the same time"),
    ],
)
def test_a_calendar_that_cannot_be_read_names_what_to_write(change: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said.replace("+", r"\+")):
        CalendarSettings.model_validate({"hours": "mon-fri 09:00-18:00", "holidays": "cn", **change})


@pytest.mark.parametrize(
    ("today", "missing"),
    [(date(2026, 10, 31), []), (date(2026, 11, 1), [2027]), (date(2027, 1, 1), [2027])],
)
def test_the_next_year_is_asked_for_from_november_on(today: date, missing: list[int]) -> None:
    settings = Settings(
        bridge={"public_url": "https://bridge.example.com", "secret_key": "0123456789abcdef0123"},
        calendars={"office": {"holidays": "cn"}, "always": {}},
    )
    assert calendar_gaps(settings, today) == ({"office": missing} if missing else {})


def test_an_imported_year_is_used_and_no_longer_missed(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(GOOD.replace("[[routes]]", f"{OFFICE}[[routes]]"))
    (tmp_path / "2027.json").write_text(json.dumps(NEXT), encoding="utf-8")
    shown = bridge("calendar", "show", "office", "--year", "2027", folder=tmp_path)
    assert "the holidays of 2027 are missing" in shown.stdout
    done = bridge("calendar", "import", "2027.json", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "2027 (1 days off, 1 make-up days)" in done.stdout
    shown = bridge("calendar", "show", "office", "--year", "2027", folder=tmp_path)
    assert "2027-01-01 fri  closed  元旦" in shown.stdout
    assert "2027-01-02 sat  09:00-18:00  元旦" in shown.stdout
    assert "https://example.com/notice" in shown.stdout and "missing" not in shown.stdout
    found = json.loads(bridge("calendar", "show", "office", "--year", "2026", "--json", folder=tmp_path).stdout)
    assert len(found["days"]) == 33 + 6 and not found["missing"]
    checked = bridge("check", "--json", folder=tmp_path)
    assert checked.returncode == 0 and "2027" not in str(json.loads(checked.stdout)["warnings"])


def test_check_says_what_is_missing_and_is_content(tmp_path: Path) -> None:
    """Whatever year it is: a file that only knows one long ago."""
    (tmp_path / "config.toml").write_text(
        GOOD.replace("[[routes]]", f"{OFFICE}[[routes]]").replace('"cn"', '"./old.toml"')
    )
    (tmp_path / "old.toml").write_text('[[years]]\nyear = 2020\noff = { "2020-01-01" = "x" }\n')
    done = bridge("check", folder=tmp_path)
    assert done.returncode == 0
    assert "config.toml: calendars.office: the holidays of 2" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("calendar", "show", "ofice"), "there is no calendar 'ofice'; calendars: office; did you mean 'office'?"),
        (("calendar", "import", "none.json"), "none.json: cannot be read"),
        (("calendar", "import", "empty.json"), "not published yet"),
        (("calendar", "import", "bad.json"), "bad.json: "),
        (("calendar", "import", "empty.json", "--country", "xx"), "--country: there is no data for 'xx'"),
    ],
)
def test_bad_input_is_one_line(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    (tmp_path / "config.toml").write_text(GOOD.replace("[[routes]]", f"{OFFICE}[[routes]]"))
    (tmp_path / "empty.json").write_text('{"year": 2027, "papers": [], "days": []}')
    (tmp_path / "bad.json").write_text("{")
    done = bridge(*words, folder=tmp_path)
    assert done.returncode == 1 and said in done.stderr and done.stderr.count("\n") == 1
