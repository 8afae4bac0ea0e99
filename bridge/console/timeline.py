"""Both sides of one conversation as one timeline: what was said, and how far each message came."""

import json
import re
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Row

from bridge.away import pauses_by_account
from bridge.cli.trace import allowance_json, steps_json, what_releases
from bridge.console.texts import say, say_if
from bridge.console.words import hidden, mask, parts_of, reason_in
from bridge.contract import Message
from bridge.engine.context import Runtime
from bridge.engine.conversation.allowance import Allowance
from mappings import inspection, links, waiting
from mappings.lanes import is_towards_customer, is_towards_desk
from mappings.links import LinkRow
from mappings.states import StepState
from mappings.store import Tx

_PAGE = 60  # steps

Entry = dict[str, Any]


class Reader(NamedTuple):
    """Whoever looks: whether what people say is hidden from them, and their language."""

    masked: bool
    language: str


def timeline(
    tx: Tx, runtime: Runtime, link: LinkRow, reader: Reader, before: int | None = None
) -> tuple[list[Entry], int | None]:
    """Entries, the oldest first, and the step to go back before. What waits stands at the end of the last page.

    An entry is a message with the steps that carry it (stations and attempts as `bridge trace` has them).
    """
    masked, language = reader
    away = pauses_by_account(tx, language)
    steps = inspection.latest_steps(tx, link.id, before=before, limit=_PAGE)
    told = {step["step"]: _meant(step, language) for step in steps_json(tx, link, steps, away, language)}
    found: dict[str, Entry] = {}
    for step in steps:
        shown = told[step.id] | {"reason": reason_in(step.reason, language)}
        carried = [Message.model_validate(one) for one in json.loads(step.messages)]
        if not carried:
            found[f"s{step.id}"] = _bare(step, shown)
        for message in carried:
            entry = found.get(message.id) or _entry(message, masked=masked, runtime=runtime)
            _goes_to(entry, step.account, step.lane)
            entry["at"] = entry["at"] or step.created_at
            entry["steps"].append(_masked(shown) if masked else shown)
            entry["state"] = _worse(entry["state"], shown["state"])
            found[message.id] = entry
    if before is None:
        for lane in (links.lane_to_desk(link.id), links.lane_to_channel(link.id)):
            for row in waiting.waiting_in(tx, lane):
                message = Message.model_validate_json(row.message)
                entry = found.get(message.id) or _entry(message, masked=masked, runtime=runtime)
                _goes_to(entry, row.account, lane)
                entry |= {"at": row.created_at, "state": "held" if row.held else "waiting"}
                entry["held"] = _held(row.held, link.held_by, language) or away.get(row.account, "")
                entry["due"] = row.due_at if not entry["held"] and row.due_at > runtime.now() else None
                found[message.id] = entry
    # marks that arrived have no words
    entries = [one for one in found.values() if one["parts"] or one["state"] != StepState.DONE]
    return entries, steps[0].id if len(steps) == _PAGE else None


def _held(held: str, holder: str, language: str) -> str:
    """What a message that no step carries waits for; "" for one that is not held."""
    cause = held.partition(" (")[0].partition(":")[0]
    return say_if(language, f"held.{cause.replace(' ', '_')}", what_releases(held, holder, language))


def _goes_to(entry: Entry, account: str, lane: int) -> None:
    """A customer's words may go to a bot first and to the desk after it."""
    if account not in entry["to"]:
        entry["to"].append(account)
    entry["to_customer"] = entry["to_customer"] or is_towards_customer(lane)


def _entry(message: Message, *, masked: bool, runtime: Runtime) -> Entry:
    parts = []
    for kind, words, media in parts_of(message):
        file = None
        if media is not None:
            name = media.name or kind
            file = {
                "name": hidden(name) if masked else name,
                "size": media.size,
                "error": media.error,
                "url": runtime.link_to(media) if media.sha256 and not masked else "",
                "mime": media.mime,
            }
        parts.append({"kind": kind, "words": hidden(words) if masked else words, "file": file})
    note = message.audience.value == "agents"
    return {
        "id": message.id,
        "by": message.author.kind.value,
        "name": mask(message.author.name) if masked else message.author.name,
        "to": [],
        "to_customer": False,
        "note": note,
        "parts": parts,
        "at": message.sent_at,
        "state": "",
        "held": "",
        "due": None,
        "steps": [],
    }


def _bare(step: Row[Any], shown: dict[str, Any]) -> Entry:
    """A step that carries nothing that anybody said: labels, an invitation."""
    return {
        "id": f"s{step.id}", "by": "bridge", "name": "", "to": [step.account],
        "to_customer": is_towards_customer(step.lane), "note": is_towards_desk(step.lane), "parts": [],
        "at": step.created_at, "state": shown["state"], "held": "", "due": None, "steps": [shown],
        "verb": shown["verb"],
    }  # fmt: skip


def _masked(step: dict[str, Any]) -> dict[str, Any]:
    """Without what a vendor quoted: its answers may repeat what was said."""
    attempts = [{**one, "detail": hidden(one["detail"])} for one in step["attempts"]]
    return {**step, "attempts": attempts, "why": step["why"].partition(":")[0]}


_RANK = ("", "done", "ready", "parked", "unknown", "dropped", "unconfirmed", "dead", "failed")


def _worse(one: str, other: str) -> str:
    """Of the states of a message's steps the one that matters most."""
    return max((one, other), key=lambda state: _RANK.index(state) if state in _RANK else len(_RANK))


def allowance_of(link: LinkRow, now: Any) -> dict[str, Any]:
    """The allowance as it is counted now; {} where nothing is counted."""
    return allowance_json(link.allowance, now)


def _meant(step: dict[str, Any], language: str) -> dict[str, Any]:
    """With the allowance of its moment in the reader's words."""
    counted = step["allowance"]
    found = {**counted, "means": _counted(counted, language)} if counted else counted
    attempts = [{**one, "detail": _said_of_allowance(one["detail"], language)} for one in step["attempts"]]
    return {**step, "allowance": found, "attempts": attempts}


_LEFT = re.compile(r"\((before it: )?(∞|\d+) left(?: until ([\d-]{10} [\d:]{5}))?\)")


def _said_of_allowance(detail: str, language: str) -> str:
    """What the journal of attempts says of the allowance, at the end of what the vendor said."""

    def say_it(found: re.Match[str]) -> str:
        before, left, until = found.groups()
        key = "away.some_left" if until else "away.none_left"
        said = say(language, key, n=left, until=f"{until} UTC")
        return say(language, "conversation.left_before" if before else "conversation.left_then", said=said)

    return _LEFT.sub(say_it, detail)


def _counted(found: dict[str, Any], language: str) -> str:
    """What an allowance meant when a step was made."""
    left = Allowance.model_validate({key: value for key, value in found.items() if key not in {"at", "means"}})
    at = datetime.fromisoformat(found["at"])
    until = left.until(at)
    if until is None:
        return say(language, "away.none_left")
    return say(language, "away.some_left", n=left.remaining(at), until=f"{until:%Y-%m-%d %H:%M} UTC")
