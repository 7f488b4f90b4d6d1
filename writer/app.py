"""The writer as a process: its listeners, the store, the dispatchers, ZooKeeper."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from coordination import HashRing, Member, Membership, MemberWatch, ZooKeeperSession, new_boot_id
from service.health import Health
from service.http_client import InternalClient
from service.http_server import HttpServer
from service.metrics import Exports, new_registry
from service.ops import OpsServer
from service.tasks import TaskHome
from service.tls import TlsFiles
from wire.errors import StoreUnavailable
from wire.roles import Role
from writer.comment_service import CommentService
from writer.config import Config
from writer.dispatch_sink import DispatchSink
from writer.dispatchers import Dispatchers
from writer.internal_routes import internal_application
from writer.metrics import WriterMetrics
from writer.public_routes import public_application
from writer.rate_limit import RateLimit
from writer.sqlite_store import SqliteStore

_LOOK_EVERY_S = 1.0
_WITHDRAW_WITHIN_S = 1.0
_COMMITS_WITHIN_S = 5.0


class WriterService:
    """See service.runner.Service."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self.health = Health()
        self.tasks = TaskHome()
        self._closing = False
        self._registry = new_registry()
        metrics = WriterMetrics(self._registry)
        self._tls = TlsFiles(config.service.tls_dir)
        self._client = InternalClient(self._tls)
        ring = HashRing()
        self._dispatchers = Dispatchers(ring.order, ring.set_members)
        self._sink = DispatchSink(self._client, self._dispatchers.order, self.tasks, metrics)
        self._store = SqliteStore(
            config.sqlite_path, on_replaced=self.tasks.fail, on_swept=metrics.keys_swept.inc
        )
        self._comments = CommentService(self._store, self._sink, self.tasks, metrics)
        metrics.watch_queues(self._queues)
        self._session = ZooKeeperSession(
            config.zookeeper, session_timeout_s=config.zookeeper_session_s
        )
        self._watch = MemberWatch(self._session, Role.DISPATCHER, on_change=self._on_dispatchers)
        self._membership: Membership | None = None
        self._build_listeners(metrics)
        self._export()

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
        """Open the store, bind, see a first ZooKeeper session and the dispatchers, announce."""
        await self._ops.start()
        await self._client.start()
        await self._comments.start()
        await self._internal.start()
        await self._public.start()
        self.tasks.spawn(self._look(), "look at health")
        await self._session.start()
        self.tasks.spawn(self._watch.run(), "dispatchers")
        await self._watch.wait_read()  # before posts come: else the first ones wait for the probe
        await self._announce()
        self._mark_health()

    async def drain(self) -> None:
        """Leave ZooKeeper, let the gateway and clients notice, finish what was accepted."""
        self._closing = True
        with suppress(TimeoutError):
            async with asyncio.timeout(_WITHDRAW_WITHIN_S):
                await self._withdraw()
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
        await self._session.stop()
        await self._client.stop()
        await self._ops.stop()

    def _build_listeners(self, metrics: WriterMetrics) -> None:
        config, service = self._config, self._config.service
        public = public_application(
            self._comments,
            metrics,
            cors_origins=config.cors_origins,
            rate_limit=RateLimit(config.post_rate_per_address),
            closing=lambda: self._closing,
        )
        self._public = HttpServer(public, service.bind_host, config.public_port)
        self._internal = HttpServer(
            internal_application(self._comments),
            service.bind_host,
            service.internal_port,
            ssl_context=self._tls.server(),
        )
        self._ops = OpsServer(service, self.health, self._registry, self._describe)

    async def _announce(self) -> None:
        service = self._config.service
        member = Member(
            Role.WRITER, service.id, service.advertise_host, self.internal_port, new_boot_id()
        )
        self._membership = Membership(self._session, member, on_superseded=self._on_superseded)
        self.tasks.spawn(self._membership.run(), "membership")
        await self._membership.wait_announced()

    async def _withdraw(self) -> None:
        if self._membership is not None:
            await self._membership.withdraw()

    async def _look(self) -> None:
        """Keep `degraded` true, and meet a store that was replaced or came back while idle."""
        while True:
            with suppress(StoreUnavailable):
                await self._comments.heads(())
            self._mark_health()
            await asyncio.sleep(_LOOK_EVERY_S)

    def _mark_health(self) -> None:
        away = None if self._session.state == "connected" else "away"
        self.health.mark("store", self._comments.store_problem)
        self.health.mark("dispatchers", self._dispatchers.problem(self._sink.failing))
        self.health.mark("zookeeper", away)

    def _on_dispatchers(self, members: Mapping[str, Member]) -> None:
        self._dispatchers.set_peers(member.peer for member in members.values())
        self._mark_health()

    def _on_superseded(self) -> None:
        self.tasks.fail(RuntimeError("a newer process has this id"))

    def _export(self) -> None:
        exports = Exports(self._registry)
        exports.session(self._session)
        exports.counter("junk_znodes", "Members that are none", lambda: self._watch.junk)
        exports.counter(
            "connections_refused",
            "Too many at once",
            lambda: self._public.refused_connections + self._internal.refused_connections,
        )

    def _queues(self) -> dict[str, int]:
        return self._comments.queues | self._store.queues | {"dispatch": self._sink.queued}

    def _describe(self) -> dict[str, Any]:
        return {
            "zookeeper": self._session.state,
            "viewers": 0,
            "videos": self._comments.videos,
            "queues": self._queues(),
            "dispatchers": sorted(self._watch.members),
        }
