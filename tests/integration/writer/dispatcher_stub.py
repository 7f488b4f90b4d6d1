"""A listener that takes batches as a dispatcher does, over real mutual TLS, and can misbehave."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

from cluster.ca import DevelopmentCa
from service.middleware import read_body, require_role
from tests.listener_stub import BatchListener
from wire.errors import Unavailable
from wire.internal import DISPATCH, MAX_INTERNAL_BYTES, decode_batches
from wire.roles import Role


class DispatcherStub(BatchListener):
    """`refusing` answers 503."""

    role = Role.DISPATCHER
    path = DISPATCH

    def __init__(self, ca: DevelopmentCa, folder: Path, name: str) -> None:
        super().__init__(ca, folder, name)
        self.refusing = False
        self.in_flight = self.most_in_flight = 0
        self.request_ids: list[str] = []

    @property
    def seqs(self) -> list[int]:
        """First numbers of all batches in order of arrival."""
        return [batch.first_seq for request in self.requests for batch in request]

    async def _take(self, request: web.Request) -> web.Response:
        require_role(Role.WRITER)(request)
        body = await read_body(request, MAX_INTERNAL_BYTES)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            self.requests.append(decode_batches(body))
            self.request_ids.append(request.headers["X-Request-Id"])
            await self.gate.wait()
        finally:
            self.in_flight -= 1
        if self.refusing:
            raise Unavailable()
        return web.Response(body=b"{}")
