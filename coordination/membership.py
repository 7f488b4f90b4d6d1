"""Keeping this process known to the others, for as long as it lives."""

from __future__ import annotations

from collections.abc import Callable

from coordination.member import Member
from coordination.paths import Paths
from coordination.session import ZooKeeperSession


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
        raise NotImplementedError

    @property
    def announced(self) -> bool:
        """Whether our znode is there, as far as we know."""
        raise NotImplementedError

    async def run(self) -> None:
        """Announce now and again after every loss, until cancelled or withdrawn."""

    async def wait_announced(self) -> None:
        """Wait until `announced`."""

    async def withdraw(self) -> None:
        """Remove our znode and stop announcing. Does not raise while ZooKeeper is away."""
