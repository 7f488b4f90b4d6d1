"""Who a process is: its role, its id, and the two names that its certificate carries."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from wire.ids import is_service_id


class Role(StrEnum):
    """The kinds of process that may call one another."""

    WRITER = "writer"
    DISPATCHER = "dispatcher"
    NODE = "node"
    SINGLE = "single"


_ROLES = frozenset(role.value for role in Role)


@dataclass(frozen=True, slots=True)
class Peer:
    """Another of our processes and where its internal listener is."""

    role: Role
    id: str
    host: str
    port: int

    @property
    def dns_name(self) -> str:
        """The DNS name its certificate must carry; the caller checks it in the handshake."""
        return dns_name(self.role, self.id)


def dns_name(role: Role, service_id: str) -> str:
    """DNS subject alternative name of a process; proves the server to its caller."""
    return f"{service_id}.{role}.livecomments.internal"


def san_uri(role: Role, service_id: str) -> str:
    """URI subject alternative name of a process; proves the caller's role to the server."""
    return f"livecomments://{role}/{service_id}"


def parse_san_uri(uri: str) -> tuple[Role, str] | None:
    """The role and id in a URI made by `san_uri`, or None if it is not one."""
    scheme, _, rest = uri.partition("://")
    role, _, service_id = rest.partition("/")
    if scheme != "livecomments" or role not in _ROLES or not is_service_id(service_id):
        return None
    return Role(role), service_id
