"""PostgreSQL for the tests: the server that BRIDGE_TEST_DATABASE_URL names, or a private one in a temporary folder."""

import getpass
import glob
import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Self

import psycopg
from sqlalchemy import URL, make_url


def server_binaries() -> Path | None:
    """The folder of initdb and postgres; None when this machine has none."""
    folders = sorted(glob.glob("/usr/lib/postgresql/*/bin"), reverse=True)
    found = shutil.which("initdb")
    for folder in [*folders, *([str(Path(found).parent)] if found else [])]:
        if (Path(folder) / "initdb").exists() and (Path(folder) / "postgres").exists():
            return Path(folder)
    return None


class Server:
    """A running server in which databases can be made. `admin` is the URL of one that exists."""

    def __init__(self, admin: URL) -> None:
        self._admin = admin
        self._numbers = count(1)
        self._mark = secrets.token_hex(4)  # several runs may share a server

    @property
    def url(self) -> str:
        return self._admin.render_as_string(hide_password=False)

    def new_database(self, template: str = "") -> str:
        """The URL of an empty database, or of a copy of the one whose URL is `template`, to which nobody is connected."""
        name = f"bridge_test_{self._mark}_{next(self._numbers)}"
        source = make_url(template).database if template else "template0"
        self._order(f'CREATE DATABASE "{name}" TEMPLATE "{source}"')
        return self._admin.set(database=name).render_as_string(hide_password=False)

    def drop(self, url: str) -> None:
        self._order(f'DROP DATABASE "{make_url(url).database}" WITH (FORCE)')

    def _order(self, sentence: str) -> None:
        plain = self._admin.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(plain, autocommit=True) as connection:
            connection.execute(sentence)


def given_server() -> Server | None:
    """The server named in the environment, by a user who may make databases."""
    url = os.environ.get("BRIDGE_TEST_DATABASE_URL", "")
    return server_at(url) if url else None


def server_at(url: str) -> Server:
    """A server that somebody else runs."""
    return Server(make_url(url).set(drivername="postgresql+psycopg"))


class Cluster(Server):
    """A cluster of its own, started as an ordinary user, on a socket in a temporary folder. Use it as a context."""

    def __init__(self, binaries: Path, *, fsync: bool = False) -> None:
        self._binaries = binaries
        self._fsync = fsync
        self._folder = Path(tempfile.mkdtemp(prefix="bridge-pg-"))
        self._as: list[str] = []
        admin = URL.create("postgresql+psycopg", "bridge", database="postgres", query={"host": str(self._folder)})
        super().__init__(admin)

    @property
    def data(self) -> Path:
        """The server's own files."""
        return self._folder / "data"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def start(self) -> None:
        if os.geteuid() == 0:  # the server refuses to run as root
            self._become(next(name for name in ("postgres", "nobody") if _exists(name)))
        self._folder.chmod(0o755)
        self._run("initdb", "-D", self.data, "-U", "bridge", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8")
        options = (
            f"-c listen_addresses='' -c unix_socket_directories={self._folder} -c max_connections=200"
            f" -c fsync={'on' if self._fsync else 'off'}"
        )
        self._run("pg_ctl", "-D", self.data, "-w", "-l", self._folder / "log", "-o", options, "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-D", self.data, "-m", "immediate", "stop")
        shutil.rmtree(self._folder, ignore_errors=True)

    def cpu(self) -> float:
        """Seconds of CPU that the server's processes of this moment have used."""
        first = (self._folder / "data/postmaster.pid").read_text().split()[0]
        children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
        total = 0
        for pid in [first, *children]:
            with suppress(OSError):  # it ended meanwhile
                total += int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])
        return total / 1e9

    def _become(self, user: str) -> None:
        group = str(pwd.getpwnam(user).pw_gid)
        self._as = ["setpriv", "--reuid", user, "--regid", group, "--clear-groups"]
        shutil.chown(self._folder, user)

    def _run(self, program: str, *arguments: object) -> None:
        done = subprocess.run(
            [*self._as, str(self._binaries / program), *map(str, arguments)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            cwd="/",
            text=True,
            check=False,
            env={**os.environ, "HOME": "/"},
        )
        if done.returncode:
            raise RuntimeError(f"{program}, as {self._as[2] if self._as else getpass.getuser()}: {done.stderr.strip()}")


def _exists(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True
