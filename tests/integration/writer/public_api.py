"""The public routes on a real listener and a real file."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
from prometheus_client import CollectorRegistry

from identity.authenticator import Authenticator
from service.edge import PublicEdge
from service.http_server import HttpServer
from service.tasks import TaskHome
from tests.raw_http import speak
from writer.comment_service import CommentService
from writer.metrics import WriterMetrics
from writer.moderation import Moderation
from writer.public_routes import public_application
from writer.rate_limit import Rates
from writer.read_lanes import ReadBounds
from writer.sqlite.store import SqliteStore
from writer.testing import ListSink
from writer.viewer_totals import ViewerTotals

ORIGIN = "https://watch.example"


class PublicApi:
    """Listener, store and client; the sink only remembers."""

    def __init__(
        self,
        path: Path,
        *,
        authenticator: Authenticator | None = None,
        rates: Rates | None = None,
        read_bounds: ReadBounds | None = None,
        edge: PublicEdge | None = None,
        head_deadline_s: float = 10.0,
        viewers: ViewerTotals | None = None,
    ) -> None:
        self.registry, self.tasks, self.sink = CollectorRegistry(), TaskHome(), ListSink()
        metrics = WriterMetrics(self.registry)
        self.store = SqliteStore(path)
        self.service = CommentService(
            self.store, self.sink, self.tasks, metrics, read_bounds=read_bounds
        )
        self.closing = False
        authenticator = authenticator or Authenticator()
        self.moderation = Moderation(
            self.service, self.store.moderation, metrics, authenticator.revocations
        )
        app = public_application(
            self.service,
            self.moderation,
            metrics,
            edge or PublicEdge(origins=frozenset({ORIGIN})),
            authenticator=authenticator,
            rates=rates,
            viewers=viewers,
            closing=lambda: self.closing,
        )
        self.server = HttpServer(app, "127.0.0.1", 0, head_deadline_s=head_deadline_s)

    async def start(self) -> PublicApi:
        await self.service.start()
        await self.server.start()
        self.client = aiohttp.ClientSession(f"http://127.0.0.1:{self.server.port}")
        return self

    async def stop(self) -> None:
        await self.client.close()
        await self.server.stop()
        await self.service.stop()
        await self.tasks.aclose()

    async def raw(self, request: bytes) -> bytes:
        """All that comes back for some bytes until the server closes."""
        connection = await asyncio.open_connection("127.0.0.1", self.server.port)
        return await speak(connection, request, timeout_s=60)
