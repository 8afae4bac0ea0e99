"""Who served a customer last: said on the next ticket, because no desk can be asked whether that agent is there."""

import json
from datetime import timedelta

from bridge.contract import AuthorKind, Message
from bridge.engine.context import Work
from bridge.engine.conversation.agent_notes import tell
from bridge.engine.conversation.decision import route_of
from mappings import history
from mappings.links import LinkRow

_REMEMBERS = timedelta(days=30)


def name_last_agent(work: Work, link: LinkRow) -> None:
    """A note with the agent's name, where the route sticks to agents and one answered within 30 days."""
    route = route_of(work.runtime, link)
    if route is None or route.stick != "agent":
        return
    for carried in history.last_answers(work.tx, link.person_id, link.id, work.now - _REMEMBERS):
        for message in map(Message.model_validate, json.loads(carried)):
            if message.author.kind is AuthorKind.AGENT and message.author.name:
                tell(work, link, "served.by", cause="served.by", name=message.author.name)
                return
