"""Questions to customers how it was: which are due, which were asked, and what came back."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Unpack

from sqlalchemy import Row, delete, insert, select, update

from mappings.figure_tables import Fact, Survey
from mappings.lanes import lane_to_channel
from mappings.sql import table
from mappings.states import StepState, SurveyColumns
from mappings.store import Tx
from mappings.tables import Link, MessageRef, Outbox

_survey, _fact, _link = table(Survey), table(Fact), table(Link)
_outbox, _ref = table(Outbox), table(MessageRef)


def add_survey(tx: Tx, link_id: int, due_at: datetime) -> None:
    """One is due; an earlier one that was not asked yet is void."""
    void(tx, link_id, "solved again")
    tx.execute(insert(_survey).values(link_id=link_id, state="due", due_at=due_at))


def void(tx: Tx, link_id: int, why: str) -> None:
    """What is still due of a conversation is not asked."""
    mine = _survey.c.link_id == link_id, _survey.c.state == "due"
    tx.execute(update(_survey).where(*mine).values(state="void", why=why))


def due(tx: Tx, now: datetime, limit: int = 50) -> list[Row[Any]]:
    """What is to be asked by now."""
    mine = select(_survey).where(_survey.c.state == "due", _survey.c.due_at <= now)
    return list(tx.execute(mine.order_by(_survey.c.due_at).limit(limit)))


def get_survey(tx: Tx, survey_id: int) -> Row[Any] | None:
    """One question."""
    return tx.execute(select(_survey).where(_survey.c.id == survey_id)).first()


def change_survey(tx: Tx, survey_id: int, of: str, **values: Unpack[SurveyColumns]) -> bool:
    """Sets columns of a question that is in a state; False when it is not."""
    mine = _survey.c.id == survey_id, _survey.c.state == of
    return bool(tx.execute(update(_survey).where(*mine).values(values)).rowcount)


def latest_of(tx: Tx, link_id: int) -> Row[Any] | None:
    """The newest question in a conversation that was asked."""
    mine = select(_survey).where(_survey.c.link_id == link_id, _survey.c.asked_at.is_not(None))
    return tx.execute(mine.order_by(_survey.c.id.desc()).limit(1)).first()


def asked_since(tx: Tx, person_id: int, since: datetime) -> list[Row[Any]]:
    """Which questions a person got since a moment, in whatever conversation."""
    theirs = select(_link.c.id).where(_link.c.person_id == person_id)
    return list(tx.execute(select(_survey).where(_survey.c.link_id.in_(theirs), _survey.c.asked_at >= since)))


def who_answered(tx: Tx, link_ids: Sequence[int], since: datetime) -> set[str]:
    """The kinds of authors whose words reached the customer since a moment."""
    lanes = [lane_to_channel(one) for one in link_ids]
    went = _outbox.c.lane.in_(lanes), _outbox.c.state == StepState.DONE, _outbox.c.done_at >= since
    said = tx.execute(select(_outbox.c.messages).where(*went).limit(500)).scalars()
    return {one["author"]["kind"] for messages in said for one in json.loads(messages)}


def forget_rating(tx: Tx, survey_id: int) -> int:
    """The fact of a rating goes, for a corrected one. Returns how many there were."""
    mine = _fact.c.kind == "rating", _fact.c.ref.startswith(f"{survey_id}.")
    return tx.execute(delete(_fact).where(*mine)).rowcount


def forget_asked(tx: Tx, survey_id: int) -> None:
    """It was not asked after all."""
    tx.execute(delete(_fact).where(_fact.c.kind == "survey", _fact.c.ref == f"{survey_id}"))


def spoke_since(tx: Tx, link_id: int, channel: str, since: datetime) -> bool:
    """Whether the customer said something since a moment that was no rating."""
    theirs = _ref.c.link_id == link_id, _ref.c.account == channel, _ref.c.inbox_id.is_not(None), _ref.c.at > since
    said = {f"{one}" for one in tx.execute(select(_ref.c.id).where(*theirs).limit(50)).scalars()}
    aside = select(_fact.c.ref).where(_fact.c.link_id == link_id, _fact.c.kind == "aside")
    return bool(said - set(tx.execute(aside).scalars()))
