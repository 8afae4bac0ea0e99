"""Durable callbacks: how many a second, against servers that store nothing or commit each."""

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bridge.testing.ports import free_port
from tests.bench.figures import Results
from tests.bench.plan import Plan
from tests.bench.rig import Program, Rig, peers_python

Starter = Callable[[dict[str, str]], Program]
SYNC_US = 5000


@dataclass(frozen=True, slots=True)
class Subject:
    """A server to be flooded. `expected` callbacks a second size the load."""

    name: str
    start: Starter
    expected: int


def subjects(rig: Rig, desk: Program, results: Results) -> dict[str, Subject]:
    """Everything that can be started here; what cannot is said."""
    found = {
        "bridge": Subject("bridge", lambda env: rig.bridge(rig.config(desk.port), environment=env), 8000),
        "intake": Subject(
            "bridge, callbacks only (--no-work)",
            lambda env: rig.bridge(rig.config(desk.port), "--no-work", environment=env), 12000),
        "noop": Subject("no-op Starlette route", lambda env: rig.peer("noop", environment=env), 20000),
        "bare": Subject(
            "signature, decryption, JSON alone (bare ASGI)",
            lambda env: rig.peer("bare", environment=env), 12000),
        "wechatpy": Subject(
            "wechatpy in Starlette (stores nothing)",
            lambda env: rig.peer("wechatpy_starlette", environment=env), 8000),
        "each": Subject("one commit per message", lambda env: rig.peer("commit_each", environment=env), 3000),
    }  # fmt: skip
    flask = peers_python("flask", "gunicorn", "wechatpy")
    if flask:
        found["flask"] = Subject("wechatpy in Flask, gunicorn threads", lambda env: _flask(rig, flask, env), 3500)
    else:
        results.skip("wechatpy in Flask: neither this environment nor .venv-bench has flask and gunicorn (make bench)")
    orm = peers_python("fastapi", "sqlmodel", "uvicorn", "wechatpy")
    if orm:
        found["orm"] = Subject(
            "FastAPI + SQLModel, one ORM commit each",
            lambda env: rig.peer("orm", python=orm, environment=env), 1200)  # fmt: skip
    else:
        results.skip("FastAPI + SQLModel: neither this environment nor .venv-bench has fastapi (make bench)")
    return found


def _flask(rig: Rig, python: str, environment: dict[str, str]) -> Program:
    port = free_port()
    command = [
        python, "-m", "gunicorn", "--worker-class", "gthread", "--workers", "1", "--threads", "16", "--keep-alive", "75",
        "--bind", f"127.0.0.1:{port}", "--log-level", "warning", "tests.bench.peers.wechatpy_flask:app",
    ]  # fmt: skip
    return rig.start(*command, port=port, probe="/", environment=environment)


def flood(rig: Rig, subject: Subject, seconds: float, data_format: str, **environment: str) -> tuple[float, float]:
    """One round on a fresh process and database: callbacks a second, CPU µs each."""
    with rig.running(subject.start(environment)) as program:
        rig.load([program.port], mode="flood", customers=64, messages=4, seconds=5, format=data_format)  # warm
        cpu = program.cpu()
        customers = max(64, int(subject.expected * seconds / 20))
        found = rig.load([program.port], mode="flood", customers=customers, messages=20, seconds=seconds,
                           format=data_format, **{"from": 4})  # fmt: skip
        cpu = program.cpu() - cpu
        if found["refused"]:
            raise RuntimeError(f"{subject.name} refused {found['refused']}: {program.text()[-1000:]}")
    return found["acked_per_s"], cpu / found["acked"] * 1e6


def rounds(
    rig: Rig,
    plan: Plan,
    results: Results,
    measure: str,
    chosen: list[Subject],
    data_format: str = "json",
    **env: str,
) -> dict[str, list[float]]:
    """A B C A B C …; reports and returns the rates of each."""
    rates: dict[str, list[float]] = {one.name: [] for one in chosen}
    costs: dict[str, list[float]] = {one.name: [] for one in chosen}
    for _ in range(plan.rounds):
        for one in chosen:
            rate, cost = flood(rig, one, plan.seconds, data_format, **env)
            rates[one.name].append(rate)
            costs[one.name].append(cost)
    for one in chosen:
        results.figure(measure, one.name, "callbacks/s", *rates[one.name], cpu_us=median(costs[one.name]))
    return rates


def measure_ingest(rig: Rig, plan: Plan, results: Results) -> None:
    """Secure JSON against all."""
    desk = rig.desk()
    have = subjects(rig, desk, results)
    keys = [key for key in ("bridge", "intake", "noop", "bare", "wechatpy", "flask", "orm") if key in have]
    found = rounds(rig, plan, results, "ingest", [have[key] for key in keys])
    targets = {"noop": 0.6, "wechatpy": 1.6, "flask": 4.5, "orm": 14.0}
    for ours in ("bridge", "intake"):
        for key, target in targets.items():
            if key in have:
                name = f"{'bridge' if ours == 'bridge' else 'callbacks only'} : {have[key].name}"
                results.ratio("ingest", name, found[have[ours].name], found[have[key].name], target)
    # what the protocol leaves of the no-op route's rate, before anything is kept
    pairs = zip(found[have["bare"].name], found[have["noop"].name], strict=True)
    results.figure("ingest", "bare ASGI : no-op Starlette route", "×", *(bare / noop for bare, noop in pairs))


def measure_xml(rig: Rig, plan: Plan, results: Results) -> None:
    """The same in XML."""
    have = subjects(rig, rig.desk(), Results(say=lambda _line: None))
    found = rounds(rig, plan, results, "xml", [have[key] for key in ("bridge", "intake", "wechatpy")], "xml")
    for ours in ("bridge", "intake"):
        name = f"{'bridge' if ours == 'bridge' else 'callbacks only'} : {have['wechatpy'].name}"
        results.ratio("xml", name, found[have[ours].name], found[have["wechatpy"].name], 1.8)


def measure_slow_disk(rig: Rig, plan: Plan, results: Results) -> None:
    """5 ms more for every sync: what group commit is for."""
    library = slow_sync(rig.folder)
    if library is None:
        results.skip("slow disk: no C compiler (gcc or cc) to build the shim that slows syncs")
        return
    have = subjects(rig, rig.desk(), Results(say=lambda _line: None))
    environment = {"LD_PRELOAD": str(library), "BENCH_SYNC_US": str(SYNC_US), "BENCH_SYNC": "FULL"}
    keys = [key for key in ("bridge", "intake", "each", "orm") if key in have]
    found = rounds(rig, plan, results, "slow disk", [have[key] for key in keys], **environment)
    for ours in ("bridge", "intake"):
        name = f"{'bridge' if ours == 'bridge' else 'callbacks only'} : one commit per message"
        results.ratio("slow disk", name, found[have[ours].name], found[have["each"].name], 25)


def slow_sync(folder: Path) -> Path | None:
    """Builds the shim; None without a compiler."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        return None
    library = folder / "slow_sync.so"
    source = Path(__file__).with_name("slow_sync.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", library, source, "-ldl"], check=True)
    return library
