"""Comments that arrived before an earlier one: held until the hole before them is closed.

Law: what is held is above the ring's head + 1 (or the head is not known yet); numbers come from the
store, so a number held twice has the same content and the first copy stays.
"""

from __future__ import annotations

from collections.abc import Iterator


class Inbox:
    """Owned by one room. Beyond `max_held` comments are refused (the probe brings them)."""

    __slots__ = ("_held", "_max_held", "dropped", "epoch")

    def __init__(self, max_held: int) -> None:
        self.epoch = ""
        self.dropped = 0
        self._held: dict[int, bytes] = {}
        self._max_held = max_held

    def __len__(self) -> int:
        return len(self._held)

    def hold(self, epoch: str, seq: int, frame: bytes) -> None:
        """Keep a frame. A frame of another epoch replaces all: only one of them can be right."""
        if epoch != self.epoch:
            self._held.clear()
            self.epoch = epoch
        if len(self._held) < self._max_held:
            self._held.setdefault(seq, frame)
        else:
            self.dropped += 1

    def take_from(self, epoch: str, seq: int) -> Iterator[bytes]:
        """Frames of `seq`, `seq + 1`, ... as far as they are held; what lies below is forgotten."""
        if epoch != self.epoch:
            self._held.clear()
            return
        while seq in self._held:
            yield self._held.pop(seq)
            seq += 1
        for old in [held for held in self._held if held < seq]:
            del self._held[old]

    def first_held(self) -> int | None:
        """The lowest number held."""
        return min(self._held, default=None)
