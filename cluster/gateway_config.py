"""The gateway's configuration for processes that somebody else starts, on any host.

Words of the command become servers: `10.0.0.1:8080/9090` is an address, its public port and its
ops port; `node-[1-16].nodes:8080/9090` sixteen names, numbered as they are; `3=...` has a number of
its own. What DNS lists is `nodes.example:8080/9090`, or `_http._tcp.nodes/9090` by SRV records.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from cluster.addresses import join_port
from cluster.errors import ClusterError
from cluster.servers.haproxy_servers import SYSTEM_NAMESERVERS, Discovered, Server, Servers, is_name
from wire.hosts import parse_address

MAX_SERVERS = 1_000  # of a role
_WORD = re.compile(r"(?:(?P<number>[0-9]{1,4})=)?(?P<where>.+)/(?P<check>[0-9]{1,5})", re.ASCII)
_RANGE = re.compile(r"\[(?P<first>[0-9]{1,4})-(?P<last>[0-9]{1,4})\]", re.ASCII)
_SRV = re.compile(r"_[a-z0-9-]+\._(?:tcp|udp)\.(?P<name>.+)", re.ASCII | re.IGNORECASE)
_RULE = "must be HOST:PORT/OPS_PORT, with [1-16] in HOST for many, or N= before it for its number"
_DNS_RULE = "must be NAME:PORT/OPS_PORT, or _SERVICE._tcp.NAME/OPS_PORT for SRV records"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command was told of one role. `words`: its servers; `dns`: where they are listed
    instead, with `slots` for them.
    """

    role: str
    words: Sequence[str]
    dns: str | None
    slots: int


def read_servers(asked: Asked, domain: str) -> Servers:
    """The servers of a role. `domain` is added to names without a dot. Raises ClusterError."""
    if bool(asked.words) == (asked.dns is not None):
        raise ClusterError(f"give --{asked.role} for each, or --{asked.role}s-dns for all of them")
    if asked.dns is not None:
        return _read_discovered(asked, asked.dns, domain)
    found: list[Server] = []
    for word in asked.words:
        found += _read_word(word, len(found) + 1)
    numbers = [server.number for server in found]
    if len(set(numbers)) < len(numbers) or 0 in numbers or len(numbers) > MAX_SERVERS:
        raise ClusterError(
            f"--{asked.role}: numbers must be different, from 1 on, of at most {MAX_SERVERS}"
        )
    return [replace(server, host=_complete(server.host, domain)) for server in found]


def read_nameservers(words: Sequence[str]) -> list[str]:
    """`host:port` (53 where there is no port), or `system`. Raises ClusterError."""
    return [_read_nameserver(word) for word in words]


def _read_word(word: str, number: int) -> list[Server]:
    match = _WORD.fullmatch(word)
    if match is None:
        raise ClusterError(f"{word}: {_RULE}")
    where, check = match["where"], int(match["check"])
    first = int(match["number"] or number)
    span = _RANGE.search(where)
    if span is None:
        return [_server(word, first, where, check)]
    numbers = range(int(span["first"]), int(span["last"]) + 1)
    if match["number"] or not numbers:
        raise ClusterError(f"{word}: {_RULE}")
    return [
        _server(word, each, f"{where[: span.start()]}{each}{where[span.end() :]}", check)
        for each in numbers
    ]


def _server(word: str, number: int, where: str, check: int) -> Server:
    address = parse_address(where, ours=False)
    if address is None or not 1 <= check <= 65535:
        raise ClusterError(f"{word}: {_RULE}")
    return Server(number, *address, check)


def _read_discovered(asked: Asked, dns: str, domain: str) -> Discovered:
    match = _WORD.fullmatch(dns)
    if match is None or match["number"] or not 1 <= int(match["check"]) <= 65535:
        raise ClusterError(f"{dns}: {_DNS_RULE}")
    where, check = match["where"], int(match["check"])
    srv = _SRV.fullmatch(where)
    if srv is not None and parse_address(srv["name"], ours=False, port=1) is not None:
        return Discovered(where, None, check, asked.slots)
    address = parse_address(where, ours=False)
    if address is None or not is_name(address[0]):
        raise ClusterError(f"{dns}: {_DNS_RULE}")
    return Discovered(_complete(address[0], domain), address[1], check, asked.slots)


def _read_nameserver(word: str) -> str:
    address = None if word == SYSTEM_NAMESERVERS else parse_address(word, ours=False, port=53)
    if word == SYSTEM_NAMESERVERS:
        return word
    if address is None or is_name(address[0]):
        raise ClusterError(f"--nameserver {word}: must be an address, with its port, or `system`")
    return join_port(*address)


def _complete(host: str, domain: str) -> str:
    """HAProxy asks for a name as it is written: it knows no search list."""
    return f"{host}.{domain}" if domain and is_name(host) and "." not in host else host
