"""Who really calls: behind a proxy that is trusted, what it says in `X-Forwarded-For`; else the peer itself."""

import ipaddress
from collections.abc import Iterable

from starlette.types import ASGIApp, Receive, Scope, Send

from bridge.contract import network_of

_SCHEMES = {b"http", b"https"}


class Proxies:
    """The proxies whose word counts (`bridge.trusted_proxies`): addresses and networks."""

    def __init__(self, trusted: Iterable[str] = ()) -> None:
        self._networks = tuple(ipaddress.ip_network(entry) for entry in trusted)
        self._known: dict[str, bool] = {}

    def trusts(self, peer: str) -> bool:
        """Whether this is one of them. A peer without an address came over a local socket and is one."""
        if not peer:
            return True
        known = self._known.get(peer)
        if known is None:
            if len(self._known) > 1000:
                self._known.clear()
            known = self._known[peer] = self._is_listed(peer)
        return known

    def _is_listed(self, peer: str) -> bool:
        try:
            address = ipaddress.ip_address(peer.partition("%")[0])
        except ValueError:
            return False
        mapped = getattr(address, "ipv4_mapped", None)
        return any((mapped or address) in network for network in self._networks)

    def caller(self, peer: str, headers: Iterable[tuple[bytes, bytes]]) -> str:
        """The address that asks. Of a chain of proxies the last that is not trusted: what stands before it was
        written by strangers.
        """
        if not self.trusts(peer):
            return peer
        chain = b",".join(value for name, value in headers if name == b"x-forwarded-for")
        for entry in reversed(chain[-4096:].decode("latin-1").split(",")):
            address = entry.strip().strip("[]")
            if not network_of(address):
                break
            if not self.trusts(address):
                return address
        return peer


class ClientAddress:
    """Puts the caller's address and scheme into the scope, for everything behind it."""

    def __init__(self, app: ASGIApp, proxies: Proxies) -> None:
        self._app = app
        self._proxies = proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            client = scope.get("client") or ("", 0)
            caller = self._proxies.caller(client[0], scope["headers"])
            if self._proxies.trusts(client[0]):
                said = [value for name, value in scope["headers"] if name == b"x-forwarded-proto"]
                if said and said[-1] in _SCHEMES:
                    scope["scheme"] = said[-1].decode()
            scope["client"] = (caller, 0 if caller != client[0] else client[1])
        await self._app(scope, receive, send)
