"""The marks by which the bridge knows its own writes, and the address under which RT files a customer."""

import base64
import hashlib
import re

# the whole subject, so that "Re: [tag] ref …", an agent's answer by mail, is not taken for ours
_MARK = re.compile(r"ref (\S+)\s*")
_LONGEST = 60  # what stands before the @ has 64 characters at most


def mark(key: str) -> str:
    """What a write carries in its subject, so that it can be found again: RT has no idempotency."""
    return f"ref {key}"


def marked(subject: str) -> str:
    """The step's key in the subject of a write; "" when the bridge did not make it."""
    found = _MARK.fullmatch(subject.strip())
    return found[1] if found else ""


def message_id(key: str, domain: str) -> str:
    """The Message-ID of a mail that carries a step."""
    return f"<{key}@{domain}>"


def key_of(message_id: str, domain: str) -> str:
    """The step's key in a Message-ID that `message_id` made; "" for any other."""
    key, _, found = message_id.strip().strip("<>").rpartition("@")
    return key if found == domain else ""


def squeezed(text: str) -> str:
    """A text without its white space, for comparing what a mail system may have folded."""
    return "".join(text.split())


def address(customer: str, domain: str) -> str:
    """The address under which RT files a customer. Addresses are folded to lower case, customers' ids are not."""
    encoded = _lower(customer.encode())
    if len(encoded) <= _LONGEST:
        return f"c-{encoded}@{domain}"
    return f"h-{_lower(hashlib.sha256(customer.encode()).digest())}@{domain}"


def _lower(data: bytes) -> str:
    return base64.b32hexencode(data).decode().rstrip("=").lower()


def is_customer(address_or_name: str, domain: str) -> bool:
    """Whether it is an address that `address` made."""
    return re.fullmatch(rf"[ch]-[0-9a-v]*@{re.escape(domain)}", address_or_name.lower()) is not None
