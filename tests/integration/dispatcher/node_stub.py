"""A node as the dispatcher sees it: a real HTTPS listener that can be slow, dead or wrong."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from aiohttp import web

from cluster.ca import DevelopmentCa
from service.middleware import read_body, require_role
from tests.listener_stub import BatchListener
from wire.internal import FORWARD, MAX_INTERNAL_BYTES, ForwardReply, decode_batches, encode
from wire.roles import Role


class NodeStub(BatchListener):
    """`slow_s` delays replies, `status` and `garbage` spoil them; `unserved` are reported.
    `arrived`: when each request came.
    """

    role = Role.NODE
    path = FORWARD

    def __init__(self, ca: DevelopmentCa, folder: Path, name: str) -> None:
        super().__init__(ca, folder, name)
        self.status = 200
        self.garbage: bytes | None = None
        self.unserved: set[str] = set()
        self.slow_s = 0.0
        self.arrived: list[float] = []
        self.callers: set[str] = set()
        self.connections: set[int] = set()

    @property
    def got(self) -> list[tuple[str, int]]:
        """Video and number of every comment in order of arrival."""
        return [
            (batch.video_id, seq)
            for request in self.requests
            for batch in request
            for seq in range(batch.first_seq, batch.last_seq + 1)
        ]

    async def _take(self, request: web.Request) -> web.Response:
        self.callers.add(require_role(Role.DISPATCHER)(request))
        self.connections.add(id(request.transport))
        batches = decode_batches(await read_body(request, MAX_INTERNAL_BYTES))
        self.requests.append(batches)
        self.arrived.append(time.monotonic())
        await self.gate.wait()
        await asyncio.sleep(self.slow_s)
        unserved = tuple({one.video_id for one in batches} & self.unserved)
        body = encode(ForwardReply(unserved)) if self.garbage is None else self.garbage
        return web.Response(body=body, status=self.status)
