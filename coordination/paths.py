"""The layout of znodes, and the only place that reads a path.

    <root>/members/<role>/<id>            ephemeral: where a process is
    <root>/videos/<video_id>/<node_id>    ephemeral: the node serves the video
    <root>/stores/<boot_id>               ephemeral: which store a writer has

Anybody with a ZooKeeper shell can put anything there; a name that none of our processes can have
made is junk: it is ignored and counted by the reader, never passed on.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from wire.ids import is_service_id, is_video_id
from wire.roles import Role

DEFAULT_ROOT = "/livecomments"
_ROOT = re.compile(r"(/[A-Za-z0-9_-]{1,64}){1,8}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Paths:
    """All paths below one root; raises ValueError if `root` cannot be one."""

    root: str = DEFAULT_ROOT

    def __post_init__(self) -> None:
        if _ROOT.fullmatch(self.root) is None:
            raise ValueError(f"not a root for znodes: {self.root!r}")

    @property
    def videos(self) -> str:
        """Parent of all videos."""
        return f"{self.root}/videos"

    def role(self, role: Role) -> str:
        """Parent of the members of one role."""
        return f"{self.root}/members/{role}"

    def member(self, role: Role, member_id: str) -> str:
        """Where a process announces itself."""
        return f"{self.root}/members/{role}/{member_id}"

    @property
    def claims(self) -> str:
        """Parent of the claims of all writers."""
        return f"{self.root}/stores"

    def claim(self, boot_id: str) -> str:
        """The claim of one life of a writer."""
        return f"{self.root}/stores/{boot_id}"

    def video(self, video_id: str) -> str:
        """Parent of the registrations of one video."""
        return f"{self.root}/videos/{video_id}"

    def registration(self, video_id: str, node_id: str) -> str:
        """The registration of one node for one video."""
        return f"{self.root}/videos/{video_id}/{node_id}"

    def video_of(self, path: str) -> str | None:
        """The video that `path` (a video's parent or one of its registrations) belongs to."""
        prefix = self.videos + "/"
        if not path.startswith(prefix):
            return None
        video_id = path[len(prefix) :].partition("/")[0]
        return video_id if is_video_id(video_id) else None


def node_ids(children: Sequence[str]) -> tuple[frozenset[str], int]:
    """The node ids among the names below a video, and how many names were junk."""
    nodes = frozenset(name for name in children if is_service_id(name))
    return nodes, len(children) - len(nodes)
