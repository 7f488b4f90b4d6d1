"""Which store each writer answers from, by its epoch: they should all have one.

Where there is no ZooKeeper, nobody else can see that writers on two hosts each have a file of their
own, or that a keyspace is misspelt. Reads of heads go to all writers in turn, so it shows within
seconds, as long as somebody watches.
"""

from __future__ import annotations

from collections.abc import Collection

_FRESH_S = 30.0  # what a writer said longer ago does not count: it may have ended


class WriterStores:
    """Holds one line a writer that is known. Times are monotonic, in seconds."""

    def __init__(self) -> None:
        self._said: dict[str, tuple[str, float]] = {}
        self.problem: str | None = None

    def note(self, writer: str, epoch: str, known: Collection[str], now: float) -> None:
        """`writer` has answered from the store with `epoch`; `known`: the ids of all writers."""
        before = self._said.get(writer)
        if before is not None and before[0] != epoch:
            self._said.clear()  # the store has a new epoch; the others have to say what theirs is
        self._said[writer] = (epoch, now)
        self._said = {
            name: said
            for name, said in self._said.items()
            if name in known and said[1] > now - _FRESH_S
        }
        self.problem = self._differing()

    def _differing(self) -> str | None:
        by_epoch: dict[str, list[str]] = {}
        for name, (epoch, _) in sorted(self._said.items()):
            by_epoch.setdefault(epoch, []).append(name)
        if len(by_epoch) < 2:
            return None
        each = (f"{', '.join(names)} ({epoch})" for epoch, names in by_epoch.items())
        return "writers have different stores: " + "; ".join(each)
