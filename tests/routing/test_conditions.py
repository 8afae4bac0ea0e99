"""Conditions as a table; what may not be believed; rules that are never reached; one result for whatever comes."""

import tomllib
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from bridge.cli.main import main
from bridge.contract import AccountConfig
from bridge.kinds import known_kinds, load_kind
from bridge.registry import Declared, declare_accounts
from bridge.route_checks import unfit_fields, unreachable_rules
from bridge.routing.conditions import Facts, Rule, choose, first_failing
from bridge.routing.contexts import Unproven, sign, verify
from bridge.routing.language import language_of
from bridge.routing.rule_checks import covers
from bridge.settings import CalendarSettings, ConfigError, RouteSettings, load_settings
from tests.e2e.test_config import GOOD, run

OFFICE = CalendarSettings(hours="mon-fri 09:00-18:00", holidays="cn").calendar
FRIDAY = datetime(2026, 11, 27, 17, tzinfo=ZoneInfo("Asia/Shanghai"))
HOLIDAY = datetime(2026, 10, 1, 10, tzinfo=ZoneInfo("Asia/Shanghai"))


def facts(**more: Any) -> Facts:
    return Facts(**{"now": FRIDAY, "person": "oCustomer_A", "calendars": {"office": OFFICE}, **more})


HOLDS = [
    ({"session_from": "vip*"}, {"context": {"session_from": "vip-page"}}, True),
    ({"session_from": "vip*"}, {}, False),
    ({"session_from": ("a", "b")}, {"context": {"session_from": "b"}}, True),
    ({"not.session_from": "b"}, {"context": {"session_from": "b"}}, False),
    ({"entry": "order"}, {"context": {"session_from": "entry=order&id=7"}}, True),
    ({"entry": "order"}, {"context": {"session_from": "order"}}, True),
    ({"entry": "order"}, {"context": {"session_from": "x"}, "proven": {"entry": ["order"]}}, True),
    ({"query.id": "7*"}, {"context": {"session_from": "entry=order&id=77"}}, True),
    ({"query.sku": "9"}, {"context": {"page": "pages/goods/detail?sku=9"}}, True),
    ({"page": "pages/order/*"}, {"context": {"page": "/pages/order/detail?id=1"}}, True),
    ({"page": "pages/order/*"}, {"context": {"page": "pages/index"}}, False),
    ({"words": ("退款", "refund")}, {"text": "我要退款!"}, True),
    ({"words": "refund"}, {"text": "About my ＲＥＦＵＮＤＳ"}, True),  # full width, a capital, a plural
    ({"words": "fund"}, {"text": "refund"}, False),
    ({"words": "退款"}, {"text": ""}, False),
    ({"kind": ("image", "voice")}, {"kind": "image"}, True),
    ({"language": "en"}, {"text": "Where is my parcel?"}, True),
    ({"language": "zh"}, {"text": "你好"}, True),
    ({"language": "zh"}, {"text": "ok", "locale": "zh_CN"}, True),  # too little to tell, so as the platform says
    ({"hours": "open"}, {}, True),
    ({"hours": "closed"}, {"now": HOLIDAY}, True),
    ({"hours": "office:closed"}, {}, False),
    ({"hours": "office"}, {"now": HOLIDAY}, False),
    ({"weekday": "mon-thu"}, {}, False),
    ({"weekday": ("sat", "fri")}, {}, True),
    ({"weekday": "fri-mon"}, {"now": datetime(2026, 11, 29, 12, tzinfo=UTC)}, True),
    ({"date": "2026-11-*"}, {}, True),
    ({"verified": True}, {}, False),
    ({"verified": False}, {}, True),
    ({"verified": True}, {"proven": {"customer.id": ["7"]}}, True),
    ({"customer.tier": ("gold", "black")}, {"proven": {"customer.tier": ["black"]}}, True),
    (
        {"customer.tier": "gold"},
        {"context": {"tier": "gold", "customer.tier": "gold", "session_from": "tier=gold"}},
        False,
    ),
    ({"customer.tag": "vip"}, {"proven": {"customer.tag": ["new", "vip"]}}, True),
    ({"customer.new": True}, {"known": {"customer.new": True}}, True),
    ({"history.last_desk": "old"}, {"known": {"history.last_desk": "new"}}, False),
    ({"topic": ("退款", "发票")}, {"topics": ["发票"]}, True),
    ({"topic": "退款"}, {"topics": []}, False),
    ({"allowance.left": "<3"}, {"known": {"allowance.left": 2}}, True),
    ({"allowance.left": ("0", ">= 5")}, {"known": {"allowance.left": 5}}, True),
    ({"allowance.left": "<3"}, {"known": {"allowance.left": None}}, False),  # nobody counts there
    ({"allowance.left": 0}, {}, False),
    ({"not.allowance.left": "0"}, {"known": {"allowance.left": 1}}, True),
    ({"bot.verdict": ("handoff", "failed")}, {"known": {"bot.verdict": "failed"}}, True),
    ({"bot.verdict": "nothing"}, {"known": {"bot.verdict": ""}}, False),
    ({"sample": 1.0}, {}, True),
    ({"sample": 0.0}, {}, False),
    ({"context.scene": "1001"}, {"context": {"scene": "1001"}}, True),
    ({"scene": "10*"}, {"context": {"scene": "1001"}}, True),
    ({"shop": "north"}, {"context": {"shop": "north"}}, True),  # whatever a channel tells
    ({"session_from": "a", "verified": True}, {"context": {"session_from": "a"}}, False),
]


@pytest.mark.parametrize(("when", "given", "holds"), HOLDS, ids=str)
def test_whether_a_rule_holds(when: Any, given: dict[str, Any], holds: bool) -> None:
    rule = Rule("one", when, "office")
    assert (first_failing(rule, facts(**given)) == "") is holds


def test_the_first_that_fails_is_named_and_no_words_are_quoted() -> None:
    rule = Rule("one", {"session_from": "shop*", "page": ("pages/a", "pages/b"), "words": "refund"})
    said = first_failing(rule, facts(context={"session_from": "shop-1", "page": "pages/c"}, text="my secret"))
    assert said == "page = pages/a | pages/b (pages/c)"
    said = first_failing(rule, facts(context={"session_from": "shop-1", "page": "pages/a"}, text="my secret"))
    assert said == "words = refund"


def test_a_sample_is_the_same_for_a_person_and_about_as_large_as_it_says() -> None:
    rule = Rule("trial", {"sample": 0.3})
    took = [not first_failing(rule, facts(person=f"person {number}")) for number in range(2000)]
    assert took == [not first_failing(rule, facts(person=f"person {number}")) for number in range(2000)]
    assert 0.25 < sum(took) / 2000 < 0.35


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("请问我的订单什么时候发货?", "zh"),
        ("注文した商品はいつ届きますか", "ja"),
        ("주문한 상품은 언제 오나요", "ko"),
        ("Когда придёт мой заказ?", "ru"),
        ("When will my order come?", "en"),
        ("iPhone 15 Pro 的充电器有货吗", "zh"),
        ("ok", ""),
        ("😀 123 !!", ""),
    ],
)
def test_the_language_of_what_is_written(text: str, language: str) -> None:
    assert language_of(text) == language


@pytest.mark.parametrize(
    ("first", "second", "covered"),
    [
        ({}, {"page": "a"}, True),
        ({"page": "pages/*"}, {"page": "pages/order/*", "words": "x"}, True),
        ({"page": "pages/order/*"}, {"page": "pages/*"}, False),
        ({"session_from": ("a", "b")}, {"session_from": "b"}, True),
        ({"session_from": "b"}, {"session_from": ("a", "b")}, False),
        ({"not.page": "a"}, {"not.page": ("a", "b")}, True),
        ({"not.page": ("a", "b")}, {"not.page": "a"}, False),
        ({"words": ("退款",)}, {"words": ("退款申请",)}, True),
        ({"verified": True}, {"verified": True, "customer.tier": "gold"}, True),
        ({"verified": True}, {"customer.tier": "gold"}, False),
        ({"sample": 0.5}, {"sample": 0.5}, False),
        ({"hours": "closed"}, {"hours": "closed", "page": "x"}, True),
    ],
)
def test_what_an_earlier_rule_takes_away(first: dict, second: dict, covered: bool) -> None:
    assert covers(Rule("first", first, "office"), Rule("second", second, "office")) is covered


def test_hours_of_another_calendar_are_other_hours() -> None:
    assert not covers(Rule("first", {"hours": "closed"}, "north"), Rule("second", {"hours": "closed"}, "south"))


CALENDAR = '[calendars.office]\nhours = "mon-fri 09:00-18:00"\n'
ROUTE = '[[routes]]\nchannel = "shop"\ndesk = "desk"\n'


def configured(tmp_path: Path, when: str, more: str = "") -> Path:
    path = tmp_path / "config.toml"
    path.write_text(GOOD.replace("[[routes]]", f"{more}{ROUTE}{when}\n[[routes]]", 1), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ('when = { tier = "gold" }', "routes.0.when.tier: anybody can type this; use `customer.tier`"),
        ('when = { "query.tier" = "gold" }', "routes.0.when.query.tier: anybody can type this"),
        ('when = { "not.context.customer_id" = "7" }', "anybody can type this; use `customer.id`"),
        ('when = { session_from = "tier=gold*" }', "routes.0.when.session_from: anybody can type this"),
        ('when = { langage = "en" }', "routes.0.when.langage: is not a known condition; did you mean 'language'?"),
        ('when = { "customer.teir" = "gold" }', "did you mean 'customer.tier'?"),
        ('when = { "moon.phase" = "full" }', "is not a known condition; known: "),
        ('when = { verified = "yes" }', "routes.0.when.verified: must be true or false"),
        ("when = { sample = 2.0 }", "routes.0.when.sample: must be a number from 0 to 1"),
        ('when = { hours = "closed" }', "'closed' needs the route's `calendar`"),
        ('when = { hours = "ofice" }', "'ofice' is not open, closed or a calendar; calendars: office; did you mean"),
        ('calendar = "ofice"', "there is no calendar 'ofice'; calendars: office; did you mean 'office'?"),
        ('when = { topic = "refnds" }', "there is no topic 'refnds'; topics: refunds; did you mean 'refunds'?"),
        ('when = { "allowance.left" = "few" }', "routes.0.when.allowance.left: must be a number of replies"),
        ('when = { "bot.verdict" = "unsure" }', "when.bot.verdict: must be one or several of answer, handoff"),
        ("when = { words = [] }", "routes.0.when.words: must be a text, or a list of texts"),
        ('name = "route 2"', "two routes are called 'route 2'; give each a name of its own"),
    ],
)
def test_what_a_configuration_may_not_ask(tmp_path: Path, when: str, said: str) -> None:
    path = configured(tmp_path, when, '[calendars.office]\n[[topics]]\nname = "refunds"\nwords = ["refund"]\n')
    with pytest.raises(ConfigError, match=r".*") as caught:
        declare_accounts(load_settings(path), path)
    assert said in "\n".join(caught.value.faults)


def test_tables_within_a_condition_are_its_dots(tmp_path: Path) -> None:
    path = configured(tmp_path, 'when.verified = true\nwhen.customer.tier = ["gold"]\nwhen.not.page = "x"')
    assert load_settings(path).routes[0].when == {"verified": True, "customer.tier": ("gold",), "not.page": "x"}


def test_a_rule_that_is_never_reached_is_found(tmp_path: Path) -> None:
    first = 'name = "all orders"\nwhen = { page = "pages/*" }\n'
    path = configured(tmp_path, f'{first}{ROUTE}name = "refunds"\nwhen = {{ page = "pages/refund", words = "退款" }}')
    (fault,) = unreachable_rules(load_settings(path), path)
    assert "routes.1: 'refunds' is never reached: 'all orders' before it takes everything" in fault
    done = run("check", path)
    assert (done.returncode, done.stderr.strip()) == (2, fault)


@pytest.mark.parametrize(
    ("kind", "asked", "refused"),
    [
        ("rt", 'group = "Finance"\ntags = ["x"]\npriority = 3', ["group", "tags"]),
        ("email", 'priority = "high"', ["priority"]),
        ("chatwoot", 'brand = "B"\ngroup = "Team"', ["brand"]),
        ("webchat", 'custom_fields = { a = "b" }\ntags = ["x"]', ["custom_fields"]),
        ("zendesk", 'group = "A"\nbrand = "B"\ntags = ["x"]\npriority = "high"\ncustom_fields = { a = 1 }', []),
    ],
)
def test_check_refuses_what_a_kind_has_no_place_for(kind: str, asked: str, refused: list[str]) -> None:
    content = tomllib.loads(f'[[routes]]\nchannel = "shop"\ndesk = "desk"\n{asked}')
    routes = [RouteSettings.model_validate(one) for one in content["routes"]]
    connector = load_kind(known_kinds()[kind])
    declared = {"desk": Declared("desk", connector, AccountConfig(kind=kind))}
    settings: Any = SimpleNamespace(routes=routes)  # all it reads
    faults = unfit_fields(settings, declared, Path("c.toml"))
    assert [fault.split(": ")[1] for fault in faults] == [f"routes.0.{name}" for name in refused]
    assert all("take it out, tickets come without it" in fault for fault in faults)


def test_check_refuses_a_text_that_no_message_holds(tmp_path: Path) -> None:
    path = configured(tmp_path, 'calendar = "office"\naway = { texts = { zh = ["' + "长" * 700 + '"] } }', CALENDAR)
    done = run("check", path)
    assert done.returncode == 2
    assert "routes.0.away.texts: has 2100 bytes, and a message of 'shop' holds 2048; shorten it" in done.stderr


def test_what_check_refuses_is_in_the_log_of_serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = configured(tmp_path, 'greeting = { texts = ["' + "x" * 2100 + '"] }')
    assert run("check", path).returncode == 2
    served: list[object] = []
    monkeypatch.setattr("bridge.serve.listen", lambda *_: [])
    monkeypatch.setattr("bridge.serve.run_server", lambda bridge, *_, **__: served.append(bridge))
    monkeypatch.setattr("bridge.telemetry.set_up_logging", lambda: None)
    with capture_logs() as logs:
        done = CliRunner().invoke(main, ["serve", "--config", str(path)])
    assert done.exit_code == 0 and served, "a text must not cost a message"
    said = [one["why"] for one in logs if one["event"].startswith("route ")]
    assert any("routes.0.greeting.texts: has 2100 bytes, and a message of 'shop' holds 2048" in why for why in said)


ORIGINS = st.text(max_size=40) | st.sampled_from(["a=1&b=2", "entry=x", "v1.x.y", "?", "&" * 60])
WHENS = st.dictionaries(
    st.sampled_from(["session_from", "entry", "page", "query.a", "words", "language", "scene", "not.page", "sample"]),
    st.text(max_size=8) | st.lists(st.text(max_size=8), max_size=3).map(tuple),
    max_size=3,
).map(lambda one: {name: 0.5 if name == "sample" else value for name, value in one.items()})


@settings(max_examples=150, deadline=None)
@given(st.lists(WHENS, max_size=5), ORIGINS, st.text(max_size=30), st.text(max_size=60))
def test_there_is_exactly_one_result_for_whatever_comes(whens: list, origin: str, page: str, text: str) -> None:
    rules = [Rule(f"{place}", when) for place, when in enumerate([*whens, {}])]
    given_facts = facts(context={"session_from": origin, "page": page}, text=text)
    place, failed = choose(rules, given_facts)
    assert place is not None and len(failed) == place
    assert first_failing(rules[place], given_facts) == "" and all(failed)
    for earlier in rules[:place]:  # whatever covers the chosen rule would have been chosen
        assert not covers(earlier, rules[place])


KEY = "0123456789abcdef"
NOW = datetime(2026, 11, 30, 9, tzinfo=UTC)
CLAIMS = {"e": "order", "c": "42", "t": "gold", "x": int(NOW.timestamp()) + 600}


def test_what_was_signed_is_read() -> None:
    assert verify(sign(CLAIMS, KEY), KEY, "oA", NOW) == {**CLAIMS, "x": str(CLAIMS["x"])}


def test_it_may_be_bound_to_one_customer() -> None:
    bound = sign({**CLAIMS, "u": "8a1b57a1f9d0b7c5"}, KEY)
    with pytest.raises(Unproven, match="another customer"):
        verify(bound, KEY, "oA", NOW)
    import hashlib

    whose = hashlib.sha256(b"oA").digest()[:8].hex()
    assert verify(sign({**CLAIMS, "u": whose}, KEY), KEY, "oA", NOW)["u"] == whose


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (sign(CLAIMS, "another key"), "signature"),
        (sign({**CLAIMS, "x": int(NOW.timestamp())}, KEY), "expired"),
        (sign({"e": "order"}, KEY), "never ends"),
        (sign({**CLAIMS, "x": "soon"}, KEY), "cannot be read"),
        (sign(cast("Any", ["e"]), KEY), "cannot be read"),
        ("v1.x", "cannot be read|signature"),
        ("v1.é.é", "cannot be read"),
        ("v1..", "signature"),
        ("v1." + "a" * 3000, "too long"),
        (sign(CLAIMS, KEY)[:-1], "cannot be read|signature"),
    ],
)
def test_what_was_not_signed_so_is_not_believed(text: str, said: str) -> None:
    with pytest.raises(Unproven, match=said):
        verify(text, KEY, "oA", NOW)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=80))
def test_nothing_typed_is_ever_believed(text: str) -> None:
    with pytest.raises(Unproven):
        verify(f"v1.{text}", KEY, "oA", NOW)
