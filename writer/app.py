"""The writer as a process: its listeners, the store, and the wiring of its topology."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from identity.build import build_authenticator, build_readers
from pages.routes import add_pages
from service.edge_metrics import export_edge
from service.http_server import HttpServer
from service.metrics import Exports
from service.ops import OpsServer
from service.shell import Shell
from writer.comment_service import CommentService
from writer.config import Config
from writer.counting import build_totals, start_totals
from writer.internal_routes import READ_METHODS, internal_application
from writer.metrics import WriterMetrics
from writer.moderation import Moderation
from writer.public_routes import public_application
from writer.stores import build_store
from writer.wiring import wire_up

_CHECK_EVERY_S = 1.0
_COMMITS_WITHIN_S = 5.0


class WriterService:
    """See service.runner.Service."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._shell = shell = Shell(config.service)
        self.health, self.tasks = shell.health, shell.tasks
        self._closing = False
        self._metrics = metrics = WriterMetrics(shell.registry)
        self._store = build_store(config.store, shell.registry, metrics, self.tasks.fail)
        self._wiring = wire_up(config, shell, self._store.epoch)
        self._comments = CommentService(self._store, self._wiring.sink, self.tasks, metrics)
        self._authenticator = build_authenticator(config.identity, shell.registry)
        self._moderation = Moderation(
            self._comments, self._store.moderation, metrics, self._authenticator.revocations
        )
        metrics.watch_queues(self._queues)
        self._totals = build_totals(shell.registry) if config.viewer_counts else None
        self._build_listeners(metrics)

    @property
    def public_port(self) -> int:
        """Where the gateway calls (known after `start`)."""
        return self._public.port

    @property
    def internal_port(self) -> int:
        """Where nodes call (known after `start`)."""
        return self._internal.port

    @property
    def ops_port(self) -> int:
        """Where /state and /metrics are (known after `start`)."""
        return self._ops.port

    async def start(self) -> None:
        """Open the store, connect, bind, announce."""
        self._shell.start()
        await self._ops.start()
        await self._comments.start()
        await self._authenticator.start(self.tasks)
        await self._moderation.start()
        await self._internal.start()  # not sooner: what was erased may be back, from a backup
        self.tasks.spawn(self._watch_store(), "store check")
        self.tasks.spawn(self._moderation.watch(), "moderation")
        await self._wiring.start()
        await self._public.start()  # not sooner: there may be another store that others write to
        await self._wiring.announce(self.internal_port)
        if self._totals is not None:
            start_totals(self._totals, self.tasks)
        self._mark_health()

    async def drain(self) -> None:
        """Withdraw, let the gateway and clients notice, finish what was accepted."""
        self._closing = True
        await self._wiring.withdraw()
        await asyncio.sleep(self._config.drain_notice_s)
        await self._public.stop()
        with suppress(TimeoutError):
            async with asyncio.timeout(_COMMITS_WITHIN_S):
                await self._comments.drain()

    async def stop(self) -> None:
        """Release everything; hands over what is committed. Idempotent."""
        await self._public.stop()
        await self._internal.stop()
        await self._comments.stop()
        await self.tasks.aclose()
        await self._authenticator.stop()
        await self._wiring.stop()
        await self._ops.stop()

    def _build_listeners(self, metrics: WriterMetrics) -> None:
        config, service, shell = self._config, self._config.service, self._shell
        public = public_application(
            self._comments,
            self._moderation,
            metrics,
            config.edge,
            authenticator=self._authenticator,
            readers=build_readers(config.reading, shell.registry, self._authenticator.revocations),
            rates=config.rates,
            viewers=self._totals,
            closing=lambda: self._closing,
        )
        add_pages(public, config.pages)
        self._public = HttpServer(public, service.public_host, config.public_port)
        self._internal = HttpServer(
            internal_application(self._comments, self._authenticator.revocations, self._totals),
            service.internal_host,
            service.internal_port,
            ssl_context=shell.tls.server(),
            read_methods=READ_METHODS,
        )
        export_edge(shell.registry, config.edge)
        self._ops = OpsServer(service, self.health, shell.registry, self._describe)
        Exports(shell.registry).counter(
            "connections_refused",
            "Too many at once",
            lambda: self._public.refused_connections + self._internal.refused_connections,
        )

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
        for dependency, problem in self._wiring.problems.items():
            self.health.mark(dependency, problem)

    def _queues(self) -> dict[str, int]:
        handed_over = {"dispatch": self._wiring.sink.queued}
        return self._comments.queues | self._store.queues | handed_over

    def _describe(self) -> dict[str, Any]:
        return {
            "viewers": 0,
            "videos": self._comments.videos,
            "totals": {"comments": self._metrics.stored},
            "queues": self._queues(),
        } | self._wiring.describe()
