"""The console beside a bridge that relays: pages over a long past, and what five open consoles cost the relay."""

import http.client
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from html import unescape
from pathlib import Path
from urllib.parse import quote, urlencode

from tests.bench import constants
from tests.bench.figures import Results
from tests.bench.fill import filled, kept
from tests.bench.plan import Plan
from tests.bench.relay import converse, rates
from tests.bench.rig import ROOT, Facts, Program, Rig

PASSWORD = "a long password for a benchmark"
_CONSOLES = 5
_TARGET = 200  # milliseconds


class Visitor:
    """Somebody who is signed in, over one connection."""

    def __init__(self, port: int) -> None:
        self._wire = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        body = urlencode({"name": "bench", "password": PASSWORD})
        self._wire.request("POST", "/console/sign-in", body, {"content-type": "application/x-www-form-urlencoded"})
        answer = self._wire.getresponse()
        answer.read()
        cookies = [value.partition(";")[0] for name, value in answer.getheaders() if name == "set-cookie"]
        if answer.status != 303 or not cookies:
            self.close()
            raise RuntimeError(f"no sign-in: {answer.status}")
        self.headers = {"cookie": "; ".join(cookies)}

    def get(self, path: str) -> str:
        self._wire.request("GET", f"/console/{path}", headers=self.headers)
        answer = self._wire.getresponse()
        text = answer.read().decode()
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status}")
        return unescape(text)

    def took(self, path: str) -> float:
        """Milliseconds."""
        began = time.perf_counter()
        self.get(path)
        return (time.perf_counter() - began) * 1000

    def close(self) -> None:
        self._wire.close()


class Console(threading.Thread):
    """An open page: it listens, and loads the overview anew when it hears of a change, as the browser does."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self._port, self.heard, self.over = port, 0, False
        self.ready = threading.Event()

    def run(self) -> None:
        with (
            closing(Visitor(self._port)) as visitor,
            closing(http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)) as stream,
        ):
            stream.request("GET", "/console/events", headers=visitor.headers)
            with stream.getresponse() as lines:
                self._follow(visitor, lines)

    def _follow(self, visitor: Visitor, lines: http.client.HTTPResponse) -> None:
        visitor.get("overview")
        self.ready.set()
        while not self.over:
            line = lines.readline()
            if not line:
                return
            if line.startswith(b"event: changed"):
                self.heard += 1
                visitor.get("overview")


def add_user(config: Path) -> None:
    """Before the bridge starts."""
    command = [
        sys.executable,
        "-m",
        "bridge",
        "console",
        "add-user",
        "bench",
        "--role",
        "admin",
        "--config",
        str(config),
    ]
    subprocess.run(command, cwd=ROOT, input=f"{PASSWORD}\n".encode(), check=True, capture_output=True)


def p95(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.95)]


def measure_console(rig: Rig, plan: Plan, results: Results) -> None:
    """The overview, a search by customer, a conversation, over all that is stored, beside a relay."""
    desk = rig.desk()
    began = time.monotonic()
    config, base = kept(rig, desk, plan.stored, Path(plan.kept)) if plan.kept else filled(rig, desk, plan.stored)
    results.say(f"filled {plan.stored:,}: {base.stat().st_size / 2**20:,.0f} MB in {time.monotonic() - began:.0f} s")
    add_user(config)
    program = rig.bridge(config)
    customer = plan.stored // 3
    with closing(Visitor(program.port)) as visitor:
        (talk,) = _rows(visitor.get(f"conversations?q={constants.openid(customer)}"))
    pages: dict[str, Callable[[int], str]] = {
        "overview": lambda _turn: "overview",
        "search by customer": lambda turn: f"conversations?q={constants.openid((customer + turn * 37) % plan.stored)}",
        "search by words": lambda turn: f"conversations?q={quote(f'no such words {turn}')}",
        "list": lambda _turn: "conversations",
        "list of one state": lambda _turn: "conversations?state=closed",
        "a conversation": lambda turn: f"conversations/{int(talk) - turn}",
        "problems": lambda _turn: "problems",
    }
    times = _beside_a_relay(rig, program, plan, pages)
    for name, found in times.items():
        results.figure("console", f"{name}, {plan.stored:,} stored, beside a relay, p95", "ms", p95(found))
    for name in ("overview", "search by customer", "a conversation"):
        results.limit(
            "console", f"{name}, {plan.stored:,} stored, beside a relay, p95", "ms", _TARGET, p95(times[name])
        )
    rig.stop(program)


def _rows(page: str) -> list[str]:
    return re.findall(r'<tr data-id="(\d+)"', page)


def _beside_a_relay(
    rig: Rig, program: Program, plan: Plan, pages: dict[str, Callable[[int], str]]
) -> dict[str, list[float]]:
    over = threading.Event()

    def relay() -> None:
        while not over.is_set():
            rig.load([program.port], mode="steady", rate=20 if plan.quick else 100, seconds=2.0,
                       customers=min(plan.customers, plan.stored), **{"from": int(time.time()) % 10_000_000})  # fmt: skip

    relaying = threading.Thread(target=relay)
    relaying.start()
    visitor = Visitor(program.port)
    turns = 3 if plan.quick else 40
    times: dict[str, list[float]] = {name: [] for name in pages}
    for path in pages.values():  # templates are compiled once
        visitor.get(path(turns))
    try:
        for turn in range(turns):
            for name, path in pages.items():
                times[name].append(visitor.took(path(turn)))
            time.sleep(0.05 if plan.quick else 1.1)  # the overview is shared for a second: each shall be looked up
    finally:
        over.set()
        relaying.join()
        visitor.close()
    return times


def measure_open_consoles(rig: Rig, plan: Plan, results: Results) -> None:
    """The relay without and with open consoles, in turns."""
    plan = replace(plan, messages=plan.messages * (1 if plan.quick else 4))
    runs: dict[bool, list[Facts]] = {False: [], True: []}
    heard = 0
    for _ in range(plan.rounds):
        for watched, found in runs.items():
            desk = rig.desk()
            config = rig.config(desk.port)
            add_user(config)
            program = rig.bridge(config)
            consoles = [Console(program.port) for _ in range(_CONSOLES if watched else 0)]
            for one in consoles:
                one.start()
            for one in consoles:  # opening them is not what is measured
                one.ready.wait(60)
            found.append(converse(rig, desk, program, plan))
            for one in consoles:
                one.over = True
            heard += sum(one.heard for one in consoles)
            rig.stop(program)
            rig.stop(desk)
    if not heard:
        raise RuntimeError("no console heard of any change")
    for watched, what in ((False, "relay without a console"), (True, f"relay with {_CONSOLES} consoles open")):
        results.figure("consoles", what, "relayed/s", *rates(runs[watched]))
    results.ratio("consoles", f"relay with {_CONSOLES} consoles : without", rates(runs[True]), rates(runs[False]), 0.97)
