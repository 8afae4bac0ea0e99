"""Mails that hardly anybody would send, through the parser: read or refused as malformed, in time."""

import asyncio
import time
from random import Random

import pytest

from bridge.contract import Malformed
from tests.fuzz.mails import box, mail
from tests.fuzz.test_surfaces import LIMIT, SECONDS, SEED

pytestmark = pytest.mark.timeout(LIMIT)


def test_mails() -> None:
    async def run() -> None:
        async with box() as (take, normalise):
            ends, number = time.monotonic() + SECONDS, 0
            while time.monotonic() < ends:
                number += 1
                data = mail(Random(f"{SEED} mail {number}"))
                began = time.monotonic()
                try:
                    normalise(await take(data))
                except Malformed:
                    pass
                except Exception as error:
                    raise AssertionError(f"seed {SEED}, mail {number}: {data[:600]!r}") from error
                assert time.monotonic() - began < 5, f"seed {SEED}, mail {number}"
            assert number > 20

    asyncio.run(run())
