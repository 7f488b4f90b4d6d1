"""The one ZooKeeper session of a process, and the only file of this package that crosses threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stat:
    """What ZooKeeper says about a znode. `owner` is the session of an ephemeral one, else 0."""

    owner: int
    version: int
    children: int


@dataclass(frozen=True, slots=True)
class Create:
    """Part of a transaction: make a znode."""

    path: str
    data: bytes = b""
    ephemeral: bool = False


@dataclass(frozen=True, slots=True)
class Delete:
    """Part of a transaction: remove a znode; `version` -1 means whatever it is."""

    path: str
    version: int = -1


Operation = Create | Delete


class ZooKeeperSession:
    """One kazoo client. Everything here is called, and calls back, on the event loop.

    Requests raise NotSent, OutcomeUnknown or a Refused; they never block the loop, and fail at once
    while there is no connection.
    """

    def __init__(
        self,
        hosts: str | Sequence[str],
        *,
        session_timeout_s: float = 6.0,
        away_after_s: float | None = None,
    ) -> None:
        raise NotImplementedError

    @property
    def connected(self) -> bool:
        """Whether requests can be sent now."""
        raise NotImplementedError

    @property
    def state(self) -> str:
        """ "connected" or "away"; a short cut (under `away_after_s`) still counts as connected."""
        raise NotImplementedError

    @property
    def session_id(self) -> int:
        """The session, 0 before the first one."""
        raise NotImplementedError

    def on_connected(self, callback: Callable[[bool], None]) -> None:
        """Call `callback(new_session)` after every (re)connection."""

    def on_suspended(self, callback: Callable[[], None]) -> None:
        """Call `callback()` each time the connection is lost."""

    def on_away(self, callback: Callable[[], None]) -> None:
        """Call `callback()` when the connection has been lost for `away_after_s` seconds."""

    def on_event(self, prefix: str, callback: Callable[[str], None]) -> None:
        """Call `callback(path)` for each watch event of a path that starts with `prefix`."""

    async def start(self, timeout_s: float | None = None) -> None:
        """Connect; returns when the first session exists. Waits for ever by default (cancellable);
        with `timeout_s`, raises ZooKeeperAway after it and goes on connecting.
        """

    async def stop(self) -> None:
        """Close the session, which removes its ephemeral znodes at once. Idempotent; takes at most
        3 s, also when ZooKeeper does not answer.
        """

    async def exists(self, path: str, *, watch: bool = False) -> Stat | None:
        """What the znode is like, None if there is none. The watch also sees it being created."""
        raise NotImplementedError

    async def get(self, path: str, *, watch: bool = False) -> tuple[bytes, Stat]:
        """The data of a znode; raises NoNode (and then leaves no watch)."""
        raise NotImplementedError

    async def get_children(self, path: str, *, watch: bool = False) -> list[str]:
        """Names below a znode; raises NoNode (and then leaves no watch)."""
        raise NotImplementedError

    async def create(self, path: str, data: bytes = b"", *, ephemeral: bool = False) -> None:
        """Make a znode; raises NodeExists, or NoNode when its parent is missing."""

    async def delete(self, path: str, version: int = -1) -> None:
        """Remove a znode; raises NoNode, NotEmpty, BadVersion."""

    async def multi(self, operations: Sequence[Operation]) -> None:
        """Do all of `operations` or none; raises MultiRefused."""

    async def ensure_path(self, path: str) -> None:
        """Make a persistent znode and all above it, as far as they are missing."""
