"""Structure that a mail should have had: parts under a boundary nobody declared, and mails inside opaque signatures."""

import email
import email.policy
import re
from email.message import Message as Mail

from connectors.email.asn1 import signed_content

_DELIMITER = re.compile(rb"(?:\A|\n)--([^\s][^\r\n]{0,69}?)[ \t]*\r?\n(?=Content-[A-Za-z-]{1,40}:)", re.IGNORECASE)
_SIGNED = {"application/pkcs7-mime", "application/x-pkcs7-mime"}
_HTML = re.compile(rb"<(?:html|body|div|p|br)\b", re.IGNORECASE)
MAX_DEPTH = 20


def repair(part: Mail, depth: int = 0) -> None:
    """Gives a broken container its parts. Changes `part`; what cannot be mended becomes text, so that it is read."""
    kind = part.get_content_type()
    if not part.is_multipart() and kind in _SIGNED:
        inner = signed_content(_bytes(part))
        if inner is not None:
            del part["Content-Type"], part["Content-Transfer-Encoding"], part["Content-Disposition"]
            part["Content-Type"] = 'multipart/mixed; boundary="=_signed"'
            part.set_payload([email.message_from_bytes(inner, policy=email.policy.compat32)])
    elif not part.is_multipart() and kind.startswith("multipart/"):
        data = _bytes(part)
        found = _DELIMITER.search(data)
        if found:
            head = b'Content-Type: multipart/mixed; boundary="' + found[1].replace(b'"', b'\\"') + b'"\r\n\r\n'
            parts = email.message_from_bytes(head + data, policy=email.policy.compat32).get_payload()
            if isinstance(parts, list):
                part.set_payload(parts)
        else:
            del part["Content-Type"]
            part["Content-Type"] = "text/html" if _HTML.search(data) else "text/plain"
    children = part.get_payload() if part.is_multipart() else None
    if isinstance(children, list) and part.get_content_maintype() == "multipart" and depth < MAX_DEPTH:
        for child in children:
            if isinstance(child, Mail):
                repair(child, depth + 1)


def _bytes(part: Mail) -> bytes:
    data = part.get_payload(decode=True)
    return data if isinstance(data, bytes) else b""
