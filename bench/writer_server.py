"""A writer without its neighbours: the public routes, validation, group commit and the SQLite file
with full durability are real; what is committed is handed over to nobody.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import uvloop
from aiohttp import web

from bench.child import carry_out_all_on_loop, cpu_s
from cluster.issuer import identity_variables
from identity.build import build_authenticator
from identity.config import IdentityConfig
from service.collector import collect_rarely
from service.config import EnvReader
from service.edge import PublicEdge
from service.http_server import HttpServer
from service.logs import configure_logs
from service.metrics import new_registry
from service.tasks import TaskHome
from wire.internal import Batch
from writer.comment_service import CommentService
from writer.metrics import WriterMetrics
from writer.moderation import Moderation
from writer.public_routes import public_application
from writer.sqlite.store import SqliteStore


class Nobody:
    """A sink that counts."""

    queued = 0

    def __init__(self) -> None:
        self.taken = 0

    async def start(self) -> None:
        """See CommentSink."""

    async def stop(self) -> None:
        """See CommentSink."""

    def offer(self, batch: Batch) -> None:
        """See CommentSink."""
        self.taken += len(batch.comments)


class WriterServer:
    """Handlers of the process."""

    def __init__(self) -> None:
        self._sink = Nobody()
        self._server: HttpServer | None = None

    async def open(self, path: str, issuer: str = "") -> int:
        """Open the store at that path and listen; the port. issuer: the folder of the keys that
        tokens are checked with, "" for none.
        """
        registry, tasks = new_registry(), TaskHome()
        metrics, store = WriterMetrics(registry), SqliteStore(Path(path))
        comments = CommentService(store, self._sink, tasks, metrics)
        await comments.start()
        told = EnvReader(identity_variables(Path(issuer), {}) if issuer else {})
        authenticator = build_authenticator(IdentityConfig.read(told, "127.0.0.1"), registry)
        await authenticator.start(tasks)
        moderation = Moderation(comments, store.moderation, metrics, authenticator.revocations)
        app = public_application(
            comments, moderation, metrics, PublicEdge(), authenticator=authenticator
        )
        self._server = HttpServer(app, "127.0.0.1", 0)
        await self._server.start()
        return self._server.port

    def committed(self) -> int:
        """Comments so far."""
        return self._sink.taken


async def _serve(pipe: Any) -> None:
    configure_logs(level="warning", style="json", role="writer", id="writer-1")
    server = WriterServer()
    await carry_out_all_on_loop(
        pipe, {"open": server.open, "committed": server.committed, "cpu_s": cpu_s}
    )


async def _serve_echo(pipe: Any) -> None:
    async def echo(request: web.Request) -> web.Response:
        return web.Response(status=201, body=await request.read(), content_type="application/json")

    async def start() -> int:
        app = web.Application()
        app.router.add_post("/v1/videos/{video_id}/comments", echo)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        assert runner.server is not None
        server = await asyncio.get_running_loop().create_server(runner.server, "127.0.0.1", 0)
        return int(server.sockets[0].getsockname()[1])

    await carry_out_all_on_loop(pipe, {"open": start, "cpu_s": cpu_s})


def run(pipe: Any) -> None:
    """The process."""
    collect_rarely()
    uvloop.run(_serve(pipe))


def run_echo(pipe: Any) -> None:
    """The peer: a plain aiohttp handler that only echoes."""
    collect_rarely()
    uvloop.run(_serve_echo(pipe))
