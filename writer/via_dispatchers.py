"""Topology `dispatcher`: comments go to dispatchers, and ZooKeeper says who they are."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

from coordination import HashRing, Member, Membership, MemberWatch, ZooKeeperSession, new_boot_id
from service.metrics import Exports
from service.outbox import OutboxLimits
from service.shell import Shell
from wire.internal import DISPATCH
from wire.roles import Role
from writer.config import Config
from writer.dispatch_sink import DispatchSink
from writer.one_store import OneStore

_WITHDRAW_WITHIN_S = 1.0


class ViaDispatchers:
    """See writer.wiring.Wiring."""

    def __init__(
        self, config: Config, shell: Shell, fetch_epoch: Callable[[], Awaitable[str]]
    ) -> None:
        """`fetch_epoch`: as `CommentStore.epoch`."""
        self._shell = shell
        self._boot_id = new_boot_id()
        self._client = shell.new_client()
        links = shell.link_context(self._client, DISPATCH, OutboxLimits())
        self.sink = DispatchSink(HashRing(), links)
        self._session = ZooKeeperSession(
            config.zookeeper, session_timeout_s=config.zookeeper_session_s
        )
        self._watch = MemberWatch(self._session, Role.DISPATCHER, on_change=self._on_dispatchers)
        self._membership: Membership | None = None
        self._one_store = OneStore(self._session, shell, fetch_epoch, config.zookeeper_session_s)
        exports = Exports(shell.registry)
        exports.session(self._session)
        self._export_sink(exports)
        exports.counter(
            "junk_znodes",
            "Znodes of members and stores that are not valid",
            lambda: self._watch.junk + self._one_store.junk,
        )

    @property
    def problems(self) -> Mapping[str, str | None]:
        """ZooKeeper, the dispatchers, and writers with another store."""
        return {
            "dispatchers": self.sink.problem,
            "stores": self._one_store.problem,
            "zookeeper": None if self._session.state == "connected" else "away",
        }

    async def start(self) -> None:
        """See a first ZooKeeper session, the dispatchers, and that no other store is written."""
        await self._client.start()
        await self._session.start()
        self._shell.tasks.spawn(self._watch.run(), "dispatchers")
        self._one_store.start(self._boot_id)
        await self._watch.wait_read()  # else the first posts wait for antientropy
        await self._one_store.wait()

    async def announce(self, internal_port: int) -> None:
        """Become a member."""
        service = self._shell.config
        member = Member(
            Role.WRITER, service.id, service.advertise_host, internal_port, self._boot_id
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

    def _export_sink(self, exports: Exports) -> None:
        sink, stats = self.sink, self.sink.stats
        exports.gauge(
            "links_out", "Links to dispatchers that are connected", lambda: sum(sink.links.values())
        )
        exports.counter("dispatch_sent", "Batches that a dispatcher has taken", lambda: stats.sent)
        exports.counter(
            "dispatch_failed",
            "Links to dispatchers that broke or were refused",
            lambda: stats.failed,
        )
        exports.counters(
            "dispatch_dropped",
            "Batches dropped; anti-entropy checks deliver them",
            "reason",
            lambda: stats.dropped,
        )

    def _on_dispatchers(self, members: Mapping[str, Member]) -> None:
        self.sink.set_peers(member.peer for member in members.values())
        for dependency, problem in self.problems.items():
            self._shell.health.mark(dependency, problem)
