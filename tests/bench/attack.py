"""Signed callbacks beside attackers: `python -m tests.bench.attack [--seconds 20] [--without bombs,…]`.

200 callbacks a second, each on time whatever became of the others, while strangers send slow bodies, endless heads,
pictures that are small and huge, and new visitors. Prints one JSON line; exits 1 when a callback was refused or p99 is
not under a second.
"""

import argparse
import asyncio
import contextlib
import io
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from PIL import Image

from connectors.wechat.simulator import Simulator as PhoneSimulator
from tests.fuzz.harness import callback, memory, opened, push

RATE = 200
KEPT = 16  # connections that the platform keeps


class Platform:
    """Sends callbacks evenly over kept connections and notes how long each answer took."""

    def __init__(self, port: int, phone: PhoneSimulator) -> None:
        self._port, self._phone = port, phone
        self._free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
        self.took: list[float] = []
        self.answers: Counter[str] = Counter()

    async def run(self, seconds: float) -> None:
        for _ in range(KEPT):
            await self._free.put(await asyncio.open_connection("127.0.0.1", self._port))
        began, tasks = time.monotonic(), []
        for number in range(int(seconds * RATE)):
            await asyncio.sleep(max(0.0, began + number / RATE - time.monotonic()))
            tasks.append(asyncio.create_task(self._send(number, began + number / RATE)))
        await asyncio.gather(*tasks)

    async def _send(self, number: int, due: float) -> None:
        query, body = self._phone.push(self._phone.message(f"oCustomer_{number % 500}", Content=f"hello {number}"))
        try:
            reader, writer = await asyncio.wait_for(self._free.get(), 5)
            writer.write(callback(query, body))
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
            size = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
            said = await reader.readexactly(size)
            self.answers[head[9:12].decode() + " " + said.decode()[:20]] += 1
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            self.answers[type(error).__name__] += 1
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        self.took.append(time.monotonic() - due)
        await self._free.put((reader, writer))


async def slow_bodies(port: int, number: int) -> None:
    head = f"POST /hooks/shop?signature=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 900\r\nX-Forwarded-For: {_from(number)}\r\n\r\n"
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(head.encode())
    for _ in range(60):
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(1)


async def header_floods(port: int, number: int) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n")
    for _ in range(10_000):
        writer.write(b"a: b\r\n" * 1000)
        await writer.drain()


async def session_floods(port: int, number: int) -> None:
    head = (
        "POST /chat/site/v1/sessions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"
        f"Connection: close\r\nX-Forwarded-For: {_from(number)}\r\n\r\n{{}}"
    )
    await push(port, head.encode())
    await asyncio.sleep(0.05)


async def bombs(port: int, number: int) -> None:
    head = "POST /chat/site/v1/sessions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"
    answer = await push(port, f"{head}Connection: close\r\nX-Forwarded-For: {_from(number)}\r\n\r\n{{}}".encode())
    key = json.loads(answer.partition(b"\r\n\r\n")[2])["access_token"]
    data = _bomb()
    head = f"POST /chat/site/v1/uploads HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {key}\r\nConnection: close\r\n"
    await push(
        port, f"{head}X-Forwarded-For: {_from(number)}\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data, 60
    )


ATTACKS: dict[str, tuple[Callable[[int, int], Awaitable[None]], int]] = {
    "slow_bodies": (slow_bodies, 400),
    "header_floods": (header_floods, 4),
    "session_floods": (session_floods, 4),
    "bombs": (bombs, 3),
}


def _from(number: int) -> str:
    return f"203.0.113.{number % 5}"


def _bomb() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (7000, 7000)).save(out, "WEBP", quality=1)
    return out.getvalue()


async def attack(port: int, names: list[str]) -> None:
    async def again(work: Callable[[int, int], Awaitable[None]], number: int) -> None:
        while True:
            with contextlib.suppress(OSError, TimeoutError, ValueError, KeyError):
                await work(port, number)
            await asyncio.sleep(0.01)

    await asyncio.gather(
        *(again(work, number) for name in names for work, count in [ATTACKS[name]] for number in range(count))
    )


async def measure(seconds: float, names: list[str]) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        async with opened(Path(folder)) as (bridge, _, phone):
            # a process of its own: what it needs is not the platform's
            command = [
                sys.executable,
                "-m",
                "tests.bench.attack",
                "--port",
                str(bridge.port),
                "--only",
                ",".join(names),
            ]
            attackers = await asyncio.create_subprocess_exec(*command) if names else None
            await asyncio.sleep(3 if names else 0)
            platform = Platform(bridge.port, phone)
            try:
                await platform.run(seconds)
                held = memory(bridge)
            finally:
                if attackers is not None:
                    attackers.kill()
                    await attackers.wait()
    took = sorted(platform.took)
    found: dict[str, Any] = {
        "attacks": names, "callbacks": len(took), "answers": dict(platform.answers),
        "p50_ms": round(took[len(took) // 2] * 1000, 1), "p99_ms": round(took[int(len(took) * 0.99)] * 1000, 1),
        "max_ms": round(took[-1] * 1000, 1), "memory_mb": held >> 20,
    }  # fmt: skip
    sys.stdout.write(json.dumps(found) + "\n")
    return set(platform.answers) == {"200 success"} and found["p99_ms"] < 1000


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--without", default="")
    parser.add_argument("--port", type=int)
    parser.add_argument("--only")
    given = parser.parse_args()
    chosen = list(ATTACKS) if given.only is None else list(filter(None, given.only.split(",")))
    names = [name for name in chosen if name not in given.without.split(",")]
    if given.port:
        asyncio.run(attack(given.port, names))
    sys.exit(0 if asyncio.run(measure(given.seconds, names)) else 1)


if __name__ == "__main__":
    main()
