"""What to change in ZooKeeper for one registration, given what was read there. No I/O.

The cases are those that `registrar.py` names. An empty plan means that all is well already.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from coordination.paths import Paths
from coordination.znode import Create, Delete, Operation, Stat
from wire.ids import is_boot_id


class Owner(Enum):
    """Whose the registration under our node id is."""

    NOBODY = "nobody"
    OURS = "ours"
    EARLIER = "earlier"  # a session or life of this node that is over, or junk
    NEWER = "newer"  # a newer life of this node: we have been replaced


@dataclass(frozen=True, slots=True)
class Identity:
    """Who registers: one session of one life of one node."""

    node_id: str
    boot_id: str
    session_id: int

    def owner_of(self, registration: tuple[bytes, Stat] | None) -> Owner:
        """Whose a registration is that was found under our node id."""
        if registration is None:
            return Owner.NOBODY
        data, stat = registration
        if stat.owner == self.session_id:
            return Owner.OURS
        boot_id = data.decode("ascii", "replace")
        newer = stat.owner and is_boot_id(boot_id) and boot_id > self.boot_id
        return Owner.NEWER if newer else Owner.EARLIER


@dataclass(frozen=True, slots=True)
class Found:
    """What was read about one video: the names below its parent (None: there is no parent), and our
    registration if there is one.
    """

    names: Sequence[str] | None
    registration: tuple[bytes, Stat] | None


def plan_registering(
    paths: Paths, me: Identity, video_id: str, found: Found
) -> tuple[Operation, ...]:
    """How to come to a registration of ours; not to be asked when a newer life holds it."""
    path = paths.registration(video_id, me.node_id)
    create = Create(path, me.boot_id.encode(), ephemeral=True)
    if found.names is None:
        return Create(paths.video(video_id)), create
    match me.owner_of(found.registration):
        case Owner.OURS:
            return ()
        case Owner.NOBODY:
            return (create,)
        case _:
            return _delete(path, found), create


def plan_deregistering(
    paths: Paths, me: Identity, video_id: str, found: Found
) -> tuple[Operation, ...]:
    """How to come to no registration, and no parent if nobody else is below it."""
    if found.names is None:
        return ()
    path = paths.registration(video_id, me.node_id)
    delete = () if found.registration is None else (_delete(path, found),)
    left = set(found.names) - ({me.node_id} if delete else set())
    return delete if left else (*delete, Delete(paths.video(video_id)))


def _delete(path: str, found: Found) -> Delete:
    assert found.registration is not None
    return Delete(path, found.registration[1].version)
