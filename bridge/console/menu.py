"""The pages of the console in the order of its menu."""

from typing import NamedTuple

from bridge.console.users import Session


class Item(NamedTuple):
    """A page: its name in the address and in the catalogue (`menu.…`), who sees it, and the key that leads there."""

    name: str
    role: str = "viewer"
    key: str = ""

    @property
    def path(self) -> str:
        return f"/console/{self.name}"


MENU = (
    Item("overview", key="o"),
    Item("conversations", key="c"),
    Item("problems", key="d"),
    Item("people", key="p"),
    Item("accounts", key="k"),
    Item("routes", key="r"),
    Item("bots", key="b"),
    Item("figures", key="f"),
    Item("deliveries", key="e"),
    Item("audit", key="u"),
    Item("settings", key="s"),
)


def menu_of(session: Session) -> list[Item]:
    """What somebody may open."""
    return [item for item in MENU if session.may(item.role)]
