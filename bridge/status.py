"""`bridge status`: one screen that says whether somebody has to do something."""

import json
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row

from bridge.away import reason_of, who_paused
from bridge.cli.dead_letters import waiting_counts
from bridge.console.texts import say, say_if
from bridge.contract import Throttled
from bridge.engine.conversation.allowance import Allowance
from bridge.events.overview import is_late, receivers_json
from bridge.services.disks import FILES, mebibytes, shortages
from bridge.settings import Settings
from mappings import callbacks, goals, inbox, inspection, overview, state, waiting
from mappings.states import FAILED, RawState
from mappings.store import Tx

_MOST = 10  # customers on the screen
_LOOKED = 200  # of whom the first to go are chosen: they come in the order in which they are warned of
_ORDER = ("paused", "refused", "throttled", "retrying", "ok")  # what needs somebody stands first
_NOISE = frozenset({"visit", "no callbacks"})


def status_json(tx: Tx, settings: Settings, now: datetime | None = None, language: str = "en") -> dict[str, Any]:
    """Accounts with state and reason, what waits, and the customers who will become unreachable, by deadline."""
    return said_in(status_facts(tx, settings, now), settings, language)


def status_facts(tx: Tx, settings: Settings, now: datetime | None = None) -> dict[str, Any]:
    """The same before it is said in a language: what the database knows. Reasons are as they are stored."""
    now = now or datetime.now(UTC)
    names = dict.fromkeys([*settings.accounts, *state.pauses(tx)])
    accounts = _accounts(tx, list(names), settings, now)
    customers, count = _customers(tx, now)
    events = [one | {"needs_you": is_late(one, now)} for one in receivers_json(tx, settings.events)]
    return {
        "at": _time(now),
        "serving": overview.serves(tx, now),
        "accounts": accounts,
        "events": events,
        "oldest_waiting": min((one["oldest_waiting"] for one in accounts if one["oldest_waiting"]), default=None),
        "next_attempt": min((one["next_attempt"] for one in accounts if one["next_attempt"]), default=None),
        **{name: sum(one[name] for one in accounts) for name in _COUNTS},
        "late": [
            {"desk": row.desk, "target": row.target, "count": row.number, "since": _time(row.earliest)}
            for row in (goals.late_by_desk(tx, now) if settings.targets else ())
        ],
        "unreachable_soon": customers,
        "unreachable_count": count,
    }


def _accounts(tx: Tx, names: list[str], settings: Settings, now: datetime) -> list[dict[str, Any]]:
    pauses, refused = state.pauses(tx), callbacks.refusals(tx, now)
    steps, raws, held = inspection.count_steps(tx), inbox.count_raws(tx), waiting.count_waiting(tx)
    waits, parked = waiting_counts(tx), overview.parked_counts(tx)
    oldest, next_attempts = overview.oldest_waiting(tx), overview.next_attempts(tx)
    tried, spread = _tried(tx), overview.spread_tickets(tx, now)
    found = []
    for name in names:
        pause = pauses.get(name)
        refusals = [one for one in refused.get(name, ()) if one.outcome not in _NOISE]
        what, reason, since = "ok", "", None
        if pause is not None:
            what, reason, since = "throttled", pause.reason, pause.since
            if pause.until is None:
                what = "paused"
        elif refusals:
            what, since = "refused", refusals[0].since
        elif name in next_attempts:
            what, reason = tried.get(name, ("retrying", ""))
        elif name in spread:
            what = "throttled"
        due = next_attempts.get(name)
        taking_turns, all_there = spread.get(name, (0, None))
        if pause is not None:
            due = pause.until
        found.append(
            {
                "account": name,
                "kind": str(settings.accounts.get(name, {}).get("kind", "no longer configured")),
                "state": what,
                "reason": reason,
                "paused_by": who_paused(reason),
                "spread": taking_turns,
                "spread_until": _time(all_there),
                "since": _time(since),
                "until": _time(pause.until) if pause is not None else None,
                "next_attempt": _time(due),
                "oldest_waiting": _time(oldest.get(name)),
                "waiting": waits.get(name, 0),
                "held": held.get((name, True), 0) + parked.get(name, 0),
                **{str(one): steps.get((name, one), 0) for one in FAILED},
                "quarantined": raws.get((name, "quarantined"), 0),
                "callbacks_refused": [
                    {"cause": one.outcome, "count": one.number, "last": _time(one.at), "remedy": dict(one.remedy)}
                    for one in refusals
                ],
            }
        )
    return sorted(found, key=lambda one: _ORDER.index(one["state"]))


def _tried(tx: Tx) -> dict[str, tuple[str, str]]:
    """By account: whether the step that is tried next only waits for a limit, and what it says."""
    found: dict[str, tuple[str, str]] = {}
    for row in overview.tried_steps(tx):
        state = "throttled" if row.code == Throttled.__name__ else "retrying"
        where = f"bridge trace s{row.id}"
        said = f"{row.code}: {row.error} ({where})" if row.error else ""
        if row.reason:  # the connector's own sentences
            found.setdefault(row.account, (state, _placed(row.reason, f"{row.code}, {where}")))
        found.setdefault(row.account, (state, said))
    return found


def _placed(reason: str, where: str) -> str:
    """Sentences by language, each with where more is known."""
    said = {language: f"{text.rstrip('.。')} ({where})" for language, text in json.loads(reason).items()}
    return json.dumps(said, ensure_ascii=False)


def said_in(facts: dict[str, Any], settings: Settings, language: str) -> dict[str, Any]:
    """With reasons, remedies and the machine's own troubles in a language."""
    accounts = [
        {**one, "reason": _reason(one, language), "remedy": _remedy(one, language)} for one in facts["accounts"]
    ]
    machine = _machine(settings, language)
    calls = [f"{one['account']}: {one['reason']}" for one in accounts if one["state"] in {"paused", "refused"}]
    events = [
        say(language, "status.events_late", name=one["receiver"], why=one["trouble"] or "-")
        for one in facts["events"]
        if one["needs_you"]
    ]
    return {**facts, "needs_you": [*machine, *calls, *events], "machine": machine, "accounts": accounts}


def _reason(account: dict[str, Any], language: str) -> str:
    """Why an account is as it is, in a language."""
    match account["state"]:
        case "throttled" if account["spread"] and not account["reason"]:
            return say(language, "status.spread", count=account["spread"], until=account["spread_until"])
        case "throttled" | "retrying" if account["reason"] and account["until"] is None and not account["paused_by"]:
            return reason_of(account["reason"], language) if account["reason"].startswith("{") else account["reason"]
        case "paused" | "throttled":
            return reason_of(account["reason"], language)
        case "refused":
            cause = account["callbacks_refused"][0]["cause"]
            shown = cause if language == "en" else say_if(language, f"cause.{cause.replace(' ', '_')}", cause)
            return say(language, "status.refused", cause=shown)
        case "retrying":
            return say(language, "status.retrying")
    return ""


def _remedy(account: dict[str, Any], language: str) -> str:
    """What helps, in a language; "" where nothing has to be done."""
    if account["state"] == "paused":
        return f"bridge doctor --account {account['account']}"
    if account["state"] == "refused":
        remedy = account["callbacks_refused"][0]["remedy"]
        return str(remedy.get(language) or remedy.get("en", ""))
    return ""


def _machine(settings: Settings, language: str) -> list[str]:
    """What this machine refuses, or soon will, whatever the accounts do."""
    of = settings.bridge
    found = []
    for one in shortages(of.media_dir, of.database_url, of.keep_free):
        key = "status.folder" if one.free < 0 else "status.free" if one.what == FILES else "status.database_disk"
        least = mebibytes(one.least)
        found.append(say(language, key, folder=one.place, free=mebibytes(max(0, one.free)), least=least))
    return found


def _customers(tx: Tx, now: datetime) -> tuple[list[dict[str, Any]], int]:
    """Who waits for an answer that can only be given until a deadline, or has one waiting here: the first few to become
    unreachable, and how many there are.
    """
    held = overview.held_links(tx)
    found = overview.ending_links(tx, _LOOKED)
    ends = []
    for link in found:
        end = json.loads(link.allowance).get("message", {}).get("until")
        until = datetime.fromisoformat(end) if end else None
        if until is not None and until > now:
            ends.append((until, link))
    ends.sort(key=lambda one: one[0])
    count = len(ends) if len(found) < _LOOKED else found[0].number
    return [_customer(link, until, now, waits=link.id in held) for until, link in ends[:_MOST]], count


def _customer(link: Row[Any], until: datetime, now: datetime, *, waits: bool) -> dict[str, Any]:
    return {
        "link": link.id,
        "channel": link.channel,
        "conversation": link.conversation,
        "desk": link.desk,
        "ticket": link.ticket,
        "until": _time(until),
        "seconds": int((until - now).total_seconds()),
        "replies_left": Allowance.model_validate_json(link.allowance).remaining(now),
        "answer_waits": waits,
    }


_MARKS = {"ok": "✓", "paused": "✗", "refused": "✗", "throttled": "!", "retrying": "!"}
_COUNTS = ("waiting", "held", *FAILED, RawState.QUARANTINED)


def status_text(found: dict[str, Any], language: str = "en") -> str:
    """The same for people."""
    serving = say(language, "status.serving" if found["serving"] else "status.not_serving")
    lines = [f"{found['at']}  {serving}", ""]
    lines += [f"[✗] {one}\n      → bridge doctor" for one in found["machine"]]
    width = max((len(one["account"]) for one in found["accounts"]), default=0)
    for one in found["accounts"]:
        state = one["state"] if language == "en" else say(language, f"health.{one['state']}")
        head = f"[{_MARKS[one['state']]}] {one['account']:<{width}}  {one['kind']}  {state}"
        since = f" {say(language, 'status.since', at=one['since'])}" if one["since"] else ""
        lines.append(f"{head}{since}{': ' if one['reason'] else ''}{one['reason']}")
        if one["remedy"]:
            lines.append(f"      → {one['remedy']}")
        counts = [_counted(one[name], name, language) for name in _COUNTS if one[name]]
        if one["oldest_waiting"]:
            counts.append(say(language, "status.oldest", at=one["oldest_waiting"]))
        if one["next_attempt"]:
            counts.append(say(language, "status.next", at=one["next_attempt"]))
        if counts:
            lines.append(f"      {say(language, 'status.comma').join(counts)}")
    if found["late"]:
        lines.append("")
    lines += [say(language, "status.late", **one) for one in found["late"]]
    for one in found["events"]:
        mark = "✗" if one["needs_you"] else "✓"
        lines.append(
            f"[{mark}] {say(language, 'status.events', name=one['receiver'], n=one['waiting'], dead=one['dead'])}"
        )
        if one["needs_you"]:
            lines.append(f"      → {one['trouble'] or 'bridge dead list'}; bridge events list")
    if found["unreachable_soon"]:
        lines += ["", say(language, "status.soon", n=found["unreachable_count"])]
    for one in found["unreachable_soon"]:
        ticket = one["ticket"] or say(language, "status.no_ticket")
        hours, minutes = one["seconds"] // 3600, f"{one['seconds'] % 3600 // 60:02}"
        left = say(language, "status.left", hours=hours, minutes=minutes)
        waits = say(language, "status.held") if one["answer_waits"] else ""
        lines.append(f"    {one['until']}  {left}  {one['channel']} {one['conversation']} ↔ {ticket}{waits}")
    totals = say(language, "status.comma").join(_counted(found[name], name, language) for name in _COUNTS)
    return "\n".join([*lines, "", f"{totals}{say(language, 'status.stop')} {_calls(found, language)}"])


def _counted(number: int, name: str, language: str) -> str:
    return f"{number} {name}" if language == "en" else f"{say(language, f'counts.{name}')} {number}"


def _calls(found: dict[str, Any], language: str) -> str:
    accounts = sum(one["state"] in {"paused", "refused"} for one in found["accounts"])
    machine = say(language, "status.machine") if found["machine"] else ""
    need = say(language, "status.need", n=accounts, all=len(found["accounts"]))
    return f"{need}{machine}{say(language, 'status.stop')}"


def _time(moment: datetime | None) -> str | None:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}" if moment is not None else None
