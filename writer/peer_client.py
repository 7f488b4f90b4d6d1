"""What the sink needs of a client; `service.http_client.InternalClient` is one."""

from __future__ import annotations

from typing import Protocol

from wire.roles import Peer


class PeerClient(Protocol):
    """Calls other processes of the system."""

    async def post(
        self, peer: Peer, path: str, body: bytes, *, deadline_s: float | None = None
    ) -> bytes:
        """The body of a 200 reply; raises PeerError for anything else."""
