"""Hosts and addresses: of our own processes, and of servers that are not ours.

Invariants: what one of our processes says of itself is what all others accept, so one rule stands
here for whoever announces, is told, or reads it elsewhere: an IP address that somebody can call, or
a DNS name in ASCII whose labels are letters, digits and hyphens. A name that the resolver would
take for an IPv4 address in another spelling (`0x7f.1`) is none.
"""

from __future__ import annotations

import ipaddress
import re

HOST_RULE = "an IP address or a DNS name of letters, digits, hyphens and dots"
MAX_HOST = 253
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_NAME = re.compile(rf"(?:{_LABEL}\.)*(?!(?:[0-9]+|0[xX][0-9A-Fa-f]*)\Z){_LABEL}", re.ASCII)
_ADDRESS = re.compile(
    r"(?:\[(?P<ipv6>[^\]]*:[^\]]*)\]|(?P<host>[^:\[]*))(?::(?P<port>[0-9]{1,5}))?", re.ASCII
)


def is_host(text: str) -> bool:
    """Whether `text` can be announced by one of our processes and called by the others."""
    address = _parse_ip(text)
    if address is None:
        return len(text) <= MAX_HOST and _NAME.fullmatch(text) is not None
    return not (is_wildcard(text) or address.is_multicast)


def is_wildcard(text: str) -> bool:
    """Whether `text` means all addresses of a machine: to listen on, not to be called at."""
    address = _parse_ip(text)
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address is not None and address.is_unspecified


def is_loopback(text: str) -> bool:
    """Whether only this machine can call `text`, an address (IPv6 with or without brackets) or
    `localhost`.
    """
    if text == "localhost":
        return True
    address = _parse_ip(text.strip("[]"))
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address is not None and address.is_loopback


def is_server(text: str) -> bool:
    """Whether `text` can be the host of a server that is not ours: more names are found there, with
    underscores (containers) or a dot at the end, and `0.0.0.0` for this machine.
    """
    return is_wildcard(text) or is_host(text.removesuffix(".").replace("_", "x"))


def parse_address(text: str, *, ours: bool = True, port: int = 0) -> tuple[str, int] | None:
    """Host and port in `host:port`, IPv6 in brackets, or None if it is not exactly that. `port` is
    what counts where none is written; `ours` is whether it leads to one of our processes.
    """
    match = _ADDRESS.fullmatch(text)
    if match is None:
        return None
    host, port = match["ipv6"] or match["host"], int(match["port"] or port)
    known = is_host(host) if ours else is_server(host)
    return (host, port) if known and 1 <= port <= 65535 else None


def _parse_ip(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return None if "%" in text else ipaddress.ip_address(text)  # a zone means nothing elsewhere
    except ValueError:
        return None
