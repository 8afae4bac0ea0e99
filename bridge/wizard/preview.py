"""Serving with what is entered so far: callbacks are taken and kept as soon as there is an account for them."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from bridge.app import Bridge
from bridge.engine.context import ConnectedAccount
from bridge.first_config import NAMES
from bridge.registry import declare_account
from bridge.serve import prepare
from bridge.settings import Settings
from bridge.web.dispatch import Front
from bridge.wizard.diagnosis import Suspect
from bridge.wizard.draft import Account, Draft
from bridge.wizard.forms import class_of, faults_of


class Preview:
    """At most one bridge, made anew when an account changes. Until both sides are there it keeps and does not route."""

    def __init__(self, config: Path, port: int) -> None:
        self._config = config
        self._here = f"http://127.0.0.1:{port}"
        self._open = AsyncExitStack()
        self._made_of: Any = None
        self._lock = asyncio.Lock()
        self.bridge: Bridge | None = None
        self.front: Front | None = None

    async def show(self, draft: Draft) -> None:
        """Serves with the accounts of the draft that are complete. Raises ConfigError, StoreUnusable."""
        async with self._lock:
            accounts = {NAMES[role]: one for role, one in _ready(draft).items()}
            made_of = (draft.public_url, draft.language, {name: one.values for name, one in accounts.items()})
            if made_of == self._made_of:
                return
            await self._close()
            if accounts:
                await self._serve(draft, accounts)
            self._made_of = made_of

    async def _serve(self, draft: Draft, accounts: dict[str, Account]) -> None:
        sections = {name: {"kind": one.kind, **one.values} for name, one in accounts.items()}
        settings, whole = settings_of(draft, self._here, sections), len(accounts) == len(NAMES)
        declared = {name: declare_account(name, section, self._config) for name, section in sections.items()}
        bridge = Bridge(settings, declared, work=whole)
        await asyncio.to_thread(prepare, bridge, bring_up_to_date=True)
        await self._open.enter_async_context(bridge.running())
        self.bridge, self.front = bridge, bridge.app()

    async def close(self) -> None:
        """Ends what is served."""
        async with self._lock:
            await self._close()
            self._made_of = None

    async def _close(self) -> None:
        self.drain()
        self.bridge = self.front = None
        await self._open.aclose()

    def drain(self) -> None:
        """The process is about to end, or to begin anew with the written file."""
        if self.bridge is not None:
            self.bridge.drain()

    def account(self, role: str) -> ConnectedAccount | None:
        """One side, where it is served."""
        return self.bridge.runtime.accounts.get(NAMES[role]) if self.bridge is not None else None

    def connector(self, role: str) -> Any:
        """Its connector, or None. What it can do is asked by the contract's protocols."""
        found = self.account(role)
        return found.connector if found is not None else None

    def suspect(self, role: str, draft: Draft) -> Suspect | None:
        """One side as its callbacks are judged."""
        found, entered = self.account(role), getattr(draft, role)
        if found is None or entered is None:
            return None
        values = {"kind": entered.kind, **entered.values}
        return Suspect(class_of(entered.kind), values, found.account, entered.former)


def settings_of(draft: Draft, here: str, accounts: dict[str, Any]) -> Settings:
    """The configuration so far, the environment's part included; `here` is the address while there is none."""
    return Settings(
        bridge={
            "public_url": draft.public_url or here or "http://127.0.0.1",
            "secret_key": draft.secret_key,
            "language": draft.language or "en",
        },
        accounts=accounts,
        routes=[{"channel": NAMES["channel"], "desk": NAMES["desk"]}] if len(accounts) == len(NAMES) else [],
    )


def _ready(draft: Draft) -> dict[str, Account]:
    """The sides whose values are complete."""
    sides = {role: getattr(draft, role) for role in NAMES}
    return {role: one for role, one in sides.items() if one is not None and not faults_of(one.kind, one.values)}
