"""The set-up's pages under forms that hardly anybody would send: every answer is a page or a refusal, in time."""

import time
from pathlib import Path
from random import Random

import pytest

from bridge.kinds import known_kinds
from bridge.wizard.setup import STEPS
from tests.fuzz.surfaces import ODD
from tests.fuzz.test_surfaces import LIMIT, SECONDS, SEED
from tests.wizard.setup_harness import SetupHarness

pytestmark = pytest.mark.timeout(LIMIT)
_ACTS = ["save", "kind", "keys", "new", "agent", "next", "skip", ""]
# no secrets: what is never complete calls no vendor
_FIELDS = ["name", "password", "language", "kind", "key", "public_url", "app_id", "token", "api_base", "step", "mode"]
_PARTS = ["", "/live", "/x", "/%00"]


async def test_the_set_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    place = SetupHarness(tmp_path)
    values = [str(one).encode("utf-8", "replace").decode() for one in ODD] + list(known_kinds())
    async with place.inside() as inside, place.browser("198.51.100.9") as stranger:
        csrf = place.csrf((await inside.get("/console/setup/you")).text)
        ends, number = time.monotonic() + SECONDS, 0
        while time.monotonic() < ends or number < 60:
            number += 1
            random = Random(f"{SEED} setup {number}")
            browser = inside if random.random() < 0.8 else stranger
            step = random.choice([*STEPS, "language", "code", "x", "finish"])
            form = {name: random.choice(values) for name in random.sample(_FIELDS, random.randrange(6))}
            if step != "trip":  # its end would end the set-up
                form["act"] = random.choice(_ACTS)
            began = time.monotonic()
            if random.random() < 0.5:
                answer = await browser.get(f"/console/setup/{step}{random.choice(_PARTS)}", params=form)
            else:
                token = csrf if random.random() < 0.9 else random.choice(values)
                answer = await browser.post(f"/console/setup/{step}", data=form | {"csrf": token})
            assert answer.status_code != 500, f"seed {SEED}, setup {number}: {step} {form}"
            assert time.monotonic() - began < 20, f"seed {SEED}, setup {number}: {step} {form}"
            assert "<script>" not in answer.text
    await place.setup.preview.close()
