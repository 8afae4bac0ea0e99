"""A question that a bot did not answer: asked once more where there is time, else people take over."""

from datetime import timedelta
from typing import Any

from sqlalchemy import Row

from bridge.contract import words_of
from bridge.engine.context import Work
from bridge.engine.conversation.bot_share import bot_of
from bridge.engine.conversation.handover import Cause
from bridge.engine.conversation.queueing import carried_by
from bridge.engine.conversation.turns import to_people
from bridge.engine.outbound.policy import Decision, Disposition
from mappings import attempts, state, turns
from mappings.links import LinkRow
from mappings.states import StepChanges, StepState

_NEEDED = timedelta(seconds=10)  # that must be left for a second try
_ROW, _SPAN = 5, timedelta(seconds=60)  # failures after which a bot rests: everybody goes to people meanwhile
_SOON = timedelta(milliseconds=500)


def question_failed(work: Work, row: Row[Any], link: LinkRow, decision: Decision, code: str, sentence: str) -> Decision:
    """Settles the step. Certain failures are repeated once; nobody waits for a bot's back-off."""
    config = work.runtime.accounts[row.account].config
    deadline = getattr(config, "deadline", timedelta(seconds=30))
    again = (
        decision.disposition in {Disposition.RETRY, Disposition.VERIFY}
        and decision.hold_account is None
        and row.attempts == 0
        and work.now - row.created_at + _NEEDED <= deadline
    )
    changes: StepChanges = {"code": code, "error": sentence, "unknown": False}
    changes |= {"due_at": work.now + _SOON} if again else {"state": StepState.DROPPED}
    name = "retry" if again else Disposition.GIVE_UP.value
    if not attempts.settle(work.tx, row.id, row.lease, work.now, outcome=name, detail=sentence, **changes):
        work.effects.note("lease lost", account=row.account, step=row.id)
        return Decision(Disposition.RETRY)
    work.effects.accounts.add(row.account)
    if again:
        return Decision(Disposition.RETRY, work.now + _SOON, trouble=decision.trouble)
    turn = turns.turn_of(work.tx, row.id)
    if turn is not None and turn.state == "asked":
        turns.end_turn(work.tx, turn.id, work.now, state="failed", why=code[:200])
    work.effects.note("bot turn", account=row.account, verdict="failed", tokens=0, seconds=_since(row, work))
    if turns.failed_in_a_row(work.tx, row.account, work.now - _SPAN) >= _ROW:
        pause = work.runtime.settings.engine.breaker_pause
        state.pause(work.tx, row.account, "trouble", work.now, work.now + pause)
    bot = bot_of(work.runtime, link)
    if bot is not None and link.holder == bot.name and row.term == link.term:
        asked = "\n".join(words_of(message) for message in carried_by(row))
        to_people(work, link, bot, Cause("failure"), asked=asked)
    return Decision(Disposition.GIVE_UP, hold_account=decision.hold_account, trouble=decision.trouble)


def _since(row: Row[Any], work: Work) -> float:
    return round(float((work.now - row.created_at).total_seconds()), 3)
