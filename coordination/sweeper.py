"""Removing what crashed nodes leave behind: parents of videos that nobody serves any more.

A node that deregisters takes an empty parent with it; one that was killed cannot. The bare delete
is safe at any time: ZooKeeper refuses it (NotEmpty) when a node has registered meanwhile, and a
node whose parent vanishes under its hands makes it again.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence

import structlog

from coordination.errors import CoordinationError, Refused
from coordination.paths import Paths
from coordination.session import ZooKeeperSession
from wire.ids import is_video_id

log = structlog.get_logger()

SWEEP_EVERY_S = 600.0
_CHUNK = 250
_PAUSE_S = 0.25  # between two chunks: at most 1,000 videos a second are read


class Sweeper:
    """Reads every video once in a while. Any number of processes may do it."""

    def __init__(self, session: ZooKeeperSession, *, paths: Paths | None = None) -> None:
        self._session = session
        self._paths = paths or Paths()
        self.swept = 0

    async def run(self) -> None:
        """Sweep every SWEEP_EVERY_S (plus or minus a half) until cancelled."""
        while True:
            # Spread, so that two dispatchers started together do not sweep together.
            await asyncio.sleep(SWEEP_EVERY_S * random.uniform(0.5, 1.5))  # noqa: S311
            try:
                await self.sweep()
            except CoordinationError as exc:
                log.info("sweep_abandoned", error=type(exc).__name__)

    async def sweep(self) -> None:
        """Remove every empty parent there is now; raises CoordinationError."""
        names = await self._session.get_children(self._paths.videos)
        videos = [name for name in names if is_video_id(name)]
        for start in range(0, len(videos), _CHUNK):
            await self._sweep_some(videos[start : start + _CHUNK])
            await asyncio.sleep(_PAUSE_S)

    async def _sweep_some(self, videos: Sequence[str]) -> None:
        parents = [self._paths.video(video_id) for video_id in videos]
        found = await self._session.get_children_of_many(parents)
        for parent, names in zip(parents, found, strict=True):
            if names == []:
                await self._remove(parent)

    async def _remove(self, parent: str) -> None:
        try:
            await self._session.delete(parent)
        except Refused:  # somebody registered, or swept it first
            return
        self.swept += 1
