"""Entries by number, and what is put in their place: packs are read and rewritten whole.

Invariants: a pack is rewritten only if it is as it was read, and lives no longer than before. What
was read is as of a read at SERIAL, which leaves nothing under way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from writer.cassandra.driver import CONDITION, READ
from writer.cassandra.layout import MAX_PACK, Buckets, unpack
from writer.cassandra.session import CassandraSession

READS_AT_ONCE = 16
MAX_REWRITE_BYTES = 256 * 1024  # of packs in one condition; a single pack may be larger


@dataclass(frozen=True, slots=True)
class _Pack:
    last: int
    lines: bytes
    ttl_s: int | None  # None: it never expires


@dataclass(slots=True)
class Entries:
    """What is stored under some numbers: `raws` by number, those that are missing left out."""

    raws: dict[int, bytes] = field(default_factory=dict)
    packs: dict[int, _Pack] = field(default_factory=dict)  # by number of the last entry

    def pack_of(self, seq: int) -> _Pack:
        """The pack that holds a number."""
        return self.packs[min(last for last in self.packs if last >= seq)]


class CassandraPacks:
    """Has no state."""

    def __init__(self, session: CassandraSession, buckets: Buckets) -> None:
        self._session, self._buckets = session, buckets

    async def fetch(self, video_id: str, seqs: Iterable[int]) -> Entries:
        """The entries under these numbers. Raises StoreUnavailable."""
        entries, missing = Entries(), sorted(set(seqs))
        while missing:
            # Not all at once: one pack holds many of them, when they lie together.
            step = -(-len(missing) // READS_AT_ONCE)
            asked = missing[::step]
            packs = await asyncio.gather(*(self._read(video_id, seq) for seq in asked))
            for pack in filter(None, packs):
                _take(entries, pack, missing)
            # What was asked for and has not come is gone.
            done = entries.raws.keys() | set(asked)
            missing = [seq for seq in missing if seq not in done]
        return entries

    async def rewrite(self, video_id: str, entries: Entries, raws: Mapping[int, bytes]) -> bool:
        """Put `raws` in the place of entries that `fetch` has found; False if one of their packs
        has changed since, and others may then be rewritten already.

        Raises StoreUnavailable; whether the packs are rewritten is then unknown.
        """
        for bucket, changes in self._batches(entries, raws):
            parts = [
                (
                    "rewrite_pack",
                    (pack.ttl_s or 0, lines, video_id, bucket, pack.last, pack.lines),
                )
                for pack, lines in changes
            ]
            rows = await self._session.call(
                lambda cql, parts=parts: cql.conditional(parts),  # type: ignore[misc]
                profile=CONDITION,
            )
            if not rows[0]["[applied]"]:
                return False
        return True

    async def _read(self, video_id: str, seq: int) -> _Pack | None:
        bucket, after = self._buckets.of(seq), seq - 1
        rows = await self._session.call(
            lambda cql: cql.read("pack", video_id, bucket, after, seq + MAX_PACK, serial=True),
            profile=READ,
        )
        return _Pack(*rows[0]) if rows else None

    def _batches(
        self, entries: Entries, raws: Mapping[int, bytes]
    ) -> Iterator[tuple[int, list[tuple[_Pack, bytes]]]]:
        """Packs and their new lines, those of one bucket together as far as the bound allows."""
        changed: dict[int, list[bytes]] = {}
        for seq, raw in sorted(raws.items()):
            pack = entries.pack_of(seq)
            lines = changed.setdefault(pack.last, unpack((pack.last, pack.lines))[1])
            lines[seq - pack.last - 1] = raw  # from the end: its last line is number `last`
        batch, size, bucket = list[tuple[_Pack, bytes]](), 0, -1
        for last, lines in changed.items():
            pack, new = entries.packs[last], b"\n".join(lines)
            size += len(pack.lines) + len(new)
            if batch and (self._buckets.of(last) != bucket or size > MAX_REWRITE_BYTES):
                yield bucket, batch
                batch, size = [], len(pack.lines) + len(new)
            bucket = self._buckets.of(last)
            batch.append((pack, new))
        if batch:
            yield bucket, batch


def _take(entries: Entries, pack: _Pack, wanted: Iterable[int]) -> None:
    first, raws = unpack((pack.last, pack.lines))
    found = {seq: raws[seq - first] for seq in wanted if first <= seq <= pack.last}
    if found:
        entries.raws |= found
        entries.packs[pack.last] = pack
