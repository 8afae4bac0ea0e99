"""What both forms of the demonstration are made of: simulators, settings, pictures, ports."""

import importlib
import io
import socket
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from bridge.cli.common import Fault
from bridge.contract.described import written
from bridge.kinds import known_kinds
from bridge.settings import Settings

CUSTOMER = "oDemo_Customer_A"


def simulator_of(kind: str) -> Any:
    """The simulator beside a connector. Found by name, so that nothing here depends on connectors."""
    module = known_kinds()[kind].value.partition(":")[0]
    return importlib.import_module(f"{module}.simulator").Simulator


def settings_of(port: int, place: Path, accounts: dict[str, Any], routes: list[dict[str, Any]]) -> Settings:
    """The configuration of a bridge between them."""
    return Settings(**_tables(port, place, accounts, routes, "en"))


def write_config(path: Path, port: int, accounts: dict[str, Any], routes: list[dict[str, Any]], language: str) -> None:
    """The same as a file, for a process of its own."""
    tables = _tables(port, path.parent, accounts, routes, language)
    lines = []
    for name in ("bridge", "engine", "replies"):
        lines += [f"[{name}]", *(f"{key} = {written(value)}" for key, value in tables[name].items())]
    for name, keys in accounts.items():
        lines += [f"[accounts.{name}]", *(f"{key} = {written(value)}" for key, value in keys.items())]
    for route in routes:
        lines += ["[[routes]]", *(f"{key} = {written(value)}" for key, value in route.items())]
    path.write_text("\n".join(lines) + "\n", "utf-8")


def _tables(
    port: int, place: Path, accounts: dict[str, Any], routes: list[dict[str, Any]], language: str
) -> dict[str, Any]:
    return {
        "bridge": {
            "public_url": f"http://127.0.0.1:{port}",
            "database_url": f"sqlite+aiosqlite:///{place}/bridge.db",
            "media_dir": str(place / "media"),
            "secret_key": "demonstration-only-demonstration-only",
            "language": language,
        },
        "accounts": accounts,
        "routes": routes,
        # an outage is over in seconds here, and each answer counts for itself, so that one can count along
        "engine": {
            "reconcile_every": "2s",
            "settle": "3s",
            "request_timeout": "2s",
            "breaker_pause": "2s",
            "backoff_max": "2s",
        },
        "replies": {"join_below": 0},
    }


def picture(text: str, colour: str) -> bytes:
    """A small JPEG with words on it."""
    image = Image.new("RGB", (320, 200), colour)
    ImageDraw.Draw(image).text((20, 90), text, fill="white")
    out = io.BytesIO()
    image.save(out, "JPEG")
    return out.getvalue()


def listen_on(port: int) -> socket.socket:
    """The page's own socket, before its address is printed. Raises Fault."""
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", port))
    except OSError as error:
        listening.close()
        raise Fault(f"port {port} cannot be used ({error.strerror}); choose another one with --port") from None
    return listening


def free_port() -> int:
    """One that nobody has just now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port
