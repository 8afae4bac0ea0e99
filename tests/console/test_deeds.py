"""The audit's rows say what was done in the reader's language, and count as people do."""

import pytest

from bridge.console.deeds import BOTH, detail_in, who_in

ROWS = [
    ("one person", "one person", "一位客户"),
    (
        "one person: 1 conversations, 2 identities, 5 messages, 4 steps, 10 payloads, 0 files",
        "one person: 1 conversation, 2 identities, 5 messages, 4 steps, 10 payloads",
        "一位客户：1 个会话，2 个身份，5 条消息，4 个发送步骤，10 条回调",
    ),
    ("1 steps, 0 payloads: s7", "1 step: s7", "1 个发送步骤：s7"),
    ("0 steps, 2 payloads, 1 events", "2 payloads, 1 event", "2 条回调，1 个事件"),
    ("0 steps, 0 payloads", "0 steps", "0 个发送步骤"),
    ("3 events", "3 events", "3 个事件"),
    ("person 4 into 2", "person 4 into 2", "客户 4 并入 2"),
    ("2 × shop failed 45166: bad: words", "2 × shop failed 45166: bad: words", "2 × shop 失败 45166：bad: words"),
    ("conversation 12", "conversation 12", "会话 12"),
    ("job 3", "job 3", "任务 3"),
    ("Ada: admin", "Ada: admin", "Ada：管理员"),
    ("crm: 3 since 2026-11-30 10:00 UTC", "crm: 3 since 2026-11-30 10:00 UTC", "crm：2026-11-30 10:00 UTC 以来的 3 条"),
    (f"desk: made it{BOTH}已创建", "desk: made it", "desk：已创建"),
    ("ab12 → cd34", "ab12 → cd34", "ab12 → cd34"),
    ("", "", ""),
]


@pytest.mark.parametrize(("detail", "en", "zh"), ROWS)
def test_a_detail_in_both_languages(detail: str, en: str, zh: str) -> None:
    assert detail_in(detail, "zh") == zh
    assert detail_in(detail, "en") == en


def test_who_did_it() -> None:
    assert who_in("console: Ada", "zh") == "控制台：Ada" and who_in("console: Ada", "en") == "console: Ada"
    assert who_in("command line", "zh") == "命令行" and who_in("desk: command line", "zh") == "desk：命令行"
    assert who_in("desk: Li Wei", "zh") == "desk: Li Wei"
