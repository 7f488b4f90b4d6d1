"""Topology `dispatcher`: this node registers its videos in ZooKeeper, dispatchers forward."""

from __future__ import annotations

from functools import partial
from typing import Any

from coordination import Member, Membership, MemberWatch, Registrar, ZooKeeperSession, new_boot_id
from rtms_node.config import Config
from rtms_node.node import Node
from rtms_node.writers import Writers
from service.http_server import HttpServer
from service.metrics import Exports
from service.shell import Shell
from wire.internal import FORWARD
from wire.roles import Peer, Role


class _Registrations:
    """The feed."""

    def __init__(self, registrar: Registrar) -> None:
        self._registrar = registrar

    def subscribe(self, video_id: str) -> None:
        self._registrar.register(video_id)

    def unsubscribe(self, video_id: str) -> None:
        self._registrar.deregister(video_id)


class ViaDispatchers:
    """See rtms_node.wiring.Wiring."""

    def __init__(self, config: Config, shell: Shell) -> None:
        self._shell = shell
        self._boot_id = new_boot_id()
        self._session = ZooKeeperSession(
            config.zookeeper, session_timeout_s=config.zookeeper_session_s
        )
        self._registrar = Registrar(
            self._session, config.service.id, self._boot_id, on_registered=self._on_registered
        )
        self._writers = MemberWatch(self._session, Role.WRITER)
        self.feed = _Registrations(self._registrar)
        self.source = Writers(
            shell.new_client, self._known_writers, on_stores=partial(shell.health.mark, "stores")
        )
        self._node: Node | None = None
        self._internal: HttpServer | None = None
        self._membership: Membership | None = None
        self._export()

    async def start(self, node: Node) -> None:
        """Listen for forwards."""
        self._node = node
        await self.source.start()
        self._internal = self._shell.link_server(FORWARD, Role.DISPATCHER, node.accept_message)
        await self._internal.start()

    async def announce(self) -> None:
        """See a first ZooKeeper session, become a member, know the writers."""
        assert self._internal is not None
        service, spawn = self._shell.config, self._shell.tasks.spawn
        self._session.on_connected(lambda _new: self._on_zookeeper(None))
        self._session.on_away(lambda: self._on_zookeeper("away"))
        await self._session.start()
        spawn(self._registrar.run(), "registrar")
        spawn(self._writers.run(), "writers")
        port = self._internal.port
        member = Member(Role.NODE, service.id, service.advertise_host, port, self._boot_id)
        self._membership = Membership(self._session, member, on_superseded=self._shell.superseded)
        spawn(self._membership.run(), "membership")
        await self._membership.wait_announced()
        await self._writers.wait_read()

    async def withdraw(self) -> None:
        """Leave ZooKeeper; what cannot be removed goes with the session."""
        if self._membership is not None:
            await self._membership.withdraw()

    async def stop(self) -> None:
        """Close the listener, the session and all connections."""
        if self._internal is not None:
            await self._internal.stop()
        await self._session.stop()
        await self.source.stop()

    def describe(self) -> dict[str, Any]:
        """The session's state, and what is registered."""
        return {
            "zookeeper": self._session.state,
            "registered": self._registrar.registered,
            "queues": {"registrations": self._registrar.pending},
            "internal_port": self._internal.port if self._internal else 0,
        }

    def _known_writers(self) -> list[Peer]:
        return [member.peer for member in self._writers.members.values()]

    def _on_registered(self, video_id: str) -> None:
        if self._node is not None:
            self._node.announced(video_id)

    def _on_zookeeper(self, problem: str | None) -> None:
        self._shell.health.mark("zookeeper", problem)
        if self._node is not None:
            self._node.check_often(problem is not None)

    def _export(self) -> None:
        exports, registrar = Exports(self._shell.registry), self._registrar
        exports.session(self._session)
        exports.gauge("registrations", "Registrations in ZooKeeper", lambda: registrar.registered)
        exports.gauge(
            "registrations_pending",
            "Registrations to be made or removed",
            lambda: registrar.pending,
        )
        exports.counter(
            "registrations_lost",
            "Registrations that something else removed",
            lambda: registrar.stats.audit_losses,
        )
        exports.counter(
            "junk_znodes", "Member znodes that are not valid", lambda: self._writers.junk
        )
