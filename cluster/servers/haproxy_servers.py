"""What stands behind the gateway, as lines of its configuration.

Invariant: a server's name and number (`node-3`: id 3) never depend on the others, because the hash
places a video by number: a node that comes or goes moves only its own share. Of servers that DNS
lists as the addresses of one name nobody knows which is which: there a change may move more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from cluster.addresses import join_port

SPARE_SLOTS = 16
SYSTEM_NAMESERVERS = "system"  # those of /etc/resolv.conf
_RESOLVERS = (
    "    accepted_payload_size 8192",
    "    timeout resolve 1s",
    "    timeout retry 1s",
    "    hold valid 1s",
)
_BY_NAME = " resolvers names resolve-prefer ipv4 init-addr none"


@dataclass(frozen=True, slots=True)
class Server:
    """A process behind the gateway: `number` counts from 1 in its role; `host` is an address or a
    name, `check_port` that of its ops listener.
    """

    number: int
    host: str
    port: int
    check_port: int


@dataclass(frozen=True, slots=True)
class Discovered:
    """All processes of a role, at most `slots`, as DNS lists them under `name`: its addresses, or,
    without a `port`, its SRV records.
    """

    name: str
    port: int | None
    check_port: int
    slots: int


Servers = Sequence[Server] | Discovered


def server_lines(
    prefix: str, servers: Servers, *, by_name: bool, spare_slots: int = SPARE_SLOTS
) -> list[str]:
    """The servers of one role. by_name: whether names are looked up while HAProxy runs; else they
    must be known when it starts. Behind known servers are disabled ones of the following names,
    which are filled through the runtime socket: a reload would detach every stream.
    """
    names = _BY_NAME if by_name else ""
    if isinstance(servers, Discovered):
        where = servers.name if servers.port is None else join_port(servers.name, servers.port)
        slots = f"1-{servers.slots}"
        return [f"server-template {prefix}- {slots} {where} port {servers.check_port}{names}"]
    lines = [_line(prefix, server, names) for server in servers]
    if spare_slots:
        first = max((server.number for server in servers), default=0) + 1
        slots = f"{first}-{first + spare_slots - 1}"
        lines.append(f"server-template {prefix}- {slots} 127.0.0.1:1 port 1 disabled")
    return lines


def resolver_lines(nameservers: Sequence[str]) -> list[str]:
    """The section that asks all of them (host:port, or SYSTEM_NAMESERVERS); none without any."""
    if not nameservers:
        return []
    asked = [
        "    parse-resolv-conf" if each == SYSTEM_NAMESERVERS else f"    nameserver ns{n} {each}"
        for n, each in enumerate(nameservers, 1)
    ]
    return ["resolvers names", *asked, *_RESOLVERS, ""]


def is_name(host: str) -> bool:
    """Whether somebody has to look it up."""
    try:
        ip_address(host)
    except ValueError:
        return True
    return False


def _line(prefix: str, server: Server, names: str) -> str:
    name, address = f"{prefix}-{server.number}", join_port(server.host, server.port)
    extra = names if is_name(server.host) else ""
    return f"server {name} {address} id {server.number} port {server.check_port}{extra}"
