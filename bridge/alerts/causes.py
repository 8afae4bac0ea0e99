"""What is wrong at a moment, by cause. No customer's words, and nothing that could not stand in a group chat."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from bridge.advice import SOON
from bridge.away import reason_of
from bridge.events.overview import is_late, receivers_json
from bridge.services.disks import mebibytes, shortages
from bridge.settings import Settings
from mappings import callbacks, goals, inbox, inspection, overview, state
from mappings.store import Tx

SILENT_AFTER = timedelta(hours=24)
WAITS_AFTER = timedelta(minutes=5)  # what an outage of less delays is soon gone
_BUSY = 20  # callbacks in a row of days from which silence is unusual
_NOISE = frozenset({"visit", "no callbacks"})

Causes = dict[str, dict[str, str]]
"""By cause (`paused.shop`): the facts that its words need."""


@dataclass(frozen=True, slots=True)
class Outside:
    """What the store does not know: until when the public address has its certificate, and accounts their credentials,
    where those end soon.
    """

    certificate_until: datetime | None = None
    secrets: Mapping[str, date] = field(default_factory=dict)


def causes_now(tx: Tx, settings: Settings, now: datetime, outside: Outside) -> dict[str, Causes]:
    """By receiver: what it should hear of. Everybody hears of the machine; of late answers those whom targets name."""
    common = {**_machine(settings), **_accounts(tx, now), **_callbacks(tx, now), **_events(tx, settings, now)}
    until = outside.certificate_until
    if until is not None and until - now < SOON:
        common["certificate"] = {"until": f"{until:%Y-%m-%d}"}
    for name, end in outside.secrets.items():
        common[f"secret.{name}"] = {"account": name, "until": f"{end}"}
    found: dict[str, Causes] = {name: dict(common) for name in settings.alerts}
    for row in goals.late_by_desk(tx, now) if settings.targets else ():
        target = settings.targets.get(row.target)
        for receiver in target.alert if target is not None else ():
            facts = {"account": row.desk, "count": str(row.number), "since": f"{row.earliest:%Y-%m-%d %H:%M}"}
            facts["url"] = f"{settings.bridge.public_url}/console/routes#targets"
            if receiver in found:
                found[receiver][f"late.{row.desk}.{row.target}"] = facts
    return found


def _machine(settings: Settings) -> Causes:
    """The disks of the machine that sends the alerts."""
    of = settings.bridge
    return {
        f"disk.{one.what}" if one.free >= 0 else "unwritable.files": {
            "place": str(one.place), "free": mebibytes(max(0, one.free)), "least": mebibytes(one.least)
        }
        for one in shortages(of.media_dir, of.database_url, of.keep_free)
    }  # fmt: skip


def _events(tx: Tx, settings: Settings, now: datetime) -> Causes:
    receivers = receivers_json(tx, settings.events) if settings.events else []
    return {
        f"events.{one['receiver']}": {
            "receiver": one["receiver"],
            "waiting": str(one["waiting"]),
            "dead": str(one["dead"]),
            "why": one["trouble"] or "-",
        }
        for one in receivers
        if is_late(one, now)
    }


def _accounts(tx: Tx, now: datetime) -> Causes:
    found: Causes = {}
    for name, pause in state.pauses(tx).items():
        if pause.until is None:
            found[f"paused.{name}"] = {"account": name, "why": reason_of(pause.reason)[:200]}
    for name, (since, code) in overview.refused_since(tx, now - WAITS_AFTER).items():
        if f"paused.{name}" not in found:
            found[f"waits.{name}"] = {"account": name, "since": f"{since:%Y-%m-%d %H:%M}", "why": code or "-"}
    for name, count in inspection.count_given_up(tx).items():
        found[f"dead.{name}"] = {"account": name, "count": str(count)}
    for (name, what), count in inbox.count_raws(tx).items():
        if what == "quarantined":
            found[f"quarantined.{name}"] = {"account": name, "count": str(count)}
    return found


def _callbacks(tx: Tx, now: datetime) -> Causes:
    found: Causes = {}
    for name, seen in callbacks.refusals(tx, now).items():
        bad = [one for one in seen if one.outcome not in _NOISE]
        if bad:
            found[f"refused.{name}"] = {"account": name, "why": bad[0].outcome, "count": str(bad[0].number)}
    for row in callbacks.accepted(tx):
        if row.number >= _BUSY and now - row.at > SILENT_AFTER:
            found[f"silent.{row.account}"] = {"account": row.account, "since": f"{row.at:%Y-%m-%d %H:%M}"}
    return found


def changed(before: Mapping[str, str], now: Causes) -> tuple[list[str], list[str]]:
    """(what is new, what is over): causes by their stored state against those of this moment."""
    new = [cause for cause in now if before.get(cause) in {None, "well"}]
    over = [cause for cause, stage in before.items() if cause not in now and stage != "well"]
    return new, over
