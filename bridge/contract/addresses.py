"""Which addresses may be fetched when the URL came from outside: those that everybody can reach."""

import asyncio
import ipaddress
import socket
from urllib.parse import urlsplit

from bridge.contract.errors import Rejected, Retryable

_SPECIAL = tuple(
    ipaddress.ip_network(network)
    for network in (
        "64:ff9b::/96",  # IPv4 behind NAT64, including private ones
        "64:ff9b:1::/48",
        "fec0::/10",  # site-local, of old
        "192.0.0.0/24",  # assignments of protocols
    )
)


def is_public(address: str) -> bool:
    """Whether an IP address is reachable by everybody: none of ours, none mapped, none special."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return is_public(str(found.ipv4_mapped))
        if found.sixtofour is not None or found.teredo is not None:
            return False
    if any(found in network for network in _SPECIAL):
        return False
    return found.is_global and not found.is_multicast and not found.is_reserved


async def pin(url: str, where: str) -> tuple[str, str]:
    """The URL with its host replaced by a public address it resolves to, and the host name for TLS.

    Connecting to the address that was checked leaves a name no chance to resolve differently a moment later.
    https on port 443 only. Raises Rejected, or Retryable when the name is not found.
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".")
    if parts.scheme != "https" or parts.port not in {None, 443}:
        raise Rejected(f"{where}: only https on port 443 is fetched from outside", code="refused address")
    if not host or "%" in host or parts.username is not None:
        raise Rejected(f"{where}: not an address", code="refused address")
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, 443, type=socket.SOCK_STREAM)
    except OSError:
        raise Retryable(f"{where}: name not found", code="dns") from None
    except UnicodeError:
        raise Rejected(f"{where}: not a host name", code="refused address") from None
    addresses = [str(entry[4][0]) for entry in found]
    if not addresses or not all(is_public(address) for address in addresses):
        raise Rejected(f"{where}: the address is inside a private network", code="refused address")
    chosen = addresses[0]
    netloc = f"[{chosen}]" if ":" in chosen else chosen
    return parts._replace(netloc=netloc).geturl(), host


def origin(url: str) -> str:
    """Scheme, host and port, with the port written out. Raises ValueError for what is no URL."""
    parts = urlsplit(url)
    port = parts.port or {"https": 443, "http": 80}.get(parts.scheme, 0)
    return f"{parts.scheme}://{(parts.hostname or '').rstrip('.')}:{port}"


def network_of(address: str) -> str:
    """Whom a limit by address counts: an IPv4 address, or of IPv6 the /64 of one subscriber. "" for no address."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, 64), strict=False))
