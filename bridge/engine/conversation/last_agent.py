"""Who served a customer last: said on the next ticket, and given it where the desk can say that the agent is there."""

import json
from datetime import timedelta
from typing import NamedTuple

from bridge.contract import AuthorKind, Message
from bridge.engine.context import Work
from mappings import history

_REMEMBERS = timedelta(days=30)
LAST_AGENT = "last_agent"
"""Among a ticket's fields: the desk's own id of the agent. A desk that knows who is there gives the ticket to them."""


class Served(NamedTuple):
    """An agent, as the desk knows them. `name` may be unknown."""

    desk: str
    id: str
    name: str


def last_served(work: Work, person_id: int, without: int = 0) -> Served | None:
    """Who answered a person last, within 30 days, on links other than one."""
    for row in history.last_answers(work.tx, person_id, without, work.now - _REMEMBERS):
        for message in reversed([Message.model_validate(one) for one in json.loads(row.messages)]):
            if message.author.kind is AuthorKind.AGENT and (message.author.name or message.author.id):
                return Served(row.desk, message.author.id, message.author.name)
    return None
