"""Somebody else's connector that cannot be used is one sentence, and keeps no other account from its work."""

import json
import subprocess
from pathlib import Path

import pytest

from bridge.absent import Absent, absent_config
from bridge.app import Bridge
from bridge.registry import Declared
from bridge.testing.e2e import prefork
from tests.engine.engine_harness import Scene
from tests.engine.fakes import FakeConfig

BASE = """
from bridge.contract import *
class Config(AccountConfig):
    pass
class Odd(Connector[Config]):
    kind = "odd"
    roles = frozenset({Role.DESK})
    Config = Config
    capabilities = Capabilities()
    def verify(self, request): ...
    def normalise(self, raw): return []
    def render(self, messages, context): return []
    async def deliver(self, step, target): ...
    async def check(self): return Health()
"""
FAULTS = {
    "a method is missing": (
        BASE.replace("    async def check(self): return Health()\n", ""),
        "'odd' (odd-one 1.0): Odd lacks `check`",
    ),
    "no capabilities": (BASE.replace("    capabilities = Capabilities()\n", ""), "Odd has no capabilities"),
    "capabilities of another kind": (BASE.replace("= Capabilities()", "= {}"), "Odd.capabilities is a dict"),
    "none in __init__ either": (
        BASE.replace("    capabilities = Capabilities()\n", "    def __init__(self, config, account): pass\n"),
        "accounts.odd: 'odd': Odd cannot be used: it has no capabilities",
    ),
    "its __init__ fails": (
        BASE + "    def __init__(self, config, account):\n        raise KeyError('x')\n",
        "accounts.odd: 'odd': Odd cannot be used: KeyError when it was made",
    ),
    "the entry point leads nowhere": (BASE.replace("class Odd", "class Even"), "its entry point names oddmod:Odd"),
    "the entry point is no connector": ("def Odd(): ...", "its entry point is a function, which is no subclass"),
    "an exception at import": ("1 / 0", "cannot be loaded: ZeroDivisionError at import: division by zero"),
    "it ends the process": ("import sys; sys.exit('bye')", "cannot be loaded: SystemExit at import: bye"),
    "a module is missing": ("import nowhere_to_be_found", "there is no module nowhere_to_be_found"),
    "it does not compile": ("def (:", "cannot be loaded: SyntaxError at import"),
    "another kind": (BASE.replace('"odd"', '"even"'), "Odd.kind is 'even', its entry point is called 'odd'"),
    "no kind": (BASE.replace('    kind = "odd"\n', ""), "Odd.kind is None"),
    "no roles": (BASE.replace("frozenset({Role.DESK})", "{Role.DESK}"), "Odd.roles must be a frozenset of Role"),
    "no Config": (BASE.replace("    Config = Config\n", ""), "Odd.Config must be a subclass of AccountConfig"),
    "an old contract": (BASE + "    contract = '0.9'\n", "it was written for contract 0.9, this bridge has"),
    "a newer contract": (BASE + "    contract = '1.99'\n", "it needs contract 1.99, this bridge has"),
    "two distributions": (BASE, "'odd' comes from odd-one 1.0 and odd-two 1.0: uninstall all but one"),
}
CONFIG = """[bridge]
public_url = "https://bridge.example.com"
secret_key = "0123456789abcdef0123456789abcdef"
[accounts.shop]
kind = "webchat"
[accounts.odd]
kind = "odd"
[accounts.desk]
kind = "webchat"
[[routes]]
channel = "shop"
desk = "odd"
when = { page = "x" }
[[routes]]
channel = "shop"
desk = "desk"
"""


def install(folder: Path, code: str, *names: str) -> None:
    (folder / "oddmod.py").write_text(code)
    for name in names:
        info = folder / f"{name.replace('-', '_')}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("[bridge.connectors]\nodd = oddmod:Odd\n")


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return prefork.run(*arguments, folder=folder, environment={"PYTHONPATH": str(folder)})


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_one_sentence_of_check(tmp_path: Path, name: str) -> None:
    code, sentence = FAULTS[name]
    install(tmp_path, code, "odd-one", *(["odd-two"] if name == "two distributions" else []))
    (tmp_path / "config.toml").write_text(CONFIG)
    done = run(tmp_path, "check", "--json")
    faults = json.loads(done.stdout)["faults"]
    assert (done.returncode, len(faults)) == (2, 1), (faults, done.stderr)
    assert sentence in faults[0]
    assert faults[0].startswith("config.toml: accounts.odd")
    table = run(tmp_path, "connectors", "--json")
    assert table.returncode == 0, table.stderr
    kinds = {row["kind"] for row in json.loads(table.stdout)}
    assert {"odd", "webchat", "zendesk"} <= kinds


def test_capabilities_may_be_set_in_init(tmp_path: Path) -> None:
    code = BASE.replace("    capabilities = Capabilities()\n", "").replace(
        "    def verify",
        "    def __init__(self, config, account):\n"
        "        super().__init__(config, account)\n"
        "        self.capabilities = Capabilities(notes=True)\n"
        "    def verify",
    )
    install(tmp_path, code, "odd-one")
    (tmp_path / "config.toml").write_text(CONFIG)
    assert run(tmp_path, "check").returncode == 0
    done = run(tmp_path, "connectors")
    assert done.returncode == 0, done.stderr
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("| odd ")]
    assert "depends on the account" in line


async def test_an_absent_desk_keeps_nobody_from_work(database_url: str, tmp_path: Path) -> None:
    """What customers say waits for it, in order; with the connector back all of it goes on."""
    scene = Scene(database_url, tmp_path)
    build = scene.build
    config = FakeConfig(kind="fake", uncertain="hold")
    declared = {
        "shop": Declared("shop", scene.channel_class, config),
        "desk": Declared("desk", Absent, absent_config({"kind": "fake"}, "it is away")),
    }
    scene.build = lambda: Bridge(scene.settings(), declared, clock=scene.clock)  # type: ignore[method-assign]
    async with scene.running():
        await scene.says("ann", "first")
        await scene.says("ann", "second")
        await scene.pass_time(hours=1)
    scene.build = build  # type: ignore[method-assign]
    assert not scene.vendors.tickets
    async with scene.running():
        await scene.quiet()
        ticket = scene.only_ticket
        said = [entry.text for entry in scene.vendors.tickets[ticket].entries]
    assert "first" in said[0]
    assert "second" in " ".join(said)
