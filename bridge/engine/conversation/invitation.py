"""Calling a customer back after the window closed, with a template they consented to."""

import json
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from bridge.contract import ConnectorError, Contact, Invites, RenderContext
from bridge.engine.context import Effects, Runtime
from bridge.engine.conversation.queueing import tell
from bridge.engine.runtime.ids import new_name
from mappings import links, outbox
from mappings.links import LinkRow
from mappings.store import Tx

_NO_CONSENT = frozenset({"43101"})  # the refusal that means: there is no consent left, whatever was counted


def invite(tx: Tx, runtime: Runtime, link: LinkRow, effects: Effects, now: datetime) -> bool:
    """Uses one consent up for a notification. False: the channel has none to give, or one is on its way already."""
    connected = runtime.accounts.get(link.channel)
    lane = links.lane_of_invitations(link.id)
    if connected is None or not isinstance(connected.connector, Invites) or outbox.unfinished_in(tx, lane):
        return False
    context = RenderContext(
        conversation=link.conversation,
        contact=Contact.model_validate_json(link.contact),
        context=json.loads(link.context),
        language=runtime.language,
        now=now,
    )
    for consent in links.consents_of(tx, link.channel, link.conversation, lock=True):
        try:
            step = connected.connector.invitation(consent.template, context)
        except ConnectorError as error:  # a template that is no longer configured
            effects.note("template refused", account=link.channel, why=error.message)
            continue
        links.use_consent(tx, consent.id, now)
        values: dict[str, Any] = {
            "key": new_name(),
            "lane": lane,
            "link_id": link.id,
            "account": link.channel,
            "step": step.model_dump_json(exclude_defaults=True),
            "batch": consent.template,
            "due_at": now,
            "created_at": now,
        }
        outbox.add_steps(tx, [values])
        effects.accounts.add(link.channel)
        return True
    return False


def not_invited(
    tx: Tx,
    runtime: Runtime,
    link: LinkRow,
    row: Row[Any],
    code: str,
    reason: str,
    effects: Effects,
    now: datetime,
    *,
    sure: bool,
) -> None:
    """A notification was refused, or nobody knows. Consents are counted as the platform counts them: a refusal for
    want of consent leaves none, any other leaves the consent unused.
    """
    if sure and row.batch:
        left = 0 if code in _NO_CONSENT else 1
        links.set_consent(tx, link.channel, link.conversation, row.batch, left, now)
    tell(tx, runtime, link, "invite.failed" if sure else "invite.unknown", effects=effects, now=now, reason=reason)
