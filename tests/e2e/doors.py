"""Every listener of a cluster, and raw bytes to it: whatever an enemy can reach."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass

from cluster.cluster import Cluster
from cluster.parts import Kind
from service.tls import TlsFiles
from tests.raw_http import Connection, speak
from tests.support import TIMEOUT_FACTOR
from wire.roles import Role, dns_name

# Who may call whom inside.
CALLERS = {Kind.WRITER: Kind.NODE, Kind.DISPATCHER: Kind.WRITER, Kind.NODE: Kind.DISPATCHER}
DOORS = (
    "gateway-http", "gateway-https", "writer-public", "writer-ops", "writer-internal",
    "dispatcher-ops", "dispatcher-internal", "node-public", "node-ops", "node-internal",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Door:
    """One listener. `context`: what a good client of it uses, None for plain text."""

    name: str
    port: int
    context: ssl.SSLContext | None = None
    server_name: str | None = None

    async def connect(self) -> Connection:
        """A connection; the handshake done, if there is one."""
        return await asyncio.open_connection(
            "127.0.0.1", self.port, ssl=self.context, server_hostname=self.server_name
        )

    async def speak(self, raw: bytes, *, timeout_s: float = 25.0) -> bytes:
        """Send bytes; all that comes back until the other side closes. TimeoutError if it never
        does.
        """
        return await speak(await self.connect(), raw, timeout_s=timeout_s * TIMEOUT_FACTOR)


def find_door(cluster: Cluster, name: str) -> Door:
    """One of DOORS; of several processes of a role the first."""
    role, _, use = name.partition("-")
    if role == "gateway":
        return _gateway(cluster, use)
    port = cluster.part(f"{role}-1").ports[use]
    if use != "internal":
        return Door(name, port)
    kind = Kind(role)
    caller = cluster.folder.tls(f"{CALLERS[kind]}-1")
    return Door(name, port, TlsFiles(caller).client(), dns_name(Role(role), f"{role}-1"))


def _gateway(cluster: Cluster, use: str) -> Door:
    port = cluster.part("haproxy").ports[use]
    if use == "http":
        return Door("gateway-http", port)
    context = ssl.create_default_context(cafile=str(cluster.ca_file))
    return Door("gateway-https", port, context, "localhost")
