"""Passwords: a name that nobody has is looked at as long as one that somebody has."""

from typing import Any

import pytest

from bridge.contract import signin


async def test_a_name_that_nobody_has_costs_a_hash_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    real, asked = signin._hasher(), list[str]()

    class Hasher:
        hash = staticmethod(real.hash)

        @staticmethod
        def verify(digest: str, password: str) -> Any:
            asked.append(digest)
            return real.verify(digest, password)

    monkeypatch.setattr(signin, "_hasher", Hasher)
    assert await signin.check_password("", "a password") is False
    mine = await signin.hash_password("a password")
    assert await signin.check_password(mine, "a password") is True
    assert await signin.check_password(mine, "another") is False
    start = "$argon2id$v=19$m=65536,t=3,"
    assert len(asked) == 3 and all(digest.startswith(start) for digest in asked)
