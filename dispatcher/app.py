"""The dispatcher as a process: internal listener, senders, ops, ZooKeeper."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import structlog

from coordination import (
    Member,
    Membership,
    MemberWatch,
    RouteResolver,
    ZooKeeperSession,
    new_boot_id,
)
from dispatcher.config import Config
from dispatcher.metrics import DispatcherMetrics
from dispatcher.router import Router
from dispatcher.senders import Senders
from service.metrics import Exports
from service.ops import OpsServer
from service.shell import Shell
from wire.internal import DISPATCH, FORWARD, Batch
from wire.roles import Role

log = structlog.get_logger()

_SWEEP_EVERY_S = 5.0


class DispatcherService:
    """See service.runner.Service."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._shell = shell = Shell(config.service)
        self.health, self.tasks = shell.health, shell.tasks
        self._metrics = DispatcherMetrics(shell.registry)
        self._client = shell.new_client()
        self._session = ZooKeeperSession(
            config.zookeeper, session_timeout_s=config.zookeeper_session_s
        )
        self._nodes = MemberWatch(self._session, Role.NODE, on_change=self._on_nodes)
        self._resolver = RouteResolver(self._session)
        self._senders = Senders(
            shell.link_context(self._client, FORWARD, config.outbox, config.ack_deadline_s),
            self._metrics,
            self._resolver.mark_stale,
        )
        self._router = Router(
            self._resolver,
            self._senders,
            self.tasks,
            self._metrics,
            route_wait_s=config.route_wait_s,
        )
        self._ops = OpsServer(
            config.service, self.health, shell.registry, self._describe, self._find_routes
        )
        self._internal = shell.link_server(DISPATCH, Role.WRITER, self._take)
        self._membership: Membership | None = None
        self._export()

    @property
    def internal_port(self) -> int:
        """Where writers call (known after `start`)."""
        return self._internal.port

    @property
    def ops_port(self) -> int:
        """Where /state and /metrics are (known after `start`)."""
        return self._ops.port

    async def start(self) -> None:
        """Bind, see a first ZooKeeper session and the nodes, announce; returns when ready."""
        self._shell.start()
        await self._ops.start()
        await self._client.start()
        await self._internal.start()
        self._session.on_connected(lambda _new: self.health.mark("zookeeper", None))
        self._session.on_away(lambda: self.health.mark("zookeeper", "away"))
        await self._session.start()
        self.tasks.spawn(self._nodes.run(), "nodes")
        self.tasks.spawn(self._resolver.run(), "resolver")
        self.tasks.spawn(self._sweep(), "sweep")
        await self._nodes.wait_read()  # else the first batches meet unknown nodes
        await self._announce()

    async def drain(self) -> None:
        """Leave ZooKeeper, serve writers that have not noticed yet, empty the queues."""
        if self._membership is not None:
            await self._membership.withdraw()
        await asyncio.sleep(self._config.drain_serve_s)
        await self._internal.stop()
        await self._flush()

    async def stop(self) -> None:
        """Release everything. Idempotent."""
        await self._internal.stop()
        self._senders.close()
        await self.tasks.aclose()
        await self._session.stop()
        await self._client.stop()
        await self._ops.stop()

    async def _announce(self) -> None:
        service = self._config.service
        member = Member(
            Role.DISPATCHER, service.id, service.advertise_host, self.internal_port, new_boot_id()
        )
        self._membership = Membership(self._session, member, on_superseded=self._shell.superseded)
        self.tasks.spawn(self._membership.run(), "membership")
        await self._membership.wait_announced()

    def _take(self, batches: Sequence[Batch]) -> Sequence[str]:
        self._router.route(batches)
        return ()

    async def _flush(self) -> None:
        try:
            async with asyncio.timeout(self._config.drain_flush_s):
                await self._router.wait_routed()
                await self._senders.wait_idle()
        except TimeoutError:
            log.warning("left_unsent", queues=self._senders.depths)  # antientropy heals it

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP_EVERY_S)
            self._senders.sweep(self._nodes.members)

    def _on_nodes(self, members: Mapping[str, Member]) -> None:
        self._router.set_members(member.peer for member in members.values())

    def _export(self) -> None:
        exports, resolver = Exports(self._shell.registry), self._resolver
        exports.session(self._session)
        gauge, counter = exports.gauge, exports.counter
        gauge("routes", "Routes in memory", lambda: resolver.routes)
        gauge("routes_stale", "Routes to be read (again)", lambda: resolver.stale)
        gauge("routes_waiting", "Batches that wait for a route", lambda: self._router.waiting)
        gauge("nodes", "Nodes that are members", lambda: len(self._nodes.members))
        gauge("nodes_failing", "Nodes that do not answer", lambda: len(self._senders.failing))
        gauge("links_out", "Links to nodes that are connected", lambda: self._senders.connected)
        gauge("queued_bytes", "Bytes in senders' queues", lambda: self._senders.queued_bytes)
        exports.gauges(
            "queued_batches", "Batches queued or in flight", "node", lambda: self._senders.depths
        )
        counter("route_reads", "Routes read from ZooKeeper", lambda: resolver.stats.reads)
        counter("route_events", "Watch events", lambda: resolver.stats.events)
        counter(
            "route_differences",
            "Differences between routes and ZooKeeper found by comparing",
            lambda: resolver.stats.differences,
        )
        counter("routes_evicted", "Routes dropped", lambda: resolver.evicted)
        gauge(
            "route_watches_leaving",
            "Dropped routes whose watch is not yet removed",
            lambda: resolver.leaving,
        )
        counter(
            "route_watches_removed",
            "Watches of dropped routes that were removed",
            lambda: resolver.stats.unwatched,
        )
        counter(
            "junk_znodes",
            "Names and members that nobody of us made",
            lambda: resolver.stats.junk + self._nodes.junk,
        )
        counter(
            "connections_refused", "Too many at once", lambda: self._internal.refused_connections
        )

    def _find_routes(self, video_ids: Sequence[str]) -> dict[str, Any]:
        routes = {video_id: self._resolver.peek(video_id) for video_id in video_ids}
        return {
            "routes": {id_: sorted(nodes) for id_, nodes in routes.items() if nodes is not None}
        }

    def _describe(self) -> dict[str, Any]:
        return {
            "zookeeper": self._session.state,
            "viewers": 0,
            "videos": self._resolver.routes,
            "nodes": sorted(self._nodes.members),
            "failing": self._senders.failing,
            "totals": {"forwarded": self._metrics.forwarded_comments},
            "queues": {"routes": self._router.waiting, **self._senders.depths},
        }
