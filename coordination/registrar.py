"""Telling ZooKeeper which videos this node serves.

Invariants: what is to be done is decided by `registrations.py`; here it is done, 250 videos at a
time. Each batch is read first (one request or two), then changed (one transaction), so it does not
matter what an earlier attempt, an earlier life of this node or an operator left behind:
- our own registration stays as it is;
- one of another session under our id would vanish with that session, so the transaction replaces
  it; but not if its boot id is newer than ours, for then it is this process that has been replaced;
- a missing parent is made in the same transaction; one that is empty without us is removed with us.
A refused transaction names the operation that failed. The video of that operation is tried alone
later; the others are read again and tried without it. Nothing watches our own registrations; an
audit reads them every few seconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from coordination.errors import CoordinationError, MultiRefused, NoNode, Refused
from coordination.paths import Paths
from coordination.registration_plan import (
    Found,
    Identity,
    Owner,
    plan_deregistering,
    plan_registering,
)
from coordination.registrations import Held, Registrations
from coordination.session import ZooKeeperSession
from coordination.znode import Operation

log = structlog.get_logger()

BATCH = 250
LANES = 2  # batches at a time: one is read while another is changed
AUDIT_EVERY_S = 5.0
_ATTEMPTS = 4


@dataclass(slots=True)
class RegistrarStats:
    """Counters since the start."""

    acked: int = 0
    transactions: int = 0
    refused: int = 0
    replaced: int = 0  # registrations of an earlier session or life of this node
    newer: int = 0  # left alone because a newer life of this node holds them
    audit_losses: int = 0


class Registrar:
    """The registrations of this node. `run` (a background task) carries them out."""

    def __init__(
        self,
        session: ZooKeeperSession,
        node_id: str,
        boot_id: str,
        *,
        on_registered: Callable[[str], None] | None = None,
        paths: Paths | None = None,
        audit_every_s: float = AUDIT_EVERY_S,
    ) -> None:
        self._session = session
        self._node_id = node_id
        self._boot_id = boot_id
        self._on_registered = on_registered
        self._paths = paths or Paths()
        self._audit_every_s = audit_every_s
        self._table = Registrations()
        self._work = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self.stats = RegistrarStats()
        session.on_connected(self._connected)

    @property
    def registered(self) -> int:
        """How many videos ZooKeeper holds for us, as far as we know."""
        return self._table.registered

    @property
    def pending(self) -> int:
        """How many videos wait to be registered or deregistered."""
        return self._table.pending

    def register(self, video_id: str) -> None:
        """This node serves the video from now on. Never blocks, never raises; idempotent."""
        self._table.want(video_id, True)
        self._changed()

    def deregister(self, video_id: str) -> None:
        """This node no longer serves the video. Never blocks, never raises; idempotent."""
        self._table.want(video_id, False)
        self._changed()

    async def run(self) -> None:
        """Carry out what was asked, and all of it again on every new session, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for _ in range(LANES):
                tasks.create_task(self._lane())
            tasks.create_task(self._keep_auditing())

    async def wait_settled(self) -> None:
        """Wait until nothing is pending."""
        await self._idle.wait()

    def _connected(self, new_session: bool) -> None:
        if new_session:
            self._table.new_session()
        self._changed()

    def _changed(self) -> None:
        if self._table.pending:
            self._idle.clear()
        else:
            self._idle.set()
        self._work.set()

    async def _lane(self) -> None:
        while True:
            await self._work.wait()
            if not self._session.connected:
                self._work.clear()  # `_connected` sets it again
                continue
            videos, wanted = self._table.take(BATCH)
            if videos:
                await self._carry_out(videos, wanted)
            else:
                self._work.clear()

    async def _carry_out(self, videos: list[str], wanted: bool) -> None:
        """Do the batch, then each video that failed alone. Every video is given back."""
        failed = await self._carry_out_together(videos, wanted)
        for video_id in failed:
            if await self._carry_out_together([video_id], wanted):
                self._table.put_off(video_id)
                log.warning("registration_put_off", video_id=video_id)
        self._changed()

    async def _carry_out_together(self, videos: list[str], wanted: bool) -> list[str]:
        """Read and change, _ATTEMPTS times at most, until nothing is left; the videos that were not
        given back.
        """
        failed: list[str] = []
        left = videos
        for _ in range(_ATTEMPTS):
            if not left:
                break
            try:
                plans = await self._make_plans(left, wanted)
                left = list(plans)
                failed_video = await self._change(plans, wanted)
            except Refused as exc:
                log.warning("registering_refused", error=str(exc))
                return left + failed
            except CoordinationError:  # away, or the outcome is unknown: read when we are back
                self._give_back(left + failed, Held.UNKNOWN)
                return []
            if failed_video is None:
                return failed
            if len(videos) > 1:
                left.remove(failed_video)
                failed.append(failed_video)
        return left + failed

    async def _make_plans(
        self, videos: Sequence[str], wanted: bool
    ) -> dict[str, tuple[Operation, ...]]:
        """What to change for each video; those that need nothing are given back."""
        me = Identity(self._node_id, self._boot_id, self._session.session_id)
        plan = plan_registering if wanted else plan_deregistering
        plans: dict[str, tuple[Operation, ...]] = {}
        for video_id, found in (await self._read(videos)).items():
            owner = me.owner_of(found.registration)
            if owner is Owner.NEWER:
                self._leave_alone(video_id, wanted)
                continue
            operations = plan(self._paths, me, video_id, found)
            if operations:
                plans[video_id] = operations
                self.stats.replaced += wanted and owner is Owner.EARLIER
            else:
                self._give_back([video_id], Held.YES if wanted else Held.NO)
        return plans

    async def _read(self, videos: Sequence[str]) -> dict[str, Found]:
        parents = [self._paths.video(video_id) for video_id in videos]
        names = dict(zip(videos, await self._session.get_children_of_many(parents), strict=True))
        ours = [video_id for video_id in videos if self._node_id in (names[video_id] or ())]
        paths = [self._paths.registration(video_id, self._node_id) for video_id in ours]
        read = await self._session.get_many(paths) if paths else []
        registrations = dict(zip(ours, read, strict=True))
        return {
            video_id: Found(names[video_id], registrations.get(video_id)) for video_id in videos
        }

    async def _change(self, plans: dict[str, tuple[Operation, ...]], wanted: bool) -> str | None:
        """Carry the plans out in one transaction; the video whose operation failed, None if all are
        done.
        """
        if not plans:
            return None
        videos = [video_id for video_id, operations in plans.items() for _ in operations]
        self.stats.transactions += 1
        try:
            await self._session.multi([part for parts in plans.values() for part in parts])
        except MultiRefused as refused:
            self.stats.refused += 1
            if wanted and isinstance(refused.cause, NoNode):
                await self._session.ensure_path(self._paths.videos)
            return videos[refused.index]
        self._give_back(list(plans), Held.YES if wanted else Held.NO)
        return None

    def _leave_alone(self, video_id: str, wanted: bool) -> None:
        self.stats.newer += 1
        if wanted:
            self._table.put_off(video_id)
        else:
            self._table.done(video_id, Held.NO)

    def _give_back(self, videos: Sequence[str], held: Held) -> None:
        for video_id in videos:
            self._table.done(video_id, held)
            if held is Held.YES:
                self.stats.acked += 1
                if self._on_registered is not None:
                    self._on_registered(video_id)

    async def _keep_auditing(self) -> None:
        while True:
            self._table.retry_put_off()
            self._changed()
            held = self._table.held()
            pause_s = self._audit_every_s * BATCH / max(len(held), BATCH)
            for start in range(0, max(len(held), 1), BATCH):
                await asyncio.sleep(pause_s)
                await self._audit(held[start : start + BATCH])

    async def _audit(self, videos: Sequence[str]) -> None:
        """Find registrations that somebody removed, as far as `videos` are still held."""
        parents = [self._paths.video(video_id) for video_id in videos]
        try:
            found = await self._session.get_children_of_many(parents) if parents else []
        except CoordinationError:
            return
        missing = [
            video_id
            for video_id, names in zip(videos, found, strict=True)
            if self._node_id not in (names or ())
        ]
        lost = self._table.lost(missing)
        if lost:
            self.stats.audit_losses += lost
            log.warning("registrations_lost", count=lost)
            self._changed()
