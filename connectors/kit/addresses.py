"""Keeps calls to customers' addresses out of private networks (SSRF).

The check is part of the name look-up of the connection itself, so that the address that was
checked is the address that is called, whatever the name server says a moment later.
"""

from __future__ import annotations

import ipaddress
import socket

from aiohttp import ThreadedResolver
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from connectors.kit.errors import InvalidRequest

_METADATA = frozenset({"168.63.129.16", "100.100.100.200", "192.0.0.192"})
"""Cloud metadata outside the private ranges (Azure, Alibaba, Oracle)."""
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


def is_public(text: str) -> bool:
    """Whether this IP address lies on the open internet; also looks through IPv6 wrappings."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return all(_is_open(one) for one in _unwrapped(address))


def _is_open(address: IPAddress) -> bool:
    return address.is_global and not address.is_multicast and str(address) not in _METADATA


def _unwrapped(address: IPAddress) -> list[IPAddress]:
    """The address, or the IPv4 addresses that it stands for."""
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    if address.ipv4_mapped:
        return [address.ipv4_mapped]
    if address in _NAT64:
        return [ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)]
    if address.sixtofour:
        return [address, address.sixtofour]
    if address.teredo:
        return [address, *address.teredo]
    return [address]


def refuse_private_literal(url: str) -> None:
    """Raises InvalidRequest where the host is itself an IP address that is not public."""
    host = (URL(url).raw_host or "").rstrip(".")
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return
    if not is_public(host):
        raise _refusal(host)


class PublicResolver(AbstractResolver):
    """Looks names up as the system does, and refuses those that lead into a private network."""

    def __init__(self) -> None:
        self._system: ThreadedResolver | None = None

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The host's addresses.

        Raises:
            InvalidRequest: One of them is not public.
            OSError: There are none.
        """
        if self._system is None:
            self._system = ThreadedResolver()
        found = await self._system.resolve(host, port, family)
        if not all(is_public(one["host"]) for one in found):
            raise _refusal(host)
        return found

    async def close(self) -> None:
        """Gives nothing back: the system's resolver holds nothing."""


def _refusal(host: str) -> InvalidRequest:
    return InvalidRequest(
        f"the address {host} lies in a private network, which is not called: use a public one, "
        "or set allow_private_network in the connection's credentials"
    )
