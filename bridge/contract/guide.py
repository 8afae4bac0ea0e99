"""How an account is set up at its vendor, as the connector knows it: the wizard shows it, with the values in place."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from bridge.contract.described import MessageRef

_NONE: MessageRef = ("", "")


class ToEnter(NamedTuple):
    """One field of the vendor's page. `value` is `{hook_url}`, `{public_url}`, `{a key of the account}`, or what is
    chosen there; `says` translates a key's value into the vendor's words; `note` is the format, or a limit.
    """

    title: MessageRef
    value: str
    note: MessageRef = _NONE
    says: Mapping[str, MessageRef] = {}


@dataclass(frozen=True, slots=True)
class Guide:
    """What an admin does at the vendor. All of it may be left out: then the keys that can be made up are shown.

    `name` is what the vendor's product is called (`as_desk`: where the same kind is a desk). `prepare` is what must be
    there before its keys can be entered: a user and its rights, say. `place` is where `enter` is entered, and `save`
    what happens when it is saved; with `calls_back` that is a callback, which the wizard waits for. `warns` is what the
    admin should know before. `first` is how a customer writes for the first time.
    """

    name: MessageRef = _NONE
    as_desk: MessageRef = _NONE
    place: MessageRef = _NONE
    enter: tuple[ToEnter, ...] = field(default=())
    save: MessageRef = _NONE
    calls_back: bool = False
    warns: MessageRef = _NONE
    first: MessageRef = _NONE
    prepare: MessageRef = _NONE
