"""How a node reads from writers, over real mutual TLS."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from rtms_node.writers import Writers
from service.http_client import InternalClient
from service.http_server import HttpServer, new_application
from tests.integration.service.pki import Pki
from tests.support import eventually
from wire.internal import HEADS, RANGE, HeadsReply, RangeReply, encode
from wire.roles import Peer, Role

EPOCH = "testepoch001"


class Writer:
    """One whose ranges wait for `gate`, and the node's side of it."""

    def __init__(self, pki: Pki) -> None:
        app = new_application()
        app.router.add_post(HEADS, self._heads)
        app.router.add_get(RANGE, self._range)
        context = pki.files(Role.WRITER, "w1").server()
        self.server = HttpServer(app, "127.0.0.1", 0, ssl_context=context)
        self.gate, self.ranges_begun = asyncio.Event(), 0
        tls = pki.files(Role.NODE, "n1")
        self.node = Writers(lambda: InternalClient(tls, deadline_s=60.0), lambda: [self._peer])

    @property
    def _peer(self) -> Peer:
        return Peer(Role.WRITER, "w1", "127.0.0.1", self.server.port)

    async def _heads(self, _request: web.Request) -> web.Response:
        return web.Response(body=encode(HeadsReply(EPOCH, {"v": 7})))

    async def _range(self, _request: web.Request) -> web.Response:
        self.ranges_begun += 1
        await self.gate.wait()
        return web.Response(body=encode(RangeReply(EPOCH, 1, 7, 1, ())))


@pytest.fixture
async def writer(tmp_path: Path) -> AsyncIterator[Writer]:
    writer = Writer(Pki(tmp_path))
    await writer.server.start()
    await writer.node.start()
    yield writer
    writer.gate.set()
    await writer.node.stop()
    await writer.server.stop()


async def test_heads_come_while_as_many_ranges_as_there_may_be_are_held_up(writer: Writer) -> None:
    ranges = [asyncio.create_task(writer.node.range(f"v{n}", 0, 9)) for n in range(32)]
    await eventually(lambda: writer.ranges_begun)
    for _ in range(3):
        assert await writer.node.heads(("v",), {}) == HeadsReply(EPOCH, {"v": 7})
    assert not any(reading.done() for reading in ranges)
    for reading in ranges:
        reading.cancel()
    await asyncio.gather(*ranges, return_exceptions=True)
