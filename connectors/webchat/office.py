"""What both sides of one account share."""

from dataclasses import dataclass, field

from bridge.contract import Account, Limits
from connectors.webchat.files import Files
from connectors.webchat.hub import Hub
from connectors.webchat.limits import LIMITS
from connectors.webchat.quotas import Quotas
from connectors.webchat.settings import Settings
from connectors.webchat.signatures import Signatures
from connectors.webchat.tickets import Tickets
from connectors.webchat.visitors import Visitor, Visitors
from connectors.webchat.web import Door, slow_down


@dataclass(slots=True)
class Office:
    """One account: its visitors and tickets, its open streams (`hub` of visitors, `agents` of agents), its limits."""

    config: Settings
    account: Account
    hub: Hub = field(default_factory=Hub)
    agents: Hub = field(default_factory=lambda: Hub(each=12))
    signatures: Signatures = field(init=False)
    files: Files = field(init=False)
    limits: Limits = field(init=False)
    quotas: Quotas = field(init=False)
    visitors: Visitors = field(init=False)
    tickets: Tickets = field(init=False)
    door: Door = field(init=False)

    def __post_init__(self) -> None:
        account = self.account
        self.signatures = Signatures(account.secret)
        self.files = Files(account, self.signatures)
        self.limits = Limits(LIMITS, account.now)
        self.quotas = Quotas(account.records, account.secret, account.now)
        self.visitors = Visitors(account.records, account.now)
        self.tickets = Tickets(account.records, account.now)
        self.door = Door(account.public_url, self.config.allowed_origins)

    def calm(self, limit: str, visitor: Visitor) -> None:
        """Raises Refusal (429) for a visitor who asks too often."""
        if wait := self.limits.wait(limit, visitor["id"]):
            raise slow_down(wait)
