"""What an account must remember about its threads, in the records the bridge lends. Nothing here decides."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any

from bridge.contract import Conflict, Put, Records
from connectors.email.token import digest

_TRIES = 5
_SEEN = 200


@dataclass(frozen=True, slots=True)
class Thread:
    """One conversation as mails see it.

    `chain`: References of the next mail. `to`: where it goes (a customer's address; "" for the desk's). `heard`: the
    other side has written. `code`: the id a helpdesk hides in its texts. `last` names the last mail composed, `said`
    are digests of what was said in the last ones.
    """

    conversation: str
    subject: str = ""
    chain: list[str] = field(default_factory=list)
    to: str = ""
    name: str = ""
    heard: bool = False
    code: str = ""
    opened: str = ""
    last: str = ""
    said: list[str] = field(default_factory=list)


def fingerprint(text: str) -> str:
    """A digest of the words of a text, "" when there are too few to know them again."""
    words = " ".join(text.split())
    return digest(words, 20) if len(words) >= 20 else ""


class Memory:
    """Threads, known ids and counters of one account."""

    def __init__(self, records: Records, now: Callable[[], datetime]) -> None:
        self._records = records
        self._now = now

    async def conversation_for(self, link: str, make: Callable[[], str]) -> str:
        """The conversation's name for a link, made once. A name from a former database can never come back."""
        key = digest(link, 26)
        for _ in range(_TRIES):
            found = await self._records.get("link", key)
            if found:
                return str(found[0]["conversation"])
            name = make()
            try:
                await self._records.commit(Put("link", key, {"conversation": name}, expect=0))
            except Conflict:
                continue
            return name
        raise Conflict

    async def thread(self, conversation: str) -> Thread:
        return (await self._thread(conversation))[0]

    async def change(self, conversation: str, edit: Callable[[Thread], Thread], *more: Put) -> Thread:
        """Applies `edit` to the newest version, together with other writes."""
        for _ in range(_TRIES):
            thread, version = await self._thread(conversation)
            changed = edit(thread)
            if changed == thread and not more:
                return thread
            try:
                await self._records.commit(Put("thread", conversation, asdict(changed), expect=version), *more)
            except Conflict:
                continue
            return changed
        raise Conflict

    async def _thread(self, conversation: str) -> tuple[Thread, int]:
        found = await self._records.get("thread", conversation)
        if not found:
            return Thread(conversation), 0
        known = {entry.name for entry in fields(Thread)}
        return Thread(**{name: value for name, value in found[0].items() if name in known}), found[1]

    async def lookup(self, kind: str, key: str) -> str:
        """The conversation a Message-ID ("id") or a ticket tag ("tag") belongs to, or ""."""
        found = await self._records.get(kind, digest(key.lower() if kind == "tag" else key, 26))
        return str(found[0]["conversation"]) if found else ""

    async def own_key(self, key: str, substance: str) -> str:
        """The key of a mail among those that claim the same one: the first keeps it, a different mail gets its own.

        A mail that was kept before this was remembered keeps the plain key, too, so that it is known again.
        """
        name = digest(key, 26)
        for _ in range(_TRIES):
            found = await self._records.get("same", name)
            if found:
                return key if found[0]["substance"] == substance else f"{key}#{substance}"
            try:
                await self._records.commit(Put("same", name, {"substance": substance}, expect=0))
            except Conflict:
                continue
            return key
        raise Conflict

    @staticmethod
    def knows(kind: str, key: str, conversation: str) -> Put:
        """The write that makes `lookup` find it."""
        return Put(kind, digest(key.lower() if kind == "tag" else key, 26), {"conversation": conversation})

    async def put(self, *writes: Put) -> None:
        """Plain writes."""
        await self._records.commit(*writes)

    async def composed(self, mail: str) -> dict[str, Any] | None:
        """What was composed for a step before, so that every try sends the same bytes. `mail` names it."""
        found = await self._records.get("mail", mail)
        return found[0] if found else None

    async def seen(self, place: str, mark: str, said: str, window: timedelta) -> list[str]:
        """What else was said at a place within a sliding window. `mark` counts once, however often it is read."""
        name = digest(place, 26)
        now = self._now().timestamp()
        for _ in range(_TRIES):
            found = await self._records.get("seen", name)
            marks: dict[str, Any] = found[0]["marks"] if found else {}
            alive = {entry: row for entry, row in marks.items() if now - row[0] < window.total_seconds()}
            earlier = [row[1] for entry, row in alive.items() if entry != mark and row[0] <= alive.get(mark, [now])[0]]
            if mark in alive:
                return earlier
            kept = dict(sorted({**alive, mark: [now, said]}.items(), key=lambda item: item[1][0])[-_SEEN:])
            try:
                await self._records.commit(Put("seen", name, {"marks": kept}, expect=found[1] if found else 0))
            except Conflict:
                continue
            return earlier
        return []

    async def count(self, kind: str, key: str, mark: str, window: timedelta, *, limit: int) -> tuple[int, float]:
        """Counts `mark` once within a sliding window, unless `limit` is reached.

        Returns how many stand in the window without it, and the seconds until the oldest leaves (0 when counted).
        """
        name = digest(key, 26)
        now = self._now().timestamp()
        for _ in range(_TRIES):
            found = await self._records.get(kind, name)
            marks: dict[str, float] = found[0]["marks"] if found else {}
            alive = {entry: at for entry, at in marks.items() if now - at < window.total_seconds()}
            others = {entry: at for entry, at in alive.items() if entry != mark}
            if mark in alive:
                return len(others), 0.0
            if len(others) >= limit:
                oldest = sorted(others.values())[len(others) - limit]
                return len(others), max(1.0, window.total_seconds() - (now - oldest))
            try:
                value = {"marks": {**alive, mark: now}}
                await self._records.commit(Put(kind, name, value, expect=found[1] if found else 0))
            except Conflict:
                continue
            return len(others), 0.0
        return 0, 0.0
