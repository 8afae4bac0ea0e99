"""Rules that a reviewer would otherwise have to remember."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("bridge", "connectors", "mappings")
SOURCES = sorted(
    path for package in PACKAGES for path in (ROOT / package).rglob("*.py") if "versions" not in path.parts
)
TRACKED = [
    path
    for top in (*PACKAGES, "tests", "docs", ".ci")
    for path in (ROOT / top).rglob("*")
    if path.is_file() and path.suffix in {".py", ".md", ".toml", ".yaml", ".json", ".js", ".css", ".html", ".txt", ""}
    and "__pycache__" not in path.parts
] + [path for path in ROOT.iterdir() if path.is_file() and path.suffix in {".md", ".toml", ".lock", ""}]  # fmt: skip
VENDORS = re.compile(r"wechat|weixin|zendesk|freshdesk|openid|chatwoot|zammad", re.IGNORECASE)
HIDDEN = re.compile("/" + "work/|/" + "root/|pypi" + r"\.org|python" + r"hosted|registry\.npm" + "js|deb\\.debian")


def named(paths: list[Path]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("path", paths, ids=lambda path: str(path.relative_to(ROOT)))


def test_import_directions() -> None:
    command = [str(Path(sys.executable).parent / "lint-imports")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_no_vendor_in_the_vendor_free_packages() -> None:
    free = [
        path
        for path in SOURCES
        if path.parts[len(ROOT.parts)] in {"bridge", "mappings"}
        and not path.relative_to(ROOT).as_posix().startswith(("bridge/demo", "bridge/testing"))
    ]
    found = [
        f"{path.relative_to(ROOT)}: {hit[0]}" for path in free for hit in VENDORS.finditer(path.read_text("utf-8"))
    ]
    assert found == []


def test_the_engine_asks_for_no_kind() -> None:
    pattern = re.compile(r"\bkind\s*(==|in)\s*[\"'({\[]")
    engine = [path for path in SOURCES if "engine" in path.parts]
    found = [
        str(path)
        for path in engine
        if any("kind" in hit and "part" not in hit for hit in pattern.findall(path.read_text("utf-8")))
    ]
    assert found == []


VENDOR_FACTS = re.compile(
    r"""["'][4-9]\d{4}["']|\.extra(\.get\(|\[)|["']event["'] (not )?in\b|["'](errcode|unionid)["']"""
)


def test_the_engine_knows_no_vendors_facts() -> None:
    """Neither their codes, nor the keys under which they tell something: the contract has a field for what counts."""
    found = [
        f"{path.relative_to(ROOT)}: {hit[0]}"
        for path in SOURCES
        if path.is_relative_to(ROOT / "bridge" / "engine")
        for hit in VENDOR_FACTS.finditer(path.read_text("utf-8"))
    ]
    assert found == []


LINES = 300


def test_modules_fit_in_a_head() -> None:
    scripts = [path for package in PACKAGES for path in (ROOT / package).rglob("*.js") if ".min." not in path.name]
    long = {
        str(path.relative_to(ROOT)): lines
        for path in (*SOURCES, *scripts)
        if (lines := len(path.read_text("utf-8").splitlines())) > LINES
    }
    assert long == {}


def _parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """How many a caller can give."""
    given = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    return len(given) - (given[0].arg in {"self", "cls"} if given else 0)


def test_few_functions_take_more_than_six_parameters() -> None:
    """Simulators and the kit count as everything else. ruff asks each for its reason."""
    many = [
        path.is_relative_to(ROOT / "bridge" / "engine")
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _parameters(node) > 6
    ]
    assert many.count(True) <= 5
    assert many.count(False) <= 20


DEAD = re.compile(
    r"\b(avenue|leaveout|metronome|unborn|goes_on|desk_side|step_back|go_along|sad_\w+|\w+_sad|looks_first|marks_own"
    r"|collect_every|verdict_of|patience|Tally|Town|Metronome|Verdict|Frozen|Touched|_collectors?|_pace|_step_back|_verdict"
    r"|ledgers?|fates?|in_hand|keep_page|make_dry_account|make_world)\b"
)
DEAD_IDENTIFIERS = {  # by folder: words of everyday that name nothing in code any more
    "bridge/engine/": {"sweep", "fate", "offer", "pace", "came", "room", "trip", "lent"},
    "bridge/web/": {"offer", "pace", "room", "verdict"},
    "bridge/contract/": {"trip", "lent", "verdict_of"},
    "bridge/testing/": {"stage", "way", "ways", "dry", "Papers", "Troubles", "Ways", "Saying"},
    "bridge/wizard/": {"room", "Room", "stage"},
    "mappings/": {"fate", "offer", "pace", "came", "room", "SAD"},
    "tests/": {"stage", "Stage", "town", "world", "World", "Place", "Way"},
    "": {
        "street",
        "Street",
        "Avenue",
        "Fate",
        "Taken",
        "Offer",
        "Stage",
        "Seals",
        "Papers",
        "Touched",
        "Ledger",
        "Told",
    },
}
OF_ANOTHER_TIME = (
    "docs/journal/",
    "docs/performance.md",
    "docs/contract-changelog.md",
    "tests/mappings/past/",
    "CHANGELOG.md",
    "tests/test_layers.py",
)


def _named(text: str) -> set[str]:
    """Every identifier of a module: what is defined, passed, read."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        found |= {getattr(node, one, None) for one in ("id", "arg", "attr", "name")}
    return {one for one in found if isinstance(one, str)}


def test_names_that_were_given_up_stay_given_up() -> None:
    """One word for one thing: what the right word replaced must not come back, nor in prose."""
    found = []
    for path in TRACKED:
        name = str(path.relative_to(ROOT))
        if name.startswith(OF_ANOTHER_TIME) or path.suffix not in {".py", ".md", ".js", ".css", ".html", ".toml"}:
            continue
        if "versions" in path.parts or ".min." in name:  # migrations name what was
            continue
        text = path.read_text("utf-8", "replace")
        found += [f"{name}: {hit[0]}" for hit in DEAD.finditer(text)]
        if path.suffix == ".py":
            named = _named(text)
            dead = set().union(*(words for folder, words in DEAD_IDENTIFIERS.items() if name.startswith(folder)))
            found += [f"{name}: {one}" for one in sorted(named & dead)]
    assert found == []


STATE_WORDS = {"ready", "parked", "done", "failed", "unconfirmed", "dead", "dropped", "quarantined", "wanted"}


def test_states_are_named_not_spelt() -> None:
    """A state that is compared or written is a member of `mappings.states`: a misspelt one would match nothing."""
    found = []
    for path in SOURCES:
        if path.is_relative_to(ROOT / "connectors") or path.name in {"states.py", "turns.py"}:
            continue  # a bot's turns have states of their own
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Compare) or "state" not in ast.unparse(node.left):
                continue
            for one in (constant for side in node.comparators for constant in ast.walk(side)):
                if isinstance(one, ast.Constant) and one.value in STATE_WORDS:
                    found.append(f"{path.relative_to(ROOT)}:{node.lineno}: {ast.unparse(node)}")
    assert found == []


def test_exceptions_from_the_linters_have_a_reason() -> None:
    bare = re.compile(r"#\s*(noqa(: [A-Z0-9, ]+)?|type: ignore(\[[\w, -]+\])?)\s*$")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in SOURCES
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if bare.search(line)
    ]
    assert found == []


def test_every_exception_is_raised_once() -> None:
    """One that is kept and raised again holds every frame that it went through, and each request's body with it."""
    found = []
    for path in SOURCES:
        tree = ast.parse(path.read_text("utf-8"))
        kept = {ast.unparse(one) for node in tree.body if isinstance(node, ast.Assign) for one in node.targets}
        for node in ast.walk(tree):
            if not isinstance(node, ast.Raise) or node.exc is None or isinstance(node.exc, ast.Call):
                continue
            name = ast.unparse(node.exc)
            if name in kept or name.startswith("self.") or name.isupper():
                found.append(f"{path.relative_to(ROOT)}:{node.lineno}: raise {name}")
    assert found == []


def test_nothing_names_a_machine_or_a_registry() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {hit[0]}"
        for path in TRACKED
        for hit in HIDDEN.finditer(path.read_text("utf-8", "replace"))
    ]
    assert found == []


def test_http_clients_are_known_in_one_place() -> None:
    users = [
        str(path.relative_to(ROOT))
        for path in SOURCES
        if re.search(r"^\s*(import|from) (httpx|aiohttp)\b", path.read_text("utf-8"), re.MULTILINE)
    ]
    ours = {user for user in users if not user.startswith("bridge/testing/")}
    assert ours == {f"bridge/contract/{part}.py" for part in ("http", "transport", "inflight")}


def test_serving_loads_no_simulator() -> None:
    """What a production process loads: the server, and every installed connector."""
    code = (
        "import sys, bridge.cli.main, bridge.serve\n"
        "from bridge.registry import known_kinds\n"
        "[point.load() for point in known_kinds().values()]\n"
        "print([name for name in sys.modules if name.startswith('bridge.testing') or 'simulator' in name])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stderr


CONFIG = """
[bridge]
public_url = "https://bridge.example"
database_url = "sqlite+aiosqlite:///{folder}/bridge.db"
media_dir = "{folder}/media"
secret_key = "0123456789abcdef0123456789abcdef"
[accounts.shop]
kind = "wechat"
app_id = "wx0123456789abcdef"
app_secret = "0123456789abcdef0123456789abcdef"
token = "token"
encoding_aes_key = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
mode = "secure"
[accounts.support]
kind = "rt"
api_base = "https://rt.example/REST/2.0"
queue = "Support"
token = "token"
hook_secret = "secret"
[[routes]]
channel = "shop"
desk = "support"
"""
LATER = ("alembic", "PIL", "cryptography", "httpcore", "prometheus_client",
         "sqlalchemy.dialects.postgresql",
         "connectors.email", "connectors.freshdesk", "connectors.webchat", "connectors.zendesk")  # fmt: skip


def test_a_start_loads_nothing_that_it_may_never_need(tmp_path: Path) -> None:
    """Imports are nearly all of an idle process's memory. Even where the tables are still to be made."""
    path = tmp_path / "config.toml"
    path.write_text(CONFIG.format(folder=tmp_path), "utf-8")
    code = (
        "import sys\nfrom bridge.app import Bridge\nfrom bridge.cli.common import read_config\n"
        "from bridge.serve import prepare\n"
        f"settings, declared, _ = read_config({str(path)!r})\nbridge = Bridge(settings, declared)\nbridge.app()\n"
        f"prepare(bridge, bring_up_to_date=True)\nprint([name for name in {LATER} if name in sys.modules])\n"
        "from bridge.contract.transport import trusted\nprint(trusted.cache_info().currsize)\n"
        "import gc\nfrom sqlmodel import SQLModel\n"
        "tables = [one for one in gc.get_objects() if isinstance(one, type) and issubclass(one, SQLModel)]\n"
        "print([one.__name__ for one in tables if hasattr(one, '__table__') and one.__pydantic_complete__])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    # nothing loaded, no context of ours, no validator of a table
    assert done.stdout.splitlines()[-3:] == ["[]", "0", "[]"], done.stdout + done.stderr


def test_no_test_is_skipped() -> None:
    """What a machine lacks is left out by `tests.optional`, with a line that says so."""
    pattern = re.compile("pytest" + r"\.(skip|xfail|importorskip)|mark\." + "(skip|skipif|xfail)|unittest" + r"\.skip")
    found = [
        f"{path.relative_to(ROOT)}: {hit[0]}"
        for path in [*(ROOT / "tests").rglob("*.py"), *SOURCES]
        for hit in pattern.finditer(path.read_text("utf-8"))
    ]
    assert found == []


@named(SOURCES)
def test_names_say_what_things_are(path: Path) -> None:
    words = re.compile(r"(Manager|Helper|Utils?|Impl)$|^(manager|helpers?|utils?)$")
    tree = ast.parse(path.read_text("utf-8"))
    names = [node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef | ast.FunctionDef)]
    assert [name for name in [*names, path.stem] if words.search(name)] == []


def test_the_ways_that_contributors_are_shown_exist() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    named = re.findall(r"`((?:bridge|mappings|tests|inbound|outbound|docs)/[\w/.-]+|agent_notes\.py)`", text)
    engine = ROOT / "bridge" / "engine"
    places = (ROOT, engine, engine / "conversation")
    assert len(named) > 12
    assert [
        name
        for name in named
        if not re.search("NNNN|KIND", name) and not any((place / name).exists() for place in places)
    ] == []
    for function, module in (("recover", "maintenance.py"), ("rescue_lost", "outbound/lost_attempts.py")):
        assert f"`{function}`" in text
        assert f"def {function}(" in (engine / module).read_text("utf-8")
