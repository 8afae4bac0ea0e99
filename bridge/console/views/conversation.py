"""One conversation: what was said on both sides, how far it came, and what can be done about it."""

import json
from collections.abc import Callable
from typing import Any

from starlette.responses import Response

from bridge.cli import dead_letters
from bridge.console.timeline import Reader, allowance_of, timeline
from bridge.console.views.bots import outcome, why_text
from bridge.console.visit import NotFound, Refused, Visit
from bridge.console.words import mask
from bridge.contract.storable import clean_text
from bridge.engine.context import Work
from bridge.engine.conversation.allowance import Allowance
from bridge.engine.conversation.holding import hold_back, let_go
from bridge.engine.conversation.notices import note
from bridge.engine.conversation.queueing import put
from bridge.engine.inbound.agent_commands import obey
from bridge.engine.inbound.handover_commands import Order
from bridge.engine.runtime.ids import new_name
from mappings import consents, conversations, handovers, links, turns
from mappings.links import LinkRow
from mappings.store import Tx

_LONGEST = 5000  # characters of a note
_UNSENT = {"ready", "parked", "held", "waiting"}
COMMANDS = {"retry": "#retry", "cancel": "#cancel", "link": "#text", "notify": "#notify"}  # as agents have them


async def show(visit: Visit) -> Response:
    """The page."""
    link_id, before = visit.number(), visit.asked("before")
    return await visit.read(_page, visit, link_id, int(before) if before.isdigit() and len(before) < 19 else None)


def _page(tx: Tx, visit: Visit, link_id: int, before: int | None) -> Response:
    link = _found(tx, link_id)
    runtime, masked = visit.desk.runtime, not visit.session.may("operator")
    entries, older = timeline(tx, runtime, link, Reader(masked, visit.language), before)
    book = Allowance.model_validate_json(link.allowance)
    until = book.until(visit.now)
    contact, context = json.loads(link.contact), json.loads(link.context)
    extra = contact.get("extra", {})
    return visit.page(
        "conversation.html",
        link=link,
        name=mask(contact.get("name", "")) if masked else contact.get("name", ""),
        masked=masked,
        facts={}
        if masked
        else {**{key: contact[key] for key in ("email", "phone", "locale") if contact.get(key)}, **extra},
        context=context,
        entries=entries,
        older=older,
        before=before,
        counted=runtime.capabilities(link.channel).window is not None,
        allowance=allowance_of(link, visit.now),
        left=book.remaining(visit.now),
        closes=until - visit.now if until is not None else None,
        consents=consents.consents_of(tx, link.channel, link.conversation),
        trouble=conversations.troubles(tx, [link.id]).get(link.id, conversations.Trouble()),
        holders=_holders(tx, visit, link, masked=masked),
        turns=[] if masked else turns.turns_of_link(tx, link.id),
        outcome=outcome,
        siblings=conversations.siblings(tx, link),
        url=link.url if link.url.startswith(("https://", "http://", "/")) else "",
        notes=runtime.capabilities(link.desk).notes,
        known=link.channel in runtime.accounts and link.desk in runtime.accounts,
    )


def _holders(tx: Tx, visit: Visit, link: LinkRow, *, masked: bool) -> list[dict[str, Any]]:
    """Who had the conversation after whom, and why."""
    mine = links.conversation_links(tx, link.channel, link.conversation)
    return [
        {
            "id": row.id,
            "at": row.at,
            "left": row.from_account,
            "taken": row.to_account,
            "why": why_text(visit.language, row.why),
            "who": mask(row.who) if masked else row.who,
            "term": row.term,
        }
        for row in handovers.handovers_of(tx, [one.id for one in mine])
    ]


def _found(tx: Tx, link_id: int) -> LinkRow:
    try:
        return links.get_link(tx, link_id)
    except LookupError:
        raise NotFound from None


async def _act(visit: Visit, what: str, change: Callable[[Work, LinkRow], None]) -> Response:
    """`what` is the audit's word for it; "" when the change writes its row itself."""
    link_id = visit.number()

    def run(work: Work) -> None:
        _found(work.tx, link_id)
        change(work, links.get_link(work.tx, link_id, lock=True))

    await visit.act(what, f"conversation {link_id}", run)
    return visit.back(f"/console/conversations/{link_id}", "asked")


async def command(visit: Visit) -> Response:
    """Retry, cancel, send as link, call back: what an agent's note `#…` does, which says so on the ticket."""
    name = visit.request.path_params["command"]
    if name not in COMMANDS:
        raise NotFound
    if name == "cancel" and visit.form.get("sure") != "1":
        return await visit.read(_sure, visit, visit.number())
    who = visit.session.shown
    return await _act(
        visit, name, lambda work, link: obey(work, link, COMMANDS[name], Order(link, COMMANDS[name], who))
    )


def _sure(tx: Tx, visit: Visit, link_id: int) -> Response:
    link = _found(tx, link_id)
    entries, _ = timeline(tx, visit.desk.runtime, link, Reader(False, visit.language))
    unsent = [one for one in entries if one["to_customer"] and one["state"] in _UNSENT]
    return visit.page("cancel.html", link=link, unsent=unsent)


async def hold(visit: Visit) -> Response:
    """Nothing goes to the customer until somebody lets it go."""
    return await _act(visit, "hold", lambda work, link: hold_back(work, link, visit.session.shown))


async def release(visit: Visit) -> Response:
    """What was held back goes."""
    return await _act(visit, "let go", let_go)


async def write_note(visit: Visit) -> Response:
    """A private note on the ticket, signed."""
    text = clean_text(visit.form.get("text", "").strip())
    if not text or len(text) > _LONGEST:
        raise Refused("error.note", 400, most=_LONGEST)

    def write(work: Work, link: LinkRow) -> None:
        if not work.runtime.capabilities(link.desk).notes:
            raise Refused("error.no_notes", 409, desk=link.desk)
        put(work, link, note(f"note:{new_name()}", f"{visit.session.shown}: {text}", at=work.now), to_desk=True)

    return await _act(visit, "write a note", write)


async def retry_step(visit: Visit) -> Response:
    """One step that failed goes again."""
    step = visit.form.get("step", "")

    def run(work: Work, link: LinkRow) -> None:
        try:
            dead_letters.replay(work.tx, [step], visit.who, work.now)
        except dead_letters.NoSuch:
            raise Refused("error.gone_meanwhile", 409) from None
        work.effects.accounts |= {link.channel, link.desk}

    return await _act(visit, "", run)
