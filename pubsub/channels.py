"""Which channel a video's comments are published on.

Invariants: the same video lies on the same channel in every process and every life of it, so the
hash is one of the bytes and not Python's. How many channels there are is part of a channel's name:
two processes that were told different numbers do not hear each other at all, instead of by halves,
and the anti-entropy check delivers.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

from wire.topology import Topology

_PREFIX = "livecomments"


@dataclass(frozen=True, slots=True)
class Channels:
    """`count` channels; of one, every video lies on it."""

    count: int = 1

    def channel(self, video_id: str) -> str:
        """The channel of a video."""
        return self._name(_stable_hash(video_id) % self.count)

    def all(self) -> tuple[str, ...]:
        """Every channel."""
        return tuple(map(self._name, range(self.count)))

    def _name(self, number: int) -> str:
        return f"{_PREFIX}:{self.count}:{number}"


def channels_of(topology: str, count: int) -> Channels:
    """The channels of a topology; `count` is what partitioned ones are told."""
    return Channels(1 if topology == Topology.BROADCAST else count)


def _stable_hash(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest())
