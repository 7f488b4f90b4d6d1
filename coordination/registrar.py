"""Telling ZooKeeper which videos this node serves."""

from __future__ import annotations

from collections.abc import Callable

from coordination.paths import Paths
from coordination.session import ZooKeeperSession


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
    ) -> None:
        raise NotImplementedError

    @property
    def registered(self) -> int:
        """How many videos ZooKeeper holds for us, as far as we know."""
        raise NotImplementedError

    @property
    def pending(self) -> int:
        """How many videos wait to be registered or deregistered."""
        raise NotImplementedError

    def register(self, video_id: str) -> None:
        """This node serves the video from now on. Never blocks, never raises; idempotent."""

    def deregister(self, video_id: str) -> None:
        """This node no longer serves the video. Never blocks, never raises; idempotent."""

    async def run(self) -> None:
        """Carry out what was asked, and all of it again on every new session, until cancelled."""

    async def wait_settled(self) -> None:
        """Wait until nothing is pending."""
