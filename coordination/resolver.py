"""Knowing which nodes serve a video, without asking ZooKeeper per comment."""

from __future__ import annotations

from coordination.paths import Paths
from coordination.session import ZooKeeperSession


class RouteResolver:
    """Routes in memory, kept right by watches. `run` (a background task) does the reading."""

    def __init__(self, session: ZooKeeperSession, *, paths: Paths | None = None) -> None:
        raise NotImplementedError

    def find(self, video_id: str) -> frozenset[str] | None:
        """The node ids of a video (maybe none), None if the route is not known. Memory only."""
        raise NotImplementedError

    async def resolve(self, video_id: str, timeout_s: float = 2.0) -> frozenset[str]:
        """As `find`, but reads an unknown route (one shared read for all who ask); raises
        RouteUnknown when ZooKeeper is away or does not answer in time.
        """
        raise NotImplementedError

    def mark_stale(self, video_id: str) -> None:
        """A node says that it does not serve the video: read the route again soon."""

    async def run(self) -> None:
        """Read routes when they are asked for or may have changed, until cancelled."""
