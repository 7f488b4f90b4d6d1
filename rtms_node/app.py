"""The node as a process: core, public stream listener, internal listener, ops, ZooKeeper."""

from __future__ import annotations

from typing import Any

import structlog

from coordination import Member, Membership, MemberWatch, Registrar, ZooKeeperSession, new_boot_id
from rtms_node.config import Config
from rtms_node.core import NodeCore
from rtms_node.drain import drain_viewers
from rtms_node.internal_routes import internal_application
from rtms_node.stream_listener import StreamListener
from rtms_node.writers import Writers
from service.health import Health
from service.http_client import InternalClient
from service.http_server import HttpServer
from service.metrics import Exports, new_registry
from service.ops import OpsServer
from service.tasks import TaskHome
from service.tls import TlsFiles
from wire.roles import Peer, Role

log = structlog.get_logger()

_CLOSE_WITHIN_S = 1.0


class _ZooKeeperFeed:
    """The feed of topology `dispatcher`: registrations in ZooKeeper."""

    def __init__(self, registrar: Registrar) -> None:
        self._registrar = registrar

    def join(self, video_id: str) -> None:
        self._registrar.register(video_id)

    def leave(self, video_id: str) -> None:
        self._registrar.deregister(video_id)


class NodeService:
    """See service.runner.Service."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self.health = Health()
        self.tasks = TaskHome()
        self._registry = new_registry()
        self._boot_id = new_boot_id()
        self._tls = TlsFiles(config.service.tls_dir)
        self._client = InternalClient(self._tls)
        self._session = ZooKeeperSession(
            config.zookeeper, session_timeout_s=config.zookeeper_session_s
        )
        self._registrar = Registrar(
            self._session, config.service.id, self._boot_id, on_registered=self._on_registered
        )
        self._writers = MemberWatch(self._session, Role.WRITER)
        self._ops = OpsServer(config.service, self.health, self._registry, self._describe)
        self._core: NodeCore | None = None
        self._listener: StreamListener | None = None
        self._internal: HttpServer | None = None
        self._membership: Membership | None = None
        self._export()

    async def start(self) -> None:
        """Bind, see a first ZooKeeper session, announce; returns when ready."""
        service = self._config.service
        await self._ops.start()
        await self._client.start()
        core = self._core = self._build_core()
        core.start()
        self._internal = HttpServer(
            internal_application(core.hub),
            service.bind_host,
            service.internal_port,
            ssl_context=self._tls.server(),
        )
        await self._internal.start()
        self._listener = StreamListener(
            core.hub, service.bind_host, self._config.public_port, origins=self._config.origins
        )
        await self._listener.start()
        await self._announce(self._internal.port)

    async def drain(self) -> None:
        """Not ready, wait for the gateway, send viewers away evenly, leave ZooKeeper."""
        assert self._core is not None
        await drain_viewers(
            self._core.hub, self._config.drain_notice_s, self._config.drain_window_s
        )
        if self._membership is not None:
            await self._membership.withdraw()

    async def stop(self) -> None:
        """Release everything. Idempotent."""
        if self._listener is not None:
            await self._listener.stop()
        if self._core is not None:
            self._core.close()
            await self._core.hub.wait_empty(_CLOSE_WITHIN_S)
        await self.tasks.aclose()
        if self._internal is not None:
            await self._internal.stop()
        await self._session.stop()
        await self._client.stop()
        await self._ops.stop()

    def _build_core(self) -> NodeCore:
        config = self._config
        return NodeCore(
            config.service.id,
            config.limits,
            config.probe,
            Writers(self._client, self._known_writers),
            _ZooKeeperFeed(self._registrar),
            self.tasks,
            self._registry,
            on_reachable=self._on_store,
        )

    async def _announce(self, internal_port: int) -> None:
        service = self._config.service
        self._session.on_connected(lambda _new: self._on_zookeeper(None))
        self._session.on_away(lambda: self._on_zookeeper("away"))
        await self._session.start()
        self.tasks.spawn(self._registrar.run(), "registrar")
        self.tasks.spawn(self._writers.run(), "writers")
        member = Member(Role.NODE, service.id, service.advertise_host, internal_port, self._boot_id)
        self._membership = Membership(self._session, member, on_superseded=self._on_superseded)
        self.tasks.spawn(self._membership.run(), "membership")
        await self._membership.wait_announced()
        await self._writers.wait_read()

    def _known_writers(self) -> list[Peer]:
        return [member.peer for member in self._writers.members.values()]

    def _on_registered(self, video_id: str) -> None:
        if self._core is not None:
            self._core.announced(video_id)

    def _on_zookeeper(self, problem: str | None) -> None:
        self.health.mark("zookeeper", problem)
        if self._core is not None:
            self._core.probe_fast(problem is not None)

    def _on_store(self, reachable: bool) -> None:
        self.health.mark("store", None if reachable else "unreachable")

    def _on_superseded(self) -> None:
        self.tasks.fail(RuntimeError("a newer process has this id"))

    def _export(self) -> None:
        exports, registrar = Exports(self._registry), self._registrar
        exports.session(self._session)
        exports.gauge("registrations", "Held in ZooKeeper", lambda: registrar.registered)
        exports.gauge("registrations_pending", "Not carried out", lambda: registrar.pending)
        exports.counter(
            "registrations_lost", "Removed by others", lambda: registrar.stats.audit_losses
        )
        exports.counter("junk_znodes", "Members that are none", lambda: self._writers.junk)
        exports.counter(
            "connections_refused",
            "Too many at once",
            lambda: self._listener.refused if self._listener else 0,
        )

    def _describe(self) -> dict[str, Any]:
        core = self._core
        return {
            "zookeeper": self._session.state,
            "viewers": len(core.hub.viewers) if core else 0,
            "videos": len(core.hub.rooms) if core else 0,
            "registered": self._registrar.registered,
            "queues": {"registrations": self._registrar.pending, **(core.queues if core else {})},
            "public_port": self._listener.port if self._listener else 0,
            "internal_port": self._internal.port if self._internal else 0,
        }
