"""What becomes of a step, written down: accepted, again later, parked, moved, or ended with a word to the agents."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row

from bridge.contract import (
    Audience,
    AuthFailed,
    AuthorKind,
    ConnectorError,
    DeliveryState,
    Foretells,
    Gone,
    Rejected,
    Step,
    Throttled,
    WindowClosed,
)
from bridge.contract.storable import clean_text
from bridge.engine.context import Work
from bridge.engine.conversation import allowance
from bridge.engine.conversation.agent_notes import show_progress, tell, tell_ended, will_be_told
from bridge.engine.conversation.allowance import Allowance
from bridge.engine.conversation.announcement import announce_end
from bridge.engine.conversation.holding import hold
from bridge.engine.conversation.invitation import not_invited
from bridge.engine.conversation.labels import refresh
from bridge.engine.conversation.links import follow
from bridge.engine.conversation.notices import quote
from bridge.engine.conversation.queueing import carried_by
from bridge.engine.conversation.shop_messages import HELD
from bridge.engine.conversation.survey import not_asked
from bridge.engine.conversation.turns import answer_lost
from bridge.engine.outbound.accessories import is_accessory
from bridge.engine.outbound.attempt_facts import facts_of, took
from bridge.engine.outbound.bot_failure import question_failed
from bridge.engine.outbound.fields import ask_less, less_asked
from bridge.engine.outbound.labelling import label_failed
from bridge.engine.outbound.moved_steps import where_it_is
from bridge.engine.outbound.next_ticket import open_next
from bridge.engine.outbound.policy import Decision, Disposition, decide, still_unknown
from mappings import attempts, links, outbox, state
from mappings.links import LinkRow
from mappings.states import StepState
from mappings.store import Tx

_LOST = {Disposition.PARK, Disposition.FAIL, Disposition.UNCONFIRM, Disposition.GIVE_UP}
_TOLD_AFTER = timedelta(seconds=5)


def fail(work: Work, row: Row[Any], error: BaseException, *, looking: bool = False) -> Decision:
    """An attempt ended without acceptance: what happens next, by the policy.

    `looking` says that it was the look-up that failed: then the outcome of the step is as unknown as before.
    """
    code = clean_text(getattr(error, "code", "")) or type(error).__name__
    tries = row.tries + 1 if row.code == code else 1
    facts = facts_of(work.runtime, row, tries, work.now)
    if not getattr(error, "certain", False) and not looking:
        facts = replace(facts, settle=max(facts.settle, took(work, row)))
    decision = decide(error, facts)
    if looking:
        decision = still_unknown(decision, facts)
    row, link = where_it_is(work, row)
    if decision.hold_account is not None:
        state.pause(work.tx, row.account, _limit(error), work.now, decision.hold_account)
    apart = row.lane == links.lane_of_labels(link.id) or links.is_towards_bot(row.lane)
    if apart and decision.disposition is Disposition.PAUSE:
        _pause(work, row, error, code)
    if row.lane == links.lane_of_labels(link.id):
        return label_failed(work, row, link, error, decision, code)
    if links.is_towards_bot(row.lane):
        return question_failed(work, row, link, decision, code, _sentence(error))
    if decision.disposition is Disposition.PARK:
        decision = _unless_history(work.tx, row, link, decision, work.now)
    plainer = less_asked(row, link, error) if decision.disposition is Disposition.FAIL else None
    if plainer is not None:
        decision = Decision(Disposition.ANEW)
    reasons = _reasons(error)
    said = {"error": _sentence(error), "reason": json.dumps(reasons, ensure_ascii=False) if reasons else ""}
    values = {"code": code, **said, "tries": tries, **_changes(row, link, decision, work.now, looking)}
    detail = _sentence(error)
    if row.lane == links.lane_to_channel(link.id) and work.runtime.capabilities(link.channel).window is not None:
        detail = f"{detail} ({Allowance.model_validate_json(link.allowance).summary(work.now)})"
    if not attempts.settle(
        work.tx, row.id, row.lease, work.now, outcome=decision.disposition.value, detail=detail, **values
    ):
        work.effects.note("lease lost", account=row.account, step=row.id)
        return Decision(Disposition.RETRY)
    if plainer is not None:
        ask_less(work, link, plainer, _reason(error, work.runtime.language) or _sentence(error))
    _follow_up(work, row, link, error, decision, code)
    work.effects.accounts.add(row.account)
    work.effects.note(
        "attempt ended",
        account=row.account,
        lane=row.lane,
        step=row.id,
        disposition=decision.disposition.value,
        code=code,
    )
    return decision


def _changes(row: Row[Any], link: LinkRow, decision: Decision, now: datetime, looking: bool) -> dict[str, Any]:
    """What the disposition of a step is in its columns."""
    match decision.disposition:
        case Disposition.RETRY:
            return {"due_at": decision.due_at, "unknown": looking, **_aside(row, link)}
        case Disposition.VERIFY:
            changes = {"due_at": decision.due_at, "unknown": True, "settles_at": decision.settles_at}
            return {**changes, **_aside(row, link)}
        case Disposition.PAUSE | Disposition.MOVE | Disposition.ANEW:
            return {"due_at": now, "unknown": looking}
        case Disposition.PARK:  # an automatic text is of no use later
            return {"state": StepState.DROPPED if _automatic(row) else StepState.PARKED, "unknown": False}
        case Disposition.FAIL | Disposition.UNCONFIRM | Disposition.GIVE_UP:
            doubtful = decision.disposition is Disposition.UNCONFIRM  # it is looked for again, see `late_truth`
            return {"state": ENDS[decision.disposition], "unknown": doubtful}


def _aside(row: Row[Any], link: LinkRow) -> dict[str, Any]:
    """What is behind nothing but files does not wait for them."""
    return {"aside": True} if is_accessory(row, Step.model_validate_json(row.step), link) else {}


def _automatic(row: Row[Any]) -> bool:
    carried = carried_by(row)
    return bool(carried) and all(
        message.author.kind is not AuthorKind.AGENT and not message.id.startswith(HELD) for message in carried
    )


def _unless_history(tx: Tx, row: Row[Any], link: LinkRow, decision: Decision, now: datetime) -> Decision:
    """A refusal that the customer's next message has overtaken says nothing of the allowance they gave with it."""
    begun = outbox.get_step(tx, row.id)
    if begun is not None and Allowance.model_validate_json(link.allowance).acted_since(begun.begun_at):
        return Decision(Disposition.RETRY, now)
    return decision


ENDS = {
    Disposition.FAIL: StepState.FAILED,
    Disposition.UNCONFIRM: StepState.UNCONFIRMED,
    Disposition.GIVE_UP: StepState.DEAD,
}


def _follow_up(work: Work, row: Row[Any], link: LinkRow, error: BaseException, decision: Decision, code: str) -> None:
    if row.term is not None and decision.disposition in _LOST:
        answer_lost(work, link, "closed" if decision.disposition is Disposition.PARK else "failure")
    match decision.disposition:
        case Disposition.PARK:
            spent = isinstance(error, WindowClosed) and error.spent
            book = allowance.corrected(Allowance.model_validate_json(link.allowance), work.now, spent=spent)
            links.change_link(work.tx, link.id, allowance=book.model_dump_json(), warn_at=None)
            refresh(work, link)
            if not _automatic(row):
                what = "window.spent" if spent else "window.over"
                hold(work, link, carried_by(row), what, tried=True)
            not_asked(work, link, carried_by(row))
        case Disposition.MOVE:
            moved_to = error.moved_to if isinstance(error, Gone) else None
            if moved_to is None or not follow(work, link, moved_to):
                open_next(work, link)
        case Disposition.PAUSE:
            _pause(work, row, error, code)
            _tell_customer_side(work, row, link, "paused", code)
        case Disposition.RETRY | Disposition.VERIFY:
            if isinstance(error, AuthFailed) and row.code != code:
                remedy = "give the bridge's user the right to write on it; everything else goes on meanwhile"
                work.effects.warn("conversation refused", account=row.account, why=_sentence(error), remedy=remedy)
            if work.now - row.created_at >= _TOLD_AFTER or _long(decision, work.now):
                what = "throttled" if isinstance(error, Throttled) else "delayed"
                why = {language: text.rstrip(".。") for language, text in _reasons(error).items()}  # within brackets
                _tell_customer_side(work, row, link, what, why or code, decision.due_at)
        case Disposition.FAIL | Disposition.UNCONFIRM | Disposition.GIVE_UP:
            tell_end(work, row, link, error, decision.disposition, code)


def _pause(work: Work, row: Row[Any], error: BaseException, code: str) -> None:
    """The account rests until somebody acts: whoever reads the log hears of it once, with what to do."""
    if state.pause(work.tx, row.account, f"{code}: {_sentence(error)}", work.now, code=code):
        remedy = f"bridge doctor --account {row.account} says what to do; sending resumes by itself once that is done"
        work.effects.warn("account paused", account=row.account, code=code, why=_sentence(error), remedy=remedy)


def _limit(error: BaseException) -> str:
    """Which limit an account rests for: the connector's own sentences where it has some."""
    reasons = _reasons(error)
    return json.dumps(reasons, ensure_ascii=False) if reasons else "throttled"


def _long(decision: Decision, now: datetime) -> bool:
    return decision.due_at is not None and decision.due_at - now > _TOLD_AFTER


def tell_end(
    work: Work, row: Row[Any], link: LinkRow, error: BaseException, disposition: Disposition, code: str
) -> None:
    """A step ended badly: the agents hear of it on the very ticket."""
    carried = carried_by(row)
    if row.lane == links.lane_to_desk(link.id):
        if any(message.audience is Audience.CUSTOMER for message in carried):
            tell(work, link, "missing", cause=f"missing.{row.id}", code=code)
        return
    if row.lane == links.lane_of_invitations(link.id):
        reason = _reason(error, work.runtime.language) or _sentence(error)
        spent = isinstance(error, Rejected) and error.consent_spent
        not_invited(work, link, row, reason, sure=disposition is not Disposition.UNCONFIRM, spent=spent)
        return
    connector = work.runtime.accounts[row.account].connector
    if disposition is Disposition.UNCONFIRM and isinstance(connector, Foretells):
        for identifier in connector.ids_of(row.key):  # what is said of it later finds the step
            links.add_ref(work.tx, row.account, identifier, link.id, work.now, outbox_id=row.id)
    if disposition is not Disposition.UNCONFIRM:
        not_asked(work, link, carried)
    what: str = ENDS[disposition]
    book = Allowance.model_validate_json(link.allowance)
    if disposition is Disposition.UNCONFIRM and work.runtime.capabilities(link.channel).window is not None:
        # it may have been delivered, so it may have used a reply up
        cost = Step.model_validate_json(row.step).cost
        links.change_link(work.tx, link.id, allowance=allowance.spent(book, cost).model_dump_json())
        refresh(work, link)
    reason = _reason(error, work.runtime.language)
    if what == "dead" and reason:
        what = "failed"
    tell_ended(
        work,
        link,
        what,
        cause=f"{what}.{code}",
        reason=_reasons(error) if reason else _sentence(error),
        code=code,
        quoted=quote(carried, work.runtime.language),
        about=carried[0].id if carried else "",
    )
    to = DeliveryState.UNCONFIRMED if disposition is Disposition.UNCONFIRM else DeliveryState.FAILED
    ids = [message.id for message in carried]
    show_progress(work, link, ids, to, to_desk=True, reason=reason or code, words=_reasons(error))
    announce_end(work, link, carried, ENDS[disposition], code, reason or _sentence(error))


def _tell_customer_side(
    work: Work, row: Row[Any], link: LinkRow, what: str, code: str | dict[str, str], until: datetime | None = None
) -> None:
    """An answer waits: said once per conversation and cause. Trouble at the desk itself cannot be told there."""
    if row.lane == links.lane_to_channel(link.id) and not _automatic(row):
        carried = carried_by(row)
        quoted, about = quote(carried, work.runtime.language), carried[0].id if carried else ""
        cause = "late.paused" if what == "paused" else "late.waits"
        when = work.runtime.clock_text(until or work.now)
        if tell(work, link, what, cause=cause, code=code, until=when, quoted=quoted, about=about):
            will_be_told(work, link, carried)


def _sentence(error: BaseException) -> str:
    """What may be stored and shown of an error: a connector's own words, or just the kind of a bug."""
    return clean_text(error.message) if isinstance(error, ConnectorError) else f"unexpected {type(error).__name__}"


def _reasons(error: BaseException) -> dict[str, str]:
    """A connector's own sentences for agents, by language."""
    reason = error.reason if isinstance(error, ConnectorError) else {}
    return {language: clean_text(text) for language, text in reason.items()}


def _reason(error: BaseException, language: str) -> str:
    reason = error.reason if isinstance(error, ConnectorError) else {}
    return clean_text(reason.get(language) or reason.get("en") or "")
