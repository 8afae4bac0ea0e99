"""What other systems are told (`[[events]]`): written in the transaction that causes it, one row for each receiver.

The rows of one conversation are written under its link's lock, so that their ids run in the order in which things
happened. Where nobody is to be told, nothing is done here.
"""

import json
from collections.abc import Sequence
from typing import Any

from bridge.contract import AuthorKind, Message, Phrases
from bridge.engine.context import Work
from bridge.engine.runtime.ids import new_name
from mappings import outgoing
from mappings.links import LinkRow
from mappings.states import StepState

_FROM = {AuthorKind.CUSTOMER: "customer", AuthorKind.AGENT: "person", AuthorKind.BOT: "bot"}
_STATUS = {"open": "conversation.reopened", "solved": "conversation.solved", "closed": "conversation.closed"}


def announce(
    work: Work, link: LinkRow, kind: str, data: dict[str, Any] | None = None, *, messages: Sequence[Message] = ()
) -> None:
    """Something happened in a conversation. `messages` are told of with their words only where those are wanted."""
    wanted = [one for one in work.runtime.settings.events if one.wants(kind)]
    if not wanted:
        return
    name = f"evt_{new_name()}"
    rows = []
    for one in wanted:
        told = {"conversation": _conversation(link), **(data or {})}
        if messages:
            told["messages"] = [_message(message, work.runtime.language, texts=one.texts) for message in messages]
        body = {"type": kind, "timestamp": f"{work.now:%Y-%m-%dT%H:%M:%S.%fZ}", "data": told}
        rows.append(
            {
                "receiver": one.receiver, "name": name, "kind": kind, "link_id": link.id, "at": work.now,
                "thread": f"{link.channel}:{link.conversation}", "data": json.dumps(body, ensure_ascii=False),
            }
        )  # fmt: skip
    outgoing.add_events(work.tx, rows)


def announce_state(work: Work, link: LinkRow, state: str) -> None:
    """A conversation's ticket is about to go to another state than `link` says."""
    if work.runtime.announces and state != link.state and state in _STATUS:
        announce(work, link, _STATUS[state])


def announce_end(work: Work, link: LinkRow, messages: Sequence[Message], state: str, code: str, reason: str) -> None:
    """Answers did not reach the customer, or nobody knows whether they did."""
    if not work.runtime.announces:
        return
    kind = "message.unconfirmed" if state == StepState.UNCONFIRMED else "message.failed"
    announce(work, link, kind, {"code": code, "reason": reason}, messages=messages)


def _conversation(link: LinkRow) -> dict[str, Any]:
    return {
        "id": link.id, "channel": link.channel, "conversation": link.conversation, "person": link.person_id,
        "desk": link.desk, "ticket": link.ticket,
    }  # fmt: skip


def _message(message: Message, language: str, *, texts: bool) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": message.id,
        "from": _FROM.get(message.author.kind, "automatic"),
        "kinds": list(dict.fromkeys(part.kind for part in message.parts)),
    }
    if message.sent_at is not None:
        told["at"] = f"{message.sent_at:%Y-%m-%dT%H:%M:%SZ}"
    return told | {"text": Phrases(language).message(message), "author": message.author.name} if texts else told
