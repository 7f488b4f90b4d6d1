"""Knowing the processes of one role."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from coordination.member import Member
from coordination.paths import Paths
from coordination.session import ZooKeeperSession
from wire.roles import Role


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
        raise NotImplementedError

    @property
    def members(self) -> Mapping[str, Member]:
        """Id -> member. A new mapping after each change: it may be kept."""
        raise NotImplementedError

    async def run(self) -> None:
        """Follow the role until cancelled."""

    async def wait_read(self) -> None:
        """Wait until the members have been read once."""
