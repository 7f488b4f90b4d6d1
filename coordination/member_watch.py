"""Knowing the processes of one role.

Invariants: `members` is what was read last, whole: it is replaced, never changed, and kept while
ZooKeeper is away. A watch event means "read all again", at most every 100 ms; so a process that
goes and comes back at another address is seen, however quick it was.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from types import MappingProxyType

import structlog

from coordination.errors import CoordinationError, NoNode, ZooKeeperAway
from coordination.member import Member, decode_member
from coordination.paths import Paths
from coordination.session import ZooKeeperSession
from wire.ids import is_service_id
from wire.roles import Role

log = structlog.get_logger()

MAX_MEMBERS = 1_000  # of one role; more are ignored and counted as junk
READ_EVERY_S = 10.0  # a watch tells at once; this is for a watch that was lost
_COALESCE_S = 0.1


class MemberWatch:
    """The members of one role; the last known ones while ZooKeeper is away. `run` keeps it so."""

    def __init__(
        self,
        session: ZooKeeperSession,
        role: Role,
        *,
        on_change: Callable[[Mapping[str, Member]], None] | None = None,
        paths: Paths | None = None,
    ) -> None:
        self._session = session
        self._role = role
        self._on_change = on_change
        self._paths = paths or Paths()
        self._members: Mapping[str, Member] = MappingProxyType({})
        self._recheck = asyncio.Event()
        self._read_once = asyncio.Event()
        self.junk = 0
        self.reads = 0
        session.on_connected(lambda _new_session: self._recheck.set())
        session.on_event(self._paths.role(role), lambda _path: self._recheck.set())

    @property
    def members(self) -> Mapping[str, Member]:
        """Id -> member. A new mapping after each change: it may be kept."""
        return self._members

    async def run(self) -> None:
        """Follow the role until cancelled."""
        while True:
            self._recheck.clear()
            try:
                self._replace(await self._fetch())
            except ZooKeeperAway:
                pass  # `_recheck` is set when we are back
            except CoordinationError as exc:
                log.warning("members_not_read", role=self._role, error=str(exc))
            await asyncio.sleep(_COALESCE_S)
            await self._wait()

    async def wait_read(self) -> None:
        """Wait until the members have been read once."""
        await self._read_once.wait()

    async def _fetch(self) -> dict[str, Member]:
        self.reads += 1
        parent = self._paths.role(self._role)
        try:
            names = await self._session.get_children(parent, watch=True)
        except NoNode:
            await self._session.ensure_path(parent)
            names = await self._session.get_children(parent, watch=True)
        ids = sorted(filter(is_service_id, names))[:MAX_MEMBERS]
        self.junk += len(names) - len(ids)
        paths = [self._paths.member(self._role, member_id) for member_id in ids]
        found = await self._session.get_many(paths) if paths else []
        members = {}
        for member_id, read in zip(ids, found, strict=True):
            if read is None:
                continue
            member = decode_member(self._role, member_id, read[0])
            if member is None:
                self.junk += 1
            else:
                members[member_id] = member
        return members

    def _replace(self, members: dict[str, Member]) -> None:
        self._read_once.set()
        if members == self._members:
            return
        self._members = MappingProxyType(members)
        log.info("members_changed", role=self._role, members=sorted(members))
        if self._on_change is not None:
            self._on_change(self._members)

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(READ_EVERY_S):
                await self._recheck.wait()
        except TimeoutError:
            pass
