"""Roles and where they count: what a token's `lc.roles` grants for a video.

A grant is a pattern and the names of roles. A pattern is a video id, or the beginning of one
followed by `*`; `*` alone is every video. Ranks are in one order, so that "at least a moderator"
and "nobody acts on an equal or a better" are comparisons.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import IntEnum

MAX_PATTERNS = 64
EVERYWHERE = "*"
_PATTERN = re.compile(r"[A-Za-z0-9_-]{1,64}|[A-Za-z0-9_-]{0,63}\*", re.ASCII)


class Rank(IntEnum):
    """What a caller is for a video; a higher one may do all that a lower one may."""

    ANYBODY = 0  # no role: an anonymous caller, or a token without a grant for the video
    VIEWER = 1
    MEMBER = 2
    MODERATOR = 3
    OWNER = 4
    SERVICE = 5  # a program of the operator's
    ADMIN = 6


_NAMES: Mapping[str, Rank] = {rank.name.lower(): rank for rank in Rank if rank > Rank.ANYBODY}


class Roles:
    """The grants of one token; immutable. `find_` methods read memory."""

    def __init__(self, grants: Mapping[str, Sequence[str]]) -> None:
        """Raises ValueError for what is no pattern, no role, or too many of them."""
        if len(grants) > MAX_PATTERNS:
            raise ValueError(f"roles have at most {MAX_PATTERNS} patterns")
        self._exact: dict[str, frozenset[Rank]] = {}
        self._prefixes: list[tuple[str, frozenset[Rank]]] = []
        for pattern, names in grants.items():
            self._add(pattern, names)

    @property
    def limited(self) -> bool:
        """Whether anything is granted, so that the grants say where their holder may read."""
        return bool(self._exact or self._prefixes)

    def find(self, video_id: str) -> frozenset[Rank]:
        """Every rank that is granted for this video, by whichever patterns."""
        found = self._exact.get(video_id, frozenset())
        for prefix, ranks in self._prefixes:
            if video_id.startswith(prefix):
                found |= ranks
        return found

    def find_everywhere(self) -> frozenset[Rank]:
        """Every rank that is granted for all videos."""
        return frozenset().union(*(ranks for prefix, ranks in self._prefixes if not prefix))

    def _add(self, pattern: str, names: Sequence[str]) -> None:
        if _PATTERN.fullmatch(pattern) is None:
            raise ValueError("a pattern of roles is a video id, or the beginning of one and *")
        ranks = frozenset(map(rank_named, names))
        if pattern.endswith(EVERYWHERE):
            self._prefixes.append((pattern.removesuffix(EVERYWHERE), ranks))
        else:
            self._exact[pattern] = ranks


def rank_named(name: str) -> Rank:
    """The rank that a token calls `name`. Raises ValueError if there is none."""
    rank = _NAMES.get(name)
    if rank is None:
        raise ValueError(f"a role is one of {', '.join(_NAMES)}")
    return rank


NO_ROLES = Roles({})
