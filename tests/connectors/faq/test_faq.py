"""The FAQ bot: its file, its search, and the shop's 60 questions."""

from pathlib import Path
from statistics import median
from typing import Any

import pytest
from click.testing import CliRunner

from bridge.bots.asking import ask, read_set
from bridge.cli.main import main
from bridge.testing.conformance.bots import BotConformance
from bridge.testing.rig import lend_account
from connectors.faq import Faq
from connectors.faq.entries import read_entries
from connectors.faq.search import Search

HERE = Path(__file__).parent
SHOP = Path(__file__).parents[3] / "bridge" / "demo_faq.toml"
SET = HERE / "shop_questions.toml"


class TestFaq(BotConformance):
    connector = Faq
    simulator = None

    def settings(self, vendor: Any) -> dict[str, Any]:
        return {"kind": "faq", "file": str(SHOP)}


@pytest.mark.anyio
async def test_the_set_of_shop_questions() -> None:
    """At least 85 % of the answerable ones right, none of the rest answered, median under 5 ms."""
    config = Faq.Config.model_validate({"kind": "faq", "file": str(SHOP)})
    wanted = read_set(SET)
    assert len(wanted) == 60
    async with lend_account("helper") as account:
        bot = Faq(config, account)
        await ask(bot, "warm up")
        asked = [await ask(bot, one.question) for one in wanted]
    pairs = list(zip(wanted, asked, strict=True))
    answerable = [(one, found) for one, found in pairs if one.verdict == "answer"]
    wrong = [found.question for one, found in answerable if one.faults(found)]
    assert len(wrong) <= 0.15 * len(answerable), wrong
    assert [found.question for one, found in pairs if one.verdict != "answer" and found.verdict == "answer"] == []
    assert median(found.seconds for found in asked) < 0.005


def test_two_questions_have_two_answers() -> None:
    search = Search(read_entries(SHOP))
    assert len(search.answer("包邮吗？怎么开发票？", 0.35)) == 2
    assert len(search.answer("包邮吗？", 0.35)) == 1
    assert search.answer("", 0.35) == []


def test_a_csv_file_will_do(tmp_path: Path) -> None:
    file = tmp_path / "faq.csv"
    file.write_text('question,answer,words\n几点开门|什么时候营业,"九点，周一休息",营业\n', "utf-8-sig")
    (entry,) = read_entries(file)
    assert entry.questions == ("几点开门", "什么时候营业") and entry.answer == "九点，周一休息"
    assert Search([entry]).answer("你们几点开门呀", 0.35)[0].entry is entry


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.toml", "[[faq]]\nquestion = 'a'", "entry 1 needs `question` and `answer`"),
        ("a.toml", "", "has no entries"),
        ("a.toml", "x = [", "a.toml"),
        ("a.csv", "a,b\n1,2\n", "entry 1 needs"),
    ],
)
def test_what_is_wrong_in_a_file_is_said(tmp_path: Path, name: str, text: str, said: str) -> None:
    (tmp_path / name).write_text(text, "utf-8")
    with pytest.raises(ValueError, match=said):
        read_entries(tmp_path / name)


CONFIG = """
[bridge]
public_url = "https://bridge.example.com"
secret_key = "0123456789abcdef0123456789abcdef"
database_url = "sqlite+aiosqlite:///{folder}/bridge.db"
media_dir = "{folder}/media"
[accounts.chat]
kind = "webchat"
[accounts.helper]
kind = "faq"
file = "faq.toml"
[[routes]]
channel = "chat"
desk = "chat"
[routes.bot]
name = "helper"
"""


def test_the_command_line_asks_and_tests(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(CONFIG.format(folder=tmp_path), "utf-8")
    (tmp_path / "faq.toml").write_text(SHOP.read_text("utf-8"), "utf-8")
    config = ["--config", str(tmp_path / "config.toml")]
    run = CliRunner().invoke
    asked = run(main, ["bot", "ask", "helper", "包邮吗", "--json", *config])
    assert asked.exit_code == 0 and '"verdict": "answer"' in asked.output and "99" in asked.output
    assert '"verdict": "handoff"' in run(main, ["bot", "ask", "helper", "转人工", "--json", *config]).output
    assert run(main, ["bot", "ask", "chat", "x", *config]).exit_code == 2
    good, bad = tmp_path / "good.toml", tmp_path / "bad.toml"
    good.write_text('[[test]]\nquestion = "包邮吗"\nverdict = "answer"\nmust = ["99"]\n', "utf-8")
    bad.write_text('[[test]]\nquestion = "包邮吗"\nverdict = "nothing"\n', "utf-8")
    assert run(main, ["bot", "test", "helper", "--set", str(good), *config]).exit_code == 0
    failed = run(main, ["bot", "test", "helper", "--set", str(bad), *config])
    assert failed.exit_code == 1 and "verdict answer, expected nothing" in failed.output
