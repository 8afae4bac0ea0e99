"""Who is who in an export of figures, without saying who it is."""

from bridge.services.tokens import derive_key
from mappings.erasure import keyed


def person_hash(secret_key: str, person: int) -> str:
    """A person's number as a keyed hash: equal within one installation, of no use without its `secret_key`."""
    return keyed(derive_key(secret_key, "figures"), f"person {person}")
