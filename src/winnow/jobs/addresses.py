"""Addresses that a stranger may have this machine call: public ones, unless private ones are allowed.

A name is resolved here, every address that it has is checked, and the connection goes to a checked address: a name
that means one thing when it is checked and another when it is called gains nothing.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from winnow.errors import Forbidden, InvalidInput

Address = IPv4Address | IPv6Address

_NAT64 = IPv6Network("64:ff9b::/96")


def is_public(address: Address) -> bool:
    """Whether it leads out into the world, whatever way an IPv4 address may be wrapped up in an IPv6 one."""
    return all(inner.is_global and not inner.is_multicast for inner in _unwrapped(address))


def literal(host: str) -> Address | None:
    """The address that a host is in any of the ways that the system reads as one: `127.1`, `0x7f000001`, `::1`.

    None for a name. Nobody is asked.
    """
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return None
    return _address(found[0][4][0])


async def resolve(host: str, port: int, *, private: bool) -> str:
    """An address to connect to. `Forbidden` where the host has one that is not public; `InvalidInput` for none."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise InvalidInput(f"the host '{host}' is not known: {error}") from error
    addresses = [_address(entry[4][0]) for entry in found]
    for address in addresses:
        if not private and not is_public(address):
            raise Forbidden(
                f"'{host}' is {address}, which is no public address: set webhook_private if that is meant"
            )
    return str(addresses[0])


def _address(text: str | int) -> Address:
    return ip_address(str(text))


def _unwrapped(address: Address) -> Iterator[Address]:
    """The address, and what it may stand for."""
    yield address
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            yield address.ipv4_mapped
        if address.sixtofour is not None:
            yield address.sixtofour
        if address.teredo is not None:
            yield from address.teredo
        if address in _NAT64:
            yield IPv4Address(int(address) & 0xFFFFFFFF)
