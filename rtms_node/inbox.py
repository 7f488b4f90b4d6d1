"""Comments that arrived before an earlier one: held until the hole before them is closed.

Invariants: what is held is above the ring's head + 1, or the head is not known yet. It was stored
when it was sent, but a store may go back: what a later read does not find is forgotten. Numbers
come from the store, so a number that comes twice has the same content; if not, only the store can
tell which is right, and neither is kept.
"""

from __future__ import annotations

from collections.abc import Iterator


class Inbox:
    """Owned by one timeline. Beyond `max_held` comments are dropped; they are read from the store
    later. held: public JSON by number, which only the inbox changes.
    """

    __slots__ = ("_max_held", "dropped", "epoch", "held")

    def __init__(self, max_held: int) -> None:
        self.epoch = ""
        self.dropped = 0
        self.held: dict[int, bytes] = {}
        self._max_held = max_held

    def __len__(self) -> int:
        return len(self.held)

    def hold(self, epoch: str, seq: int, raw: bytes) -> None:
        """Keep an entry. An entry of another epoch replaces all: only one of them can be right."""
        if epoch != self.epoch:
            self.held.clear()
            self.epoch = epoch
        if seq in self.held:
            if self.held[seq] != raw:
                del self.held[seq]
                self.dropped += 1
        elif len(self.held) < self._max_held:
            self.held[seq] = raw
        else:
            self.dropped += 1

    def take_from(self, epoch: str, seq: int) -> Iterator[bytes]:
        """Remove and return the entries `seq`, `seq + 1`, ... as far as they are held; what lies
        below is forgotten.
        """
        if epoch != self.epoch:
            self.held.clear()
            return
        while seq in self.held:
            yield self.held.pop(seq)
            seq += 1
        for old in [held for held in self.held if held < seq]:
            del self.held[old]

    def forget(self, first: int, last: int) -> None:
        """Forget `first` to `last`: they are not stored."""
        for seq in [held for held in self.held if first <= held <= last]:
            del self.held[seq]
            self.dropped += 1

    def last_held(self) -> int:
        """The highest number held, 0 if none is."""
        return max(self.held, default=0)
