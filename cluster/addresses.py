"""Addresses that the gateway may listen on, and where this machine then reaches it."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address

LOOPBACK = "127.0.0.1"
ANYWHERE = ("0.0.0.0", "::")
_BY_NAME = {"localhost": LOOPBACK, "*": ANYWHERE[0]}


def parse_bind(text: str) -> str:
    """An address as we keep it, from one as a person writes it. Raises ValueError if it is none
    that a program could listen on; whether this machine has it is not asked.
    """
    address = ip_address(_BY_NAME.get(text, text).removeprefix("[").removesuffix("]"))
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address
    if address.is_multicast or "%" in str(address):  # HAProxy knows no zones
        raise ValueError(f"{text} cannot be listened on")
    return str(address)


def reached_at(bind: str) -> str:
    """Where this machine reaches what listens on `bind`. Both addresses that stand for all include
    loopback, and a machine without IPv6 may still listen on `::`.
    """
    return LOOPBACK if bind in ANYWHERE else bind


def join_port(host: str, port: int) -> str:
    """`host:port`, as it stands in URLs and in lists of addresses."""
    return f"{in_brackets(host)}:{port}"


def in_brackets(host: str) -> str:
    """As a host stands before a port."""
    return f"[{host}]" if ":" in host else host
