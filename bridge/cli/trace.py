"""Where a message is and why: everything the tables know of one id, in order. No message text."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row

from bridge.away import Away, pauses_by_account
from bridge.console.texts import say
from bridge.engine.conversation.allowance import Allowance
from mappings import consents, handovers, inbox, inspection, links, turns, waiting
from mappings.inspection import Tried
from mappings.links import LinkRow
from mappings.states import StepState
from mappings.store import Tx

Arrival = tuple[datetime | None, datetime | None]


def trace_json(tx: Tx, identifier: str, now: datetime | None = None) -> dict[str, Any]:
    """All links that an id leads to, each with its messages and steps; and payloads by that id."""
    now = now or datetime.now(UTC)
    away = pauses_by_account(tx)
    refs = links.find_refs(tx, identifier)
    came = [ref.inbox_id for ref in refs if ref.inbox_id is not None]
    raws = inbox.find_raws(tx, identifier, came)
    found: dict[int, set[str]] = {}
    for ref in refs:
        found.setdefault(ref.link_id, set()).add(ref.message_id)
    for link_id in inspection.links_named(tx, identifier):
        found[link_id] = set()  # a ticket whose number is also a message's: all of it
    return {
        "id": identifier,
        "raws": [_raw(row) for row in raws.rows],
        "raws_since": _time(raws.since),
        "links": [_link(tx, link_id, wanted, now, away) for link_id, wanted in sorted(found.items())],
    }


def _link(tx: Tx, link_id: int, wanted: set[str], now: datetime, away: Away) -> dict[str, Any]:
    link = links.get_link(tx, link_id)
    steps = inspection.steps_of_link(tx, link_id)
    if wanted:
        steps = [step for step in steps if wanted & _covered(step) or wanted & _made(step)]
    lanes = [lane(link_id) for lane in (links.lane_to_desk, links.lane_to_channel, links.lane_of_labels)]
    held = [row for lane in lanes for row in waiting.waiting_in(tx, lane) if not wanted or row.message_id in wanted]
    return {
        "link": link.id,
        "channel": link.channel,
        "conversation": link.conversation,
        "desk": link.desk,
        "ticket": link.ticket,
        "state": link.state,
        "person": link.person_id,
        "held_by": link.held_by,
        "holder": link.holder,
        "term": link.term,
        "turns": [_turn(row) for row in turns.turns_of_link(tx, link.id)],
        "handovers": [_handover(row) for row in handovers.handovers_of(tx, [link.id])],
        "allowance": allowance_json(link.allowance, now),
        "consents": {row.template: row.left for row in consents.consents_of(tx, link.channel, link.conversation)},
        "waiting": [
            {
                "message": row.message_id,
                "to": row.account,
                "held": row.held,
                "since": _time(row.created_at),
                "next": None if row.held else _time(row.due_at),
                "waits_for": what_releases(row.held, link.held_by)
                or away.get(row.account, "")
                or _turn_at(tx, link, row, now),
            }
            for row in held
        ],
        "steps": steps_json(tx, link, steps, away),
    }


def link_json(tx: Tx, link_id: int, now: datetime) -> dict[str, Any]:
    """All that is known of one conversation that there is."""
    return _link(tx, link_id, set(), now, pauses_by_account(tx))


def steps_json(
    tx: Tx, link: LinkRow, steps: Sequence[Row[Any]], away: Away, language: str = "en"
) -> list[dict[str, Any]]:
    """Steps of a link with their stations and attempts."""
    journals = inspection.journals_of(tx, steps)
    arrivals = inspection.arrivals_of(tx, link.id, list(journals))
    return [
        _step(step, journals[step.id], arrivals.get(step.id, (None, None)))
        | {"waits_for": _waits_for(step, link.held_by, away, language)}
        for step in steps
    ]


def _step(step: Row[Any], journal: list[Tried], arrival: Arrival) -> dict[str, Any]:
    received, stored = arrival
    return {
        "step": step.id,
        "key": step.key,
        "to": step.account,
        "verb": json.loads(step.step)["verb"],
        "messages": sorted(_covered(step)),
        "omitted": [
            {"message": message["id"], "what": one["what"], "characters": one["size"]}
            for message in json.loads(step.messages)
            for one in message.get("omitted", ())
        ],
        "state": "unknown" if step.unknown and step.state == StepState.READY else step.state,
        "why": f"{step.code}: {step.error}" if step.code else "",
        "received": _time(received),
        "stored": _time(stored),
        "rendered": _time(step.created_at),
        "due": _time(step.due_at),
        "next": _time(step.due_at) if step.state == StepState.READY and step.begun_at is None else None,
        "done": _time(step.done_at),
        "receipt": json.loads(step.receipt) if step.receipt else None,
        "allowance": allowance_json(step.allowance, step.created_at) if step.allowance else None,
        "attempts": [
            {
                "number": one.number,
                "begun": _time(one.begun_at),
                "ended": _time(one.ended_at),
                "outcome": one.outcome,
                "code": one.code,
                "detail": one.detail,
            }
            for one in journal
        ],
    }


def _turn(row: Row[Any]) -> dict[str, Any]:
    return {
        "step": row.outbox_id, "bot": row.account, "mode": row.mode, "term": row.term, "state": row.state,
        "verdict": row.verdict, "why": row.why, "tokens": row.tokens, "at": _time(row.at), "ended": _time(row.ended_at),
    }  # fmt: skip


def _handover(row: Row[Any]) -> dict[str, Any]:
    return {
        "at": _time(row.at), "from": row.from_account, "to": row.to_account, "why": row.why, "who": row.who,
        "term": row.term, "left": row.left_id, "link": row.link_id,
    }  # fmt: skip


def _turn_at(tx: Tx, link: LinkRow, row: Row[Any], now: datetime) -> str:
    """A desk that counts updates of a ticket takes them one after the other."""
    spread = row.due_at > now and row.lane == links.lane_to_desk(link.id) and links.causes_told(tx, link.id, "paced.")
    return say("en", "away.turn", at=_time(row.due_at)) if spread else ""


def what_releases(why: str, holder: str, language: str = "en") -> str:
    """Who has to act before something that is held goes; "" for what is not held (`why`)."""
    waits_for = say(language, "away.release", who=holder) if holder else say(language, "away.customer")
    return waits_for if why else ""


def _waits_for(step: Row[Any], holder: str, away: Away, language: str) -> str:
    """What has to happen before it goes on; "" for nothing but its turn."""
    if step.state == StepState.PARKED:
        return what_releases("parked", holder, language)
    return away.get(step.account, "") if step.state == StepState.READY else ""


def allowance_json(text: str, at: datetime) -> dict[str, Any]:
    """The allowance as it was counted at a moment: what it held, and what that meant."""
    found: dict[str, Any] = json.loads(text)
    return {**found, "at": _time(at), "means": Allowance.model_validate_json(text).summary(at)} if found else {}


def _raw(row: Row[Any]) -> dict[str, Any]:
    return {
        "account": row.account,
        "key": row.key,
        "state": row.state,
        "error": row.error,
        "received": _time(row.received_at),
        "routed": _time(row.done_at),
    }


def trace_text(found: dict[str, Any]) -> str:
    """The same for people."""
    lines = [
        f"{raw['received']}  received at {raw['account']} as {raw['key']}: {raw['state']} {raw['error']}".rstrip()
        for raw in found["raws"]
    ]
    if found["raws_since"]:
        lines.append(f"payloads that became no message were looked through back to {found['raws_since']}")
    for link in found["links"]:
        ticket = link["ticket"] or "no ticket yet"
        ends = f"{link['channel']} {link['conversation']} ↔ {link['desk']} {ticket}"
        lines.append(f"link {link['link']}: {ends} ({link['state']})")
        if link["held_by"]:
            lines.append(f"    answers are held back by {link['held_by']}")
        if link["allowance"]:
            lines.append(f"    allowance now: {_allowance(link['allowance'])}")
        if link["holder"] not in {"", link["desk"]}:
            lines.append(f"    held by {link['holder']} (term {link['term']})")
        for one in link["turns"]:
            said = f"{one['state']} {one['verdict']} {one['why']}".strip()
            cost = f", {one['tokens']} tokens" if one["tokens"] else ""
            lines.append(f"    {one['at']}  {one['bot']} asked (step s{one['step']}, term {one['term']}): {said}{cost}")
        for one in link["handovers"]:
            who = f" ({one['who']})" if one["who"] else ""
            lines.append(f"    {one['at']}  {one['from']} → {one['to']}: {one['why']}{who}, term {one['term']}")
        for row in link["waiting"]:
            why = f", held: {row['held']}" if row["held"] else ""
            why += f"; waits for {row['waits_for']}" if row["waits_for"] else f", next attempt {row['next']}"
            lines.append(f"    {row['since']}  waits for {row['to']}: {row['message']}{why}")
        for step in link["steps"]:
            lines += _step_lines(step)
    return "\n".join(lines)


def _step_lines(step: dict[str, Any]) -> list[str]:
    carries = ", ".join(step["messages"]) or "nothing"
    head = f"    {step['rendered']}  {step['verb']} → {step['to']}: {step['state']} {step['why']}".rstrip()
    lines = [f"{head}  (step s{step['step']}, carries {carries})"]
    if step["received"]:
        lines.append(f"        {step['received']}  received; in its lane {step['stored']}")
    for one in step["omitted"]:
        what = {"history": "quoted history"}.get(one["what"], one["what"])
        lines.append(f"        left out of {one['message']}: {what}, {one['characters']} characters")
    if step["allowance"]:
        lines.append(f"        allowance when rendered: {_allowance(step['allowance'])}")
    if step["waits_for"]:
        lines.append(f"        waits for {step['waits_for']}")
    elif step["next"]:
        lines.append(f"        next attempt {step['next']}")
    for one in step["attempts"]:
        result = f"{one['outcome'] or 'no result'} {one['code']} {one['detail']}".rstrip()
        lines.append(f"        {one['begun']}  attempt {one['number']}: {result}")
    return lines


def _allowance(allowance: dict[str, Any]) -> str:
    """In words: what is left, why, and since when."""
    facts = [str(allowance["means"])]
    for name, word in (("spoke_at", "customer wrote"), ("entered_at", "opened the chat"), ("answered_at", "answered")):
        if allowance.get(name):
            facts.append(f"{word} {allowance[name]}")
    return f"{', '.join(facts)}; {allowance.get('used', 0)} used since the customer wrote"


def _covered(step: Row[Any]) -> set[str]:
    return set(json.loads(step.step).get("covers", ()))


def _made(step: Row[Any]) -> set[str]:
    return set(json.loads(step.receipt).get("ids", ())) if step.receipt else set()


def _time(moment: datetime | None) -> str | None:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z" if moment is not None else None
