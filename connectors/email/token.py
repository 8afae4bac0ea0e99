"""Signed names for conversations: in addresses, in Message-IDs, in References.

A token says which conversation is meant, never who writes: everybody on a mail can read it. Characters are Crockford's
base32 in lower case, because local parts are lower-cased on their way.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
VERSION = "1"
CONVERSATION = 13  # characters: 64 bits
_MAC = 16  # characters: 80 bits
_TOKEN = re.compile(rf"[{ALPHABET}]{{31}}")
_BOUNCE = re.compile(rf"b[{ALPHABET}]{{44}}")
_OWN_ID = re.compile(rf"<?([{ALPHABET}]{{13}})\.([{ALPHABET}]{{13}})\.([{ALPHABET}]{{16}})@[^<>\s]+>?", re.IGNORECASE)
_PSEUDO = re.compile(rf"<?conv\.([{ALPHABET}]{{13}})\.([{ALPHABET}]{{16}})@[^<>\s]+>?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Own:
    """What one of our own marks says: the conversation, and which mail of it ("" = none in particular)."""

    conversation: str
    mail: str = ""


def is_conversation(name: str) -> bool:
    """Whether a text has the form of a conversation's name."""
    return len(name) == CONVERSATION and set(name) <= set(ALPHABET)


def encode(data: bytes, length: int) -> str:
    """The first `length` × 5 bits of `data` as characters."""
    number = int.from_bytes(data, "big")
    bits = len(data) * 8
    if bits < length * 5:
        number <<= length * 5 - bits
        bits = length * 5
    return "".join(ALPHABET[(number >> (bits - 5 * (i + 1))) & 31] for i in range(length))


def digest(text: str, length: int = CONVERSATION) -> str:
    """A short, opaque name for any text."""
    return encode(hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest(), length)


class Signer:
    """Makes and reads the marks of one account. `secret` is the account's own key."""

    def __init__(self, secret: bytes, scope: str) -> None:
        self._secret = secret
        self._scope = scope
        self._key_id = encode(hashlib.sha256(b"key-id" + secret).digest(), 1)

    def address_token(self, conversation: str) -> str:
        """The part of an address that names a conversation: 31 characters."""
        return f"{VERSION}{self._key_id}{conversation}{self._mac('address', conversation)}"

    def read_address(self, local_part: str) -> Own | None:
        """The conversation an address of ours names, wherever the token stands in its local part."""
        local = local_part.lower()
        tail = local[-45:]
        if _BOUNCE.fullmatch(tail) and tail[1] == VERSION and tail[2] == self._key_id:
            conversation, mail, mac = tail[3:16], tail[16:29], tail[29:]
            if hmac.compare_digest(mac, self._mac("bounce", conversation, mail)):
                return Own(conversation, mail)
        tail = local[-31:]
        if _TOKEN.fullmatch(tail) and tail[0] == VERSION and tail[1] == self._key_id:
            conversation, mac = tail[2:15], tail[15:]
            if hmac.compare_digest(mac, self._mac("address", conversation)):
                return Own(conversation)
        return None

    def bounce_token(self, conversation: str, mail: str) -> str:
        """The envelope sender's local part: names the very mail that came back (VERP)."""
        return f"b{VERSION}{self._key_id}{conversation}{mail}{self._mac('bounce', conversation, mail)}"

    def message_id(self, conversation: str, mail: str, domain: str) -> str:
        return f"<{conversation}.{mail}.{self._mac('mail', conversation, mail)}@{domain}>"

    def root(self, conversation: str, domain: str) -> str:
        """A pseudo-reference: no mail has this id, but it comes back in References."""
        return f"<conv.{conversation}.{self._mac('conversation', conversation)}@{domain}>"

    def read_id(self, message_id: str) -> Own | None:
        """What one of our own Message-IDs or pseudo-references says; None for anybody else's."""
        found = _OWN_ID.fullmatch(message_id.strip())
        if found:
            conversation, mail, mac = (group.lower() for group in found.groups())
            genuine = hmac.compare_digest(mac, self._mac("mail", conversation, mail))
            return Own(conversation, mail) if genuine else None
        found = _PSEUDO.fullmatch(message_id.strip())
        if found:
            conversation, mac = (group.lower() for group in found.groups())
            genuine = hmac.compare_digest(mac, self._mac("conversation", conversation))
            return Own(conversation) if genuine else None
        return None

    def name(self, text: str) -> str:
        """A conversation's name made of something outside, which nobody else can compute."""
        return encode(hmac.digest(self._secret, f"name\0{self._scope}\0{text}".encode(), "sha256"), CONVERSATION)

    def _mac(self, purpose: str, *parts: str) -> str:
        text = "\0".join((VERSION, self._scope, purpose, *parts)).encode()
        return encode(hmac.digest(self._secret, text, "sha256"), _MAC)
