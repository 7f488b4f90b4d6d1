"""Topology `dispatcher`: comments go to dispatchers, and ZooKeeper says who they are."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from coordination import HashRing, Member, Membership, MemberWatch, ZooKeeperSession, new_boot_id
from service.metrics import Exports
from service.shell import Shell
from wire.roles import Role
from writer.config import Config
from writer.dispatch_sink import DispatchSink
from writer.dispatchers import Dispatchers
from writer.metrics import WriterMetrics

_WITHDRAW_WITHIN_S = 1.0


class ViaDispatchers:
    """See writer.wiring.Wiring."""

    def __init__(self, config: Config, shell: Shell, metrics: WriterMetrics) -> None:
        self._shell = shell
        self._client = shell.new_client()
        ring = HashRing()
        self._dispatchers = Dispatchers(ring.order, ring.set_members)
        self.sink = DispatchSink(self._client, self._dispatchers.order, shell.tasks, metrics)
        self._session = ZooKeeperSession(
            config.zookeeper, session_timeout_s=config.zookeeper_session_s
        )
        self._watch = MemberWatch(self._session, Role.DISPATCHER, on_change=self._on_dispatchers)
        self._membership: Membership | None = None
        exports = Exports(shell.registry)
        exports.session(self._session)
        exports.counter("junk_znodes", "Member znodes that are not valid", lambda: self._watch.junk)

    @property
    def problems(self) -> Mapping[str, str | None]:
        """ZooKeeper, and the dispatchers."""
        return {
            "dispatchers": self._dispatchers.problem(self.sink.failing),
            "zookeeper": None if self._session.state == "connected" else "away",
        }

    async def start(self) -> None:
        """See a first ZooKeeper session and the dispatchers."""
        await self._client.start()
        await self._session.start()
        self._shell.tasks.spawn(self._watch.run(), "dispatchers")
        await self._watch.wait_read()  # else the first posts wait for antientropy

    async def announce(self, internal_port: int) -> None:
        """Become a member."""
        service = self._shell.config
        member = Member(
            Role.WRITER, service.id, service.advertise_host, internal_port, new_boot_id()
        )
        self._membership = Membership(self._session, member, on_superseded=self._shell.superseded)
        self._shell.tasks.spawn(self._membership.run(), "membership")
        await self._membership.wait_announced()

    async def withdraw(self) -> None:
        """Leave; while ZooKeeper is away the session's end does it."""
        if self._membership is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(_WITHDRAW_WITHIN_S):
                    await self._membership.withdraw()

    async def stop(self) -> None:
        """Close the session and all connections."""
        await self._session.stop()
        await self._client.stop()

    def describe(self) -> dict[str, Any]:
        """The session's state, and the dispatchers that are known."""
        return {"zookeeper": self._session.state, "dispatchers": sorted(self._watch.members)}

    def _on_dispatchers(self, members: Mapping[str, Member]) -> None:
        self._dispatchers.set_peers(member.peer for member in members.values())
        for dependency, problem in self.problems.items():
            self._shell.health.mark(dependency, problem)
