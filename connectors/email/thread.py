"""Which conversation an incoming mail belongs to. All keys are looked at, and what matched is kept as evidence."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from email.message import Message as Mail

from connectors.email import mime
from connectors.email.subject import body_code, ticket_tags
from connectors.email.token import Own, Signer

# forwarding rewrites To; these keep the address the mail was sent to (order as in GitLab's receiver)
RECIPIENTS = (
    "To",
    "Cc",
    "Delivered-To",
    "X-Original-To",
    "Envelope-To",
    "X-Envelope-To",
    "X-Delivered-To",
    "X-Forwarded-To",
)
_RECEIVED_FOR = re.compile(r"\bfor\s+<?([^\s<>;@]{1,64}@[^\s<>;@]{1,255})>?")
MAX_IDS = 100

Lookup = Callable[[str, str], Awaitable[str]]
"""(kind, key) → conversation or "": what the account's records know. Kinds: "id" (Message-ID), "tag" (ticket tag)."""

PROOF, STRONG, MEDIUM, NONE = "proof", "strong", "medium", ""
"""How much a match says. PROOF carries our signature, STRONG is an id seen before, MEDIUM a ticket tag."""


@dataclass(frozen=True, slots=True)
class Found:
    """`conversation` "" when nothing matched. `evidence` is for people, best first. `conflict`: keys disagree."""

    conversation: str = ""
    strength: str = NONE
    evidence: tuple[str, ...] = ()
    conflict: bool = False


async def resolve(mail: Mail, signer: Signer, lookup: Lookup, text: str = "") -> Found:
    """Token before references before subject tag; a disagreement is reported and the stronger key wins."""
    matches: list[tuple[str, str, str]] = []
    for address in recipients(mail):
        own = signer.read_address(address.rpartition("@")[0])
        if own:
            matches.append((own.conversation, PROOF, "address token"))
    foreign = []
    for message_id in references(mail):
        own = signer.read_id(message_id)
        if own:
            matches.append((own.conversation, PROOF, "our reference"))
        else:
            foreign.append(message_id)
    for message_id in foreign:
        known = await lookup("id", message_id)
        if known:
            matches.append((known, STRONG, "known reference"))
    tags = ticket_tags(mime.header(mail, "Subject"))
    code = body_code(text)
    for tag in [*tags, *([code] if code else [])]:
        known = await lookup("tag", tag)
        if known:
            matches.append((known, MEDIUM, f"ticket tag {tag}"))
    if not matches:
        return Found()
    conversation, strength, _ = matches[0]
    evidence = tuple(dict.fromkeys(reason for found, _, reason in matches if found == conversation))
    conflict = any(found != conversation and weight in {PROOF, strength} for found, weight, _ in matches)
    return Found(conversation, strength, evidence, conflict)


def recipients(mail: Mail) -> list[str]:
    """Every address this mail was meant for, in lower case."""
    found = [address for _, address in mime.addresses(mail, *RECIPIENTS)]
    for value in mime.headers(mail, "Received")[:30]:
        found += [address.lower() for address in _RECEIVED_FOR.findall(value)]
    return list(dict.fromkeys(found))[:300]


def references(mail: Mail) -> list[str]:
    """In-Reply-To (all of them), then References from the newest to the root."""
    parents = [found for value in mime.headers(mail, "In-Reply-To") for found in mime.ids(value)]
    chain = [found for value in mime.headers(mail, "References") for found in mime.ids(value)]
    found = list(dict.fromkeys([*parents, *reversed(chain)]))
    return found if len(found) <= MAX_IDS else [*found[: MAX_IDS - 1], found[-1]]


def chain(mail: Mail, limit: int = 10) -> list[str]:
    """The References an answer to this mail carries: root first, then the newest, the mail itself last."""
    found = [found for value in mime.headers(mail, "References") for found in mime.ids(value)]
    found = found or [found for value in mime.headers(mail, "In-Reply-To") for found in mime.ids(value)]
    own = mime.ids(mime.header(mail, "Message-ID"))[:1]
    return shorten(list(dict.fromkeys([*found, *own])), limit)


def shorten(found: list[str], limit: int = 10) -> list[str]:
    """The root and the newest `limit`."""
    return found if len(found) <= limit + 1 else [found[0], *found[-limit:]]


def own_mails(mail: Mail, signer: Signer) -> list[Own]:
    """Those of our own mails that this one refers to: proof that they arrived."""
    found = [signer.read_id(message_id) for message_id in references(mail)]
    return [own for own in found if own is not None and own.mail]
