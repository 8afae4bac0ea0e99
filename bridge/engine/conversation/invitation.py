"""Calling a customer back after the window closed, with a template they consented to."""

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row

from bridge.contract import ConnectorError, Contact, Invites, RenderContext
from bridge.engine.context import Work
from bridge.engine.conversation.agent_notes import tell
from bridge.engine.runtime.ids import new_name
from mappings import consents, links, outbox
from mappings.links import LinkRow


def invite(work: Work, link: LinkRow) -> bool:
    """Uses one consent up for a notification. False: the channel has none to give, or one is on its way already."""
    return notify(work, link) is not None


def notify(work: Work, link: LinkRow, template: str = "", data: Mapping[str, str] | None = None) -> int | None:
    """The same with one template and what it is to say. Returns the step."""
    connected = work.runtime.accounts.get(link.channel)
    lane = links.lane_of_invitations(link.id)
    if connected is None or not isinstance(connected.connector, Invites):
        return None
    if not template and outbox.unfinished_in(work.tx, lane):
        return None
    context = RenderContext(
        conversation=link.conversation,
        contact=Contact.model_validate_json(link.contact),
        context=json.loads(link.context),
        data=dict(data or {}),
        language=work.runtime.language,
        now=work.now,
    )
    for consent in consents.consents_of(work.tx, link.channel, link.conversation, lock=True):
        try:
            step = connected.connector.invitation(consent.template, context)
            if template and step != connected.connector.invitation(template, context):
                continue
        except ConnectorError as error:  # a template that is no longer configured
            work.effects.note("template refused", account=link.channel, why=error.message)
            continue
        consents.use_consent(work.tx, consent.id, work.now)
        values: dict[str, Any] = {
            "key": new_name(),
            "lane": lane,
            "link_id": link.id,
            "account": link.channel,
            "step": step.model_dump_json(exclude_defaults=True),
            "batch": consent.template,
            "due_at": work.now,
            "created_at": work.now,
        }
        made = outbox.add_step(work.tx, values)
        work.effects.accounts.add(link.channel)
        return made
    return None


def not_invited(work: Work, link: LinkRow, row: Row[Any], reason: str, *, sure: bool, spent: bool = False) -> None:
    """A notification was refused, or nobody knows. Consents are counted as the platform counts them: a refusal for
    want of consent (`spent`) leaves none, any other leaves the consent unused.
    """
    if sure and row.batch:
        left = 0 if spent else 1
        consents.set_consent(work.tx, link.channel, link.conversation, row.batch, left, work.now)
    tell(work, link, "invite.failed" if sure else "invite.unknown", reason=reason)
