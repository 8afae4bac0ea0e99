"""May this mail speak for an agent? Allow-list, and the finding of our own receiving server only.

`Authentication-Results` (RFC 8601) can be written by anybody: only the top-most is looked at, and only when it names
the configured server. A token in the address proves which conversation is meant, not who writes.
"""

import re
from dataclasses import dataclass
from email.message import Message as Mail

from connectors.email import mime
from connectors.email.settings import EmailConfig
from connectors.email.thread import PROOF

_COMMENT = re.compile(r"\([^()]*\)")
_RESULT = re.compile(r"\b(dmarc|dkim|spf|arc)\s*=\s*(\w+)", re.IGNORECASE)
_SIGNED_BY = re.compile(r"header\.(?:d|i)\s*=\s*@?(?:[^\s;@]*@)?([\w.-]+)", re.IGNORECASE)
_MAIL_FROM = re.compile(r"smtp\.mailfrom\s*=\s*(?:[^\s;@]*@)?([\w.-]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class CallbackResult:
    """What the receiving server found. `server` "" when there is no finding that may be believed."""

    server: str = ""
    dmarc: str = ""
    dkim_domains: tuple[str, ...] = ()
    failed: bool = False

    def aligned(self, domain: str) -> bool:
        """DMARC passed, or a good DKIM signature of the sender's own domain (or its parent)."""
        return self.dmarc == "pass" or (
            self.dmarc != "fail" and any(_aligned(found, domain) for found in self.dkim_domains)
        )


def result(mail: Mail, authserv_id: str = "") -> CallbackResult:
    """The top-most Authentication-Results; with `authserv_id` only if that server wrote it."""
    value = _COMMENT.sub(" ", mime.header(mail, "Authentication-Results"))
    server, _, rest = value.partition(";")
    server = server.strip().partition(" ")[0].lower()
    if not server or (authserv_id and server != authserv_id.strip().lower()):
        return CallbackResult()
    dmarc, signed, failed = "", [], False
    for clause in rest.split(";"):
        found = _RESULT.search(clause)
        if not found:
            continue
        method, result = found[1].lower(), found[2].lower()
        if method == "dmarc":
            dmarc = result
        elif method == "dkim" and result == "pass":
            signed += [domain.lower().strip(".") for domain in _SIGNED_BY.findall(clause)]
        elif method == "spf" and result in {"fail", "hardfail"}:
            failed = True
    failed = dmarc == "fail" or (failed and not signed and dmarc != "pass")
    return CallbackResult(server, dmarc, tuple(signed), failed)


def why_untrusted(mail: Mail, config: EmailConfig, strength: str) -> str:
    """Why this mail must not reach a customer as an agent's words; "" when it may. Says what an admin can do."""
    senders = list(dict.fromkeys(address for _, address in mime.addresses(mail, "From")))
    if len(senders) != 1:
        return "the mail names no single sender in From"
    sender = senders[0]
    domain = sender.rpartition("@")[2]
    if config.is_own(sender) and not config.trusts(sender):
        return f"the mail claims to come from our own address {sender}"
    if not config.trusts(sender):
        return f"{sender} is not in trusted_senders; add the address or its domain and replay, if it is an agent's"
    claimed = result(mail, config.authserv_id)
    if config.authserv_id:
        if not claimed.server:
            return f"{config.authserv_id} did not write Authentication-Results on this mail; check authserv_id"
        if not claimed.aligned(domain):
            return f"{config.authserv_id} found neither DMARC nor an aligned DKIM signature of {domain} to pass"
        return ""
    if claimed.failed:
        return f"the receiving server says that this mail does not come from {domain} (DMARC or SPF failed)"
    if strength != PROOF:
        return (
            "the mail names the conversation by its subject or by other servers' ids only, and no receiving server "
            "vouches for its sender; set authserv_id, or attach it by hand"
        )
    return ""


def _aligned(signed: str, domain: str) -> bool:
    """Relaxed alignment: the same domain or a parent with at least two labels."""
    return signed == domain or (signed.count(".") >= 1 and domain.endswith("." + signed))
