"""The marks by which the bridge knows its own writes and its own customers. Pure.

Freshdesk has no idempotency key (https://developers.freshdesk.com/api/), and hidden markup may be sanitised away; a
short reference that everybody can see survives.
"""

import hashlib
import re

_LONGEST_ID = 80  # bytes of a customer's id that are spelled out; longer ones are hashed
_REFERENCE = re.compile(r"ref ([0-9a-f]{8})\s*$")

_MARK = re.compile(r"ref-[0-9a-f]{8}")


def reference(key: str) -> str:
    """Eight hexadecimal digits that stand for a step's key."""
    return hashlib.blake2s(key.encode(), digest_size=4).hexdigest()


def line_of(key: str) -> str:
    """How a write is signed: "ref 3f9c2a71"."""
    return f"ref {reference(key)}"


def tag_of(key: str) -> str:
    """The tag of the ticket that a step opened."""
    return f"ref-{reference(key)}"


def is_mark(tag: object) -> bool:
    """Whether a tag is one that `tag_of` made."""
    return isinstance(tag, str) and _MARK.fullmatch(tag) is not None


def is_signed(text: str) -> bool:
    """Whether a plain text ends as the bridge's own writes do."""
    return _REFERENCE.search(text[-200:]) is not None


def external_id(account: str, customer: str) -> str:
    """The `unique_external_id` of a customer, spelled so that folding its case loses nothing."""
    raw = customer.encode()
    spelled = raw.hex() if len(raw) <= _LONGEST_ID else hashlib.sha256(raw).hexdigest()
    return f"bridge-{account.lower()}-{spelled}"
