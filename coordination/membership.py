"""Keeping this process known to the others, for as long as it lives.

Invariants: at most one life of a process is announced under its id, in the end the newest. A
process that has just started takes the znode over from whoever holds it; one that held it before
and finds it held by a newer boot id has been replaced, and says so (`on_superseded`; the process
should exit). A znode of another session is never trusted to stay: it is deleted and made anew in
one transaction.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from coordination.errors import CoordinationError, NoNode, Refused, ZooKeeperAway
from coordination.member import Member, decode_member, encode_member
from coordination.paths import Paths
from coordination.session import ZooKeeperSession
from coordination.znode import Create, Delete, Stat

log = structlog.get_logger()

CHECK_EVERY_S = 10.0  # a watch tells at once; this is for a watch that was lost
_RETRY_S = 0.5


class Membership:
    """The member znode of this process. `run` (a background task) keeps it there."""

    def __init__(
        self,
        session: ZooKeeperSession,
        member: Member,
        *,
        on_superseded: Callable[[], None],
        paths: Paths | None = None,
    ) -> None:
        self._session = session
        self._member = member
        self._on_superseded = on_superseded
        self._paths = paths or Paths()
        self._path = self._paths.member(member.role, member.id)
        self._data = encode_member(member)
        self._announced = asyncio.Event()
        self._recheck = asyncio.Event()
        self._lock = (
            asyncio.Lock()
        )  # so that a withdrawal is not undone by a check that is half done
        self._held_before = False
        self._over = False
        self.announcements = 0
        session.on_connected(lambda _new_session: self._recheck.set())
        session.on_suspended(self._announced.clear)
        session.on_event(self._path, lambda _path: self._recheck.set())

    @property
    def announced(self) -> bool:
        """Whether our znode is there, as far as we know."""
        return self._announced.is_set()

    async def run(self) -> None:
        """Announce now and again after every loss; returns when withdrawn or superseded."""
        while not self._over:
            self._recheck.clear()
            delay_s = CHECK_EVERY_S
            try:
                async with self._lock:
                    await self._ensure()
            except ZooKeeperAway:
                pass  # `_recheck` is set when we are back
            except Refused as exc:
                log.warning("announcement_refused", error=str(exc))
                delay_s = _RETRY_S
            await self._wait(delay_s)

    async def wait_announced(self) -> None:
        """Wait until `announced`."""
        await self._announced.wait()

    async def withdraw(self) -> None:
        """Remove our znode and stop announcing. Does not raise while ZooKeeper is away (the znode
        then goes with the session).
        """
        self._over = True
        self._recheck.set()
        async with self._lock:
            self._announced.clear()
            try:
                _, stat = await self._session.get(self._path)
                if stat.owner == self._session.session_id:
                    await self._session.delete(self._path, stat.version)
            except CoordinationError as exc:
                log.info("withdrawal_left_to_the_session", error=type(exc).__name__)

    async def _ensure(self) -> None:
        """Check our znode, and do what has to be done about it."""
        if self._over:
            return
        try:
            data, stat = await self._session.get(self._path, watch=True)
        except NoNode:
            await self._create()
            return
        if stat.owner == self._session.session_id and data == self._data:
            self._held_before = True
            self._announced.set()
        elif self._held_before and self._is_newer(data):
            self._end_superseded()
        else:
            await self._replace(stat)

    async def _create(self) -> None:
        self._announced.clear()
        try:
            await self._session.create(self._path, self._data, ephemeral=True)
        except NoNode:
            await self._session.ensure_path(self._paths.role(self._member.role))
            await self._session.create(self._path, self._data, ephemeral=True)
        self._count("announced")

    async def _replace(self, stat: Stat) -> None:
        self._announced.clear()
        await self._session.multi(
            [
                Delete(self._path, stat.version),
                Create(self._path, self._data, ephemeral=True),
            ]
        )
        self._count("announced_anew")

    def _count(self, event: str) -> None:
        self.announcements += 1
        log.info(event, path=self._path)
        self._recheck.set()  # read it again: that leaves the watch

    def _is_newer(self, data: bytes) -> bool:
        other = decode_member(self._member.role, self._member.id, data)
        return other is not None and other.boot_id > self._member.boot_id

    def _end_superseded(self) -> None:
        self._over = True
        self._announced.clear()
        self._recheck.set()
        log.warning("superseded", path=self._path)
        self._on_superseded()

    async def _wait(self, timeout_s: float) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                await self._recheck.wait()
        except TimeoutError:
            pass
