"""Where a customer came from: what the client says, and what the shop's own server signed about them.

A signed context arrives in `session_from`, which the client carries. It is read here, once, and goes no further: the
ticket shows what it says, not the signature.
"""

from dataclasses import dataclass
from datetime import datetime

from bridge.contract import Contact
from bridge.engine.conversation.decision import UNVERIFIED, Context, Proven
from bridge.routing.contexts import PREFIX, Unproven, verify

_FROM = "session_from"
_CLAIMS = {"e": "entry", "c": "customer.id", "t": "customer.tier", "o": "order"}


@dataclass(frozen=True, slots=True)
class Origin:
    """What came with an event. `proven` is None where it says nothing about it: what was proven before still holds."""

    contact: Contact
    context: Context
    proven: Proven | None = None
    refused: str = ""


def read_origin(key: str, contact: Contact, context: Context, now: datetime) -> Origin:
    """Believes what was signed for this customer, and marks what only says so (`refused` says why)."""
    given = context.get(_FROM, "")
    if not given:
        return Origin(contact, context)
    if not given.startswith(PREFIX):
        return Origin(contact, context, {})
    try:
        claims = verify(given, key, contact.id, now)
    except Unproven as error:
        return Origin(_told(contact, ""), {**context, _FROM: "", UNVERIFIED: str(error)}, {}, str(error))
    proven = {name: [claims[key]] for key, name in _CLAIMS.items() if claims.get(key)}
    proven["until"] = [claims["x"]]
    page = {"page": claims["p"]} if claims.get("p") else {}
    order = {"order": claims["o"]} if claims.get("o") else {}
    entry = claims.get("e", "")
    customer_id = claims.get("c", "")
    shown = {"customer_id": customer_id} if customer_id else {}
    told = _told(contact, entry, **shown)
    ids = {"verified_customer_id": customer_id, "shared_id": claims.get("s", "")}
    told = told.model_copy(update={name: value for name, value in ids.items() if value})
    return Origin(told, {**context, _FROM: entry, **page, **order}, proven)


def merge(before: Context, now: Context) -> Context:
    """What was known of a customer's way in, with what came now: another origin ends what was said of the last one."""
    kept = {name: value for name, value in before.items() if name != UNVERIFIED} if _FROM in now else before
    return {**kept, **now}


def _told(contact: Contact, entry: str, **more: str) -> Contact:
    """What agents see of the way in: its name, never the signed text."""
    extra = {**contact.extra, **more, **({_FROM: entry} if _FROM in contact.extra else {})}
    return contact.model_copy(update={"extra": {name: value for name, value in extra.items() if value}})
