"""The command line as processes that are forked from one which has imported everything: a start costs a fifth.

A suite starts the bridge a thousand times, and its imports take most of a second of CPU each. What a process does is
the same: an own PID, own descriptors, killed at will. The start itself is tried with the real command elsewhere.
"""

import functools
import importlib
import multiprocessing
import multiprocessing.context
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from bridge.kinds import GROUP, installed

Forked = multiprocessing.context.ForkServerProcess


@functools.cache
def _server() -> multiprocessing.context.ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    kinds = {entry.module for entry in installed(GROUP)}
    context.set_forkserver_preload(["bridge.cli.main", "bridge.app", "bridge.serve", *sorted(kinds)])
    return context


def _main(arguments: tuple[str, ...], environment: dict[str, str], folder: str, out: str, error: str) -> None:
    """In the new process: becomes `bridge ARGUMENTS` as a shell would have started it."""
    for descriptor, path in ((1, out), (2, error)):
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(opened, descriptor)
        os.close(opened)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    sys.argv = ["bridge", *arguments]
    sys.path[:0] = [path for path in environment.get("PYTHONPATH", "").split(os.pathsep) if path not in sys.path]
    from bridge.cli.main import main
    from bridge.engine.runtime import failpoints

    importlib.reload(failpoints)  # it reads the environment when it is imported
    main()


def start(
    arguments: tuple[str, ...],
    environment: Mapping[str, str],
    out: Path,
    error: Path | None = None,
    *,
    folder: Path | None = None,
) -> Forked:
    """Starts `bridge ARGUMENTS` in `folder`; what it writes is appended to `out`, and to `error` where that is another
    file. It ends with this process at the latest.
    """
    words = (arguments, dict(environment), str(folder or Path.cwd()), str(out), str(error or out))
    process = _server().Process(target=_main, args=words, daemon=True)
    process.start()
    return process


def run(
    *arguments: str, folder: Path | None = None, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs `bridge ARGUMENTS` to its end, with `environment` and no other variable than PATH and HOME."""
    given = {"PATH": "/usr/bin:/bin", "HOME": os.environ.get("HOME", "/"), **(environment or {})}
    with tempfile.TemporaryDirectory() as kept:
        out, error = Path(kept) / "out", Path(kept) / "error"
        process = start(arguments, given, out, error, folder=folder)
        process.join()
        code = process.exitcode or 0
        return subprocess.CompletedProcess(arguments, code, out.read_text("utf-8"), error.read_text("utf-8"))
