"""Somebody who asks what is kept about them, or wants to be forgotten."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from bridge.contract.messages import Contact
from bridge.contract.words import Said


@dataclass(frozen=True, slots=True)
class Subject:
    """One person as one account met them. `contacts`: how their channels know them; for a bot, the made-up ids by which
    it was asked. `conversations`: their chats, where
    this account is the channel; `tickets` and `peers` (its own users who stand for them), where it is the desk. `keys`:
    those of the steps that were sent to this account about them.
    """

    contacts: tuple[Contact, ...] = ()
    conversations: tuple[str, ...] = ()
    tickets: tuple[str, ...] = ()
    peers: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()


@runtime_checkable
class Forgets(Protocol):
    """Has something about people in its records, or knows where the vendor has.

    Both may be asked any number of times. Neither asks the vendor anything: what is kept there is the admin's to
    remove, with the vendor's own means. A bot's `forget` may remove what it keeps of what it was asked.
    """

    async def records_of(self, subject: Subject) -> dict[str, Any]:
        """What this account's records hold about somebody, as JSON that a person can read; files as `Media`."""
        ...

    async def forget(self, subject: Subject) -> Sequence[Said]:
        """Removes it from the records, for good. Returns what is left for the admin to do at the vendor: sentences in
        both languages that name what is meant (ticket numbers) and where it is found.
        """
        ...
