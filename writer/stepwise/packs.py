"""Entries by number, and what is put in their place: packs are read and rewritten whole.

A pack is what a store reads and writes at a time of a video's log: some entries in a row.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby

from writer.stepwise.lines import unpack

READS_AT_ONCE = 16
FIRST_PORTION = 20


@dataclass(frozen=True, slots=True)
class Pack:
    """last: number of its last entry; stamp: what its store has to know of it to rewrite it."""

    last: int
    lines: bytes
    stamp: int | None


@dataclass(slots=True)
class Entries:
    """What is stored under some numbers: `raws` by number, those that are missing left out."""

    raws: dict[int, bytes] = field(default_factory=dict)
    packs: dict[int, Pack] = field(default_factory=dict)  # by number of the last entry

    def rewritten(self, raws: Mapping[int, bytes]) -> list[tuple[Pack, bytes]]:
        """The packs of these numbers, each with its lines when `raws` are in their place."""
        changed: dict[int, list[bytes]] = {}
        for seq, raw in sorted(raws.items()):
            pack = self._pack_of(seq)
            lines = changed.setdefault(pack.last, unpack((pack.last, pack.lines))[1])
            lines[seq - pack.last - 1] = raw  # from the end: its last line is number `last`
        return [(self.packs[last], b"\n".join(lines)) for last, lines in changed.items()]

    def portions(self, seqs: Iterable[int]) -> Iterator[list[int]]:
        """These numbers `in_portions`: those of one pack, which is rewritten once, together."""
        lasts = sorted(self.packs)
        by_pack = groupby(sorted(seqs), lambda seq: bisect_left(lasts, seq))
        return in_portions(some for _, some in by_pack)

    def _pack_of(self, seq: int) -> Pack:
        return self.packs[min(last for last in self.packs if last >= seq)]

    def _take(self, pack: Pack, wanted: Iterable[int]) -> None:
        first, raws = unpack((pack.last, pack.lines))
        found = {seq: raws[seq - first] for seq in wanted if first <= seq <= pack.last}
        if found:
            self.raws |= found
            self.packs[pack.last] = pack


def in_portions(groups: Iterable[Iterable[int]]) -> Iterator[list[int]]:
    """Groups of numbers, whole ones, in portions to be done one after the other: few numbers first,
    so that also a slow store gets something done before a deadline, then about twice as many each
    time, so that for a fast one the portions are few.
    """
    portion, size = list[int](), FIRST_PORTION
    for group in groups:
        portion += group
        if len(portion) >= size:
            yield portion
            portion, size = [], 2 * size
    if portion:
        yield portion


async def fetch_entries(
    read: Callable[[int], Awaitable[Pack | None]], seqs: Iterable[int]
) -> Entries:
    """The entries under these numbers; `read` fetches the pack that holds a number, if that is
    stored (any other one will do if it is not).
    """
    entries, missing = Entries(), sorted(set(seqs))
    while missing:
        # Not all at once: one pack holds many of them, when they lie together.
        step = -(-len(missing) // READS_AT_ONCE)
        asked = missing[::step]
        packs = await asyncio.gather(*(read(seq) for seq in asked))
        for pack in filter(None, packs):
            entries._take(pack, missing)
        # What was asked for and has not come is gone.
        done = entries.raws.keys() | set(asked)
        missing = [seq for seq in missing if seq not in done]
    return entries
