"""Client addresses: whom a bound for each address is counted for."""

from __future__ import annotations

import ipaddress

_MAX_LENGTH = 64  # of what is no address at all


def address_owner(address: str) -> str:
    """Who stands behind `address`: an IPv4 address, also where it is written as IPv6; of any other
    IPv6 address its /64, since a caller can use all of that. What is no address stands for itself.
    """
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:_MAX_LENGTH]
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, 64), strict=False))
