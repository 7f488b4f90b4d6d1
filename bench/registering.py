"""A node's part in ZooKeeper and a dispatcher's, each as a process of its own: the real session,
membership, registrar and resolver, without streams and forwards. And an observer, which only asks.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping, Sequence
from typing import Any

import uvloop

from bench.child import BenchFailed, carry_out_all_on_loop
from bench.processes import threads_of
from coordination import (
    Member,
    Membership,
    MemberWatch,
    Paths,
    Registrar,
    RouteResolver,
    RouteUnknown,
    ZooKeeperSession,
    new_boot_id,
)  # fmt: skip
from service.logs import configure_logs
from service.tasks import TaskHome
from wire.roles import Role

_WITHIN_S = 50.0
_RESOLVED_AT_ONCE = 500
_LOOK_EVERY_S = 0.005


class _Process:
    """What both have."""

    def __init__(self) -> None:
        self.tasks = TaskHome()
        self.session: ZooKeeperSession | None = None

    async def connect(self, zookeeper: str) -> ZooKeeperSession:
        self.session = ZooKeeperSession(zookeeper, session_timeout_s=6.0)
        await self.session.start(_WITHIN_S)
        return self.session

    def threads(self) -> int:
        """Of this process."""
        return threads_of(os.getpid())

    async def until(self, done: Any, what: str) -> float:
        """The monotonic time at which `done()` is true. Raises BenchFailed."""
        deadline = time.monotonic() + _WITHIN_S
        while not done():
            if time.monotonic() > deadline:
                raise BenchFailed(what)
            await asyncio.sleep(_LOOK_EVERY_S)
        return time.monotonic()


class Node(_Process):
    """Registers videos."""

    def __init__(self) -> None:
        super().__init__()
        self._registrar: Registrar | None = None

    async def start(self, zookeeper: str, node_id: str) -> None:
        """Become a member."""
        session = await self.connect(zookeeper)
        member = Member(Role.NODE, node_id, "127.0.0.1", 1, new_boot_id())
        membership = Membership(session, member, on_superseded=lambda: None)
        self._registrar = Registrar(session, node_id, member.boot_id)
        self.tasks.spawn(membership.run(), "membership")
        self.tasks.spawn(self._registrar.run(), "registrar")
        await membership.wait_announced()

    async def register(self, videos: Sequence[str]) -> float:
        """Seconds until all are registered."""
        registrar = self._registrar
        assert registrar is not None
        began, wanted = time.monotonic(), registrar.registered + len(videos)
        for video_id in videos:
            registrar.register(video_id)
        done = await self.until(lambda: registrar.registered >= wanted, "videos not registered")
        return done - began


class Dispatcher(_Process):
    """Finds routes."""

    def __init__(self) -> None:
        super().__init__()
        self._resolver: RouteResolver | None = None

    async def start(self, zookeeper: str) -> None:
        """Know the nodes."""
        session = await self.connect(zookeeper)
        watch = MemberWatch(session, Role.NODE)
        self._resolver = RouteResolver(session)
        self.tasks.spawn(watch.run(), "nodes")
        self.tasks.spawn(self._resolver.run(), "resolver")
        await watch.wait_read()

    async def resolve(self, videos: Sequence[str]) -> float:
        """Seconds until each route has been read for the first time."""
        began = time.monotonic()
        for start in range(0, len(videos), _RESOLVED_AT_ONCE):
            await asyncio.gather(*map(self._resolve, videos[start : start + _RESOLVED_AT_ONCE]))
        return time.monotonic() - began

    async def wait_right(self, routes: Mapping[str, Sequence[str]]) -> float:
        """When every route was right at once: node id -> its videos, "" for no node."""
        resolver = self._resolver
        assert resolver is not None
        expected = {
            video_id: frozenset({node_id} if node_id else ())
            for node_id, videos in routes.items()
            for video_id in videos
        }
        wrong = list(expected)  # the last one is looked at until it is right, then the next

        def all_right() -> bool:
            while wrong and resolver.find(wrong[-1]) == expected[wrong[-1]]:
                wrong.pop()
            return not wrong

        return await self.until(all_right, "not all routes get right")

    def suspensions(self) -> int:
        """How often the connection was lost."""
        assert self.session is not None
        return self.session.stats.suspensions

    async def wait_settled(self, suspensions: int) -> float:
        """When no route waited to be read again, after the connection was lost more often than so
        many times.
        """
        resolver, session = self._resolver, self.session
        assert resolver is not None
        assert session is not None
        return await self.until(
            lambda: (
                session.stats.suspensions > suspensions
                and session.connected
                and resolver.stale == 0
            ),
            "routes stay stale",
        )

    async def _resolve(self, video_id: str) -> None:
        assert self._resolver is not None
        try:
            await self._resolver.resolve(video_id, _WITHIN_S)
        except RouteUnknown as exc:
            raise BenchFailed(f"a route cannot be read: {exc}") from exc


class Observer(_Process):
    """Says when a session ended. It asks again and again, because a watch tells late: it waits its
    turn among those of all the session's registrations.
    """

    async def start(self, zookeeper: str) -> None:
        """Connect."""
        await self.connect(zookeeper)

    async def wait_gone(self, node_id: str) -> float:
        """When the last question was sent to which the node was still there: its session ended
        after that, by no more than the time between two questions. Raises BenchFailed.
        """
        assert self.session is not None
        path = Paths().member(Role.NODE, node_id)
        deadline = time.monotonic() + _WITHIN_S
        there_at = asked_at = time.monotonic()
        while await self.session.exists(path) is not None:
            if asked_at > deadline:
                raise BenchFailed(f"{node_id} is there")
            there_at = asked_at
            await asyncio.sleep(_LOOK_EVERY_S)
            asked_at = time.monotonic()
        return there_at


async def _serve(pipe: Any, process: _Process) -> None:
    configure_logs(level="error", style="json", role="bench", id="bench")
    names = [name for name in dir(process) if not name.startswith("_") and name != "until"]
    await carry_out_all_on_loop(
        pipe, {name: getattr(process, name) for name in names if callable(getattr(process, name))}
    )


async def _serve_node(pipe: Any) -> None:
    await _serve(pipe, Node())


async def _serve_dispatcher(pipe: Any) -> None:
    await _serve(pipe, Dispatcher())


async def _serve_observer(pipe: Any) -> None:
    await _serve(pipe, Observer())


def run_node(pipe: Any) -> None:
    """The process."""
    uvloop.run(_serve_node(pipe))


def run_dispatcher(pipe: Any) -> None:
    """The process."""
    uvloop.run(_serve_dispatcher(pipe))


def run_observer(pipe: Any) -> None:
    """The process."""
    uvloop.run(_serve_observer(pipe))
