"""Everything in one process: comment service, streams and store, on one public port.

What the writer's side commits goes to the node's side by a call, and the node's side reads heads
and ranges from the writer's (`CommentService` is a `Source` as it stands). Both sides, and the
edges in front of them, are those of the cluster, so a client sees the same contract; the
anti-entropy check stays too, because other processes may write to the same file.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from typing import Any

import structlog

from identity.build import build_authenticator, build_readers
from pages.routes import add_pages
from rtms_node.drain import drain_viewers
from rtms_node.figures import describe_streams, find_viewers
from rtms_node.node import Node
from rtms_node.stream_listener import StreamListener
from service.edge_metrics import export_edge
from service.http_server import HttpServer
from service.ops import OpsServer
from service.shell import Shell
from single.config import Config
from single.counts import ALONE, OwnTotals
from single.handback import hand_back_streams
from single.health_routes import add_health_routes
from single.sink import HubSink, NoFeed
from wire.errors import Draining
from writer.comment_service import CommentService
from writer.counting import build_totals, start_totals
from writer.metrics import WriterMetrics
from writer.moderation import Moderation
from writer.public_routes import public_application
from writer.stores import build_store

log = structlog.get_logger()

_CHECK_EVERY_S = 1.0
_COMMITS_WITHIN_S = 5.0
_CLOSE_WITHIN_S = 1.0


class SingleService:
    """See service.runner.Service."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._shell = shell = Shell(config.service)
        self.health, self.tasks = shell.health, shell.tasks
        self._closing = self._closed = False
        self._metrics = metrics = WriterMetrics(shell.registry)
        self._store = build_store(config.store, shell.registry, metrics, self.tasks.fail)
        sink = HubSink(lambda: self._node.hub)
        self._comments = CommentService(self._store, sink, self.tasks, metrics)
        self._node = Node(
            config.service.id,
            config.limits,
            config.antientropy,
            self._comments,
            NoFeed(),
            self.tasks,
            shell.registry,
            on_reachable=lambda _: self._mark_health(),
        )
        self._authenticator = build_authenticator(config.identity, shell.registry)
        self._moderation = Moderation(
            self._comments, self._store.moderation, metrics, self._authenticator.revocations
        )
        metrics.watch_queues(self._queues)
        self._totals = build_totals(shell.registry, ALONE) if config.viewer_counts else None
        self._build_listeners(metrics)

    @property
    def public_port(self) -> int:
        """Where clients call (known after `start`)."""
        return self._streams.port

    @property
    def ops_port(self) -> int:
        """Where /state and /metrics are (known after `start`)."""
        return self._ops.port

    async def start(self) -> None:
        """Open the store, then bind."""
        self._shell.start()
        await self._ops.start()
        await self._comments.start()
        await self._authenticator.start(self.tasks)
        await self._moderation.start()
        self._node.start()
        if self._totals is not None:
            start_totals(self._totals, self.tasks)
            self._node.count_viewers(OwnTotals(self._totals))
        self.tasks.spawn(self._watch_store(), "store check")
        self.tasks.spawn(self._moderation.watch(), "moderation")
        await self._http.prepare()
        await self._streams.start()
        log.info("listening", public_port=self.public_port, ops_port=self.ops_port)

    async def drain(self) -> None:
        """Make room for a successor on the port, send viewers away evenly, finish what was posted.

        The listener closes first: viewers have no other process to go to, and would come back to
        this one again and again.
        """
        self._closing = True
        await asyncio.sleep(self._config.drain_notice_s)
        await self._streams.stop()
        await drain_viewers(self._node.hub, 0, self._config.drain_window_s)
        await self._stop_http()
        with suppress(TimeoutError):
            async with asyncio.timeout(_COMMITS_WITHIN_S):
                await self._comments.drain()

    async def stop(self) -> None:
        """Release everything. Idempotent."""
        await self._streams.stop()
        await self._stop_http()
        self._node.close()
        await self._node.hub.wait_empty(_CLOSE_WITHIN_S)
        await self._comments.stop()
        await self.tasks.aclose()
        await self._authenticator.stop()
        await self._ops.stop()

    def _build_listeners(self, metrics: WriterMetrics) -> None:
        config = self._config
        revocations = self._authenticator.revocations
        readers = build_readers(config.reading, self._shell.registry, revocations)
        revocations.on_change = lambda: self._node.hub.ends.revoke(revocations)
        self._streams = StreamListener(
            self._node.hub,
            config.edge,
            config.service.public_host,
            config.public_port,
            readers=readers,
            fallback=self._other_connection,
        )
        app = public_application(
            self._comments,
            self._moderation,
            metrics,
            config.edge,
            authenticator=self._authenticator,
            readers=readers,
            rates=config.rates,
            viewers=self._totals,
            closing=lambda: self._closing,
        )
        export_edge(self._shell.registry, config.edge)
        add_health_routes(app, self.health)
        add_pages(app, config.pages)
        app.middlewares.insert(0, hand_back_streams(self._streams))
        self._http = HttpServer(app, config.service.public_host, 0)  # binds nothing: see `prepare`
        self._ops = OpsServer(
            config.service,
            self.health,
            self._shell.registry,
            self._describe,
            partial(find_viewers, self._node.hub),
        )

    def _other_connection(self) -> asyncio.Protocol:
        """For a connection whose first request is not for a stream."""
        if self._closed:  # it was accepted before the listener closed and asks only now
            raise Draining()
        return self._http.connection()

    async def _stop_http(self) -> None:
        self._closed = True
        await self._http.stop()

    async def _watch_store(self) -> None:
        """Keep `degraded` right, and notice a store that was replaced or came back while idle."""
        while True:
            await self._comments.check()
            self._mark_health()
            await asyncio.sleep(_CHECK_EVERY_S)

    def _mark_health(self) -> None:
        self.health.mark("store", self._comments.store_problem)
        self.health.mark("erasures", self._comments.reads_closed)
        self.health.mark("keys", self._authenticator.problem)

    def _queues(self) -> dict[str, int]:
        return self._comments.queues | self._store.queues | self._node.queues

    def _describe(self) -> dict[str, Any]:
        streams = describe_streams(self._node.hub, self._node.stats)
        stored = {"comments": self._metrics.stored}
        return streams | {
            "zookeeper": "none",
            "totals": streams["totals"] | stored,
            "queues": self._queues(),
        }
