"""How much one visitor, one address and everybody together may ask for."""

from bridge.contract import Limit

# Per visitor first; per address generously, because offices and mobile carriers share theirs.
LIMITS: dict[str, Limit] = {
    "sessions.address": Limit(60, 30),
    "sessions.all": Limit(600, 1200),
    "messages.visitor": Limit(20, 30),
    "messages.address": Limit(200, 600),
    "uploads.visitor": Limit(10, 2),
    "uploads.address": Limit(60, 30),
    "signals.visitor": Limit(40, 60),
    "identify.address": Limit(60, 60),
    "reads.visitor": Limit(60, 240),
    "badge.address": Limit(120, 240),
    "sign_in.address": Limit(20, 6),
}
