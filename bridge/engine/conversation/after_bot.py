"""People take over from a bot: where rules ask what the bot said (`bot.verdict`), they are asked once more."""

import json

from bridge.contract import Author, AuthorKind, Contact, Message, Text
from bridge.engine.context import Work
from bridge.engine.conversation.agent_notes import tell
from bridge.engine.conversation.decision import Decided, Opening, decide
from bridge.engine.conversation.handover import Cause, hand_over
from mappings import links, turns
from mappings.links import LinkRow


def give_to_people(work: Work, link: LinkRow, cause: Cause, asked: str) -> LinkRow:
    """To the desk of the conversation, or to the one that a rule on the verdict names; `asked` is what the customer
    said last.
    """
    decided = _decided_anew(work, link, asked) if link.channel in work.runtime.asks_verdict else None
    if decided is None:
        return hand_over(work, link, link.desk, cause)
    fresh = hand_over(work, link, decided.route.desk, cause)
    links.change_link(work.tx, fresh.id, decided=decided.columns["decided"])
    if fresh.ticket is None:
        links.change_link(work.tx, fresh.id, fields=decided.columns["fields"])
    elif decided.columns["fields"] != fresh.fields:  # a ticket that is there keeps its place
        said = _said(json.loads(decided.columns["fields"]))
        tell(work, fresh, "rerouted", cause=f"rerouted.{fresh.term}", rule=decided.route.name, fields=said or "-")
    return links.get_link(work.tx, fresh.id)


def _decided_anew(work: Work, link: LinkRow, asked: str) -> Decided | None:
    """The decision with what the bot said; None where it is the same as before."""
    verdict = turns.last_verdict(work.tx, link.id)
    if not verdict:
        return None
    author = Author(kind=AuthorKind.CUSTOMER)
    message = Message(id="asked", conversation=link.conversation, author=author, parts=(Text(body=asked),))
    contact = Contact.model_validate_json(link.contact)
    context, proven = json.loads(link.context), json.loads(link.proven)
    opening = Opening(link.channel, contact, link.person_id, context, proven, message, link, verdict)
    found = decide(work, opening)
    before = json.loads(link.decided).get("rule") if link.decided else ""
    return found if found is not None and found.route.name != before else None


def _said(fields: dict[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in fields.items() if value not in (None, "", [], {}))
