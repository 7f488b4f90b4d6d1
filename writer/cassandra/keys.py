"""Which idempotency keys are stored already, and with which comment.

Invariants: a key's row lies in the bucket of its comment and was stored in the same batch. A key
that may go into a bucket from HINTED_FROM on has a hint first: a bucket below which it is not. So
whoever knows head N (from a condition or a read at SERIAL, which leave nothing under way before it)
and then finds neither a row nor a hint knows that no comment up to N has the key; one that is
stored afterwards moves the head. Most videos never have so many comments and pay nothing for hints.

A hint nearly always names the very bucket. A key that is not found there (its comment was never
stored, was removed by retention, or its group was cut at an edge) is searched in all buckets up to
the newest. That has a bound in time, and beyond it the key is `unsearched`: nothing may be stored
under it. How far the search came is remembered, for buckets below the newest one are full and do
not change; so each attempt gets further.

A key whose comment was removed by retention stands for nothing.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from wire.errors import StoreUnavailable
from writer.cassandra.driver import READ
from writer.cassandra.layout import Buckets, key_shard
from writer.cassandra.reads import CassandraReads
from writer.cassandra.session import CassandraSession
from writer.idempotency import Earlier
from writer.recent_values import RecentValues
from writer.stepwise.group import Known

log = structlog.get_logger()

# Buckets from this one on need a hint; those before are always searched: one read each for a group.
HINTED_FROM = 2
# Of a search as a whole: enough for a slow read, and it leaves enough of a post's deadline.
SEARCH_WITHIN_S = 2.0
# Of a sweep through many buckets: the other comments of the group wait for it.
SWEEP_WITHIN_S = 0.5
BUCKETS_AT_ONCE = 16
MAX_SWEEPS_KNOWN = 10_000  # unfinished ones; one that is forgotten begins at its hint again

_Found = tuple[int, bytes]  # number, digest


@dataclass(slots=True)
class _Search:
    """The keys of one group. `open`: those of which it is not known yet whether they are stored;
    hints: key -> the bucket that its hint names; swept: all buckets below it were searched.
    """

    video_id: str
    newest: int
    open: set[str]
    found: dict[str, Earlier] = field(default_factory=dict)
    hints: dict[str, int] = field(default_factory=dict)
    swept: int = 0


class CassandraKeys:
    """Reads keys, writes hints. Owns what is remembered of searches that were not finished."""

    def __init__(self, session: CassandraSession, reads: CassandraReads, buckets: Buckets) -> None:
        self._session, self._reads, self._buckets = session, reads, buckets
        self._swept = RecentValues[tuple[str, str], int](MAX_SWEEPS_KNOWN)  # video, key -> bucket

    async def fetch(self, video_id: str, head: int, keys: Sequence[str]) -> Known:
        """Which of `keys` stand for a comment up to `head`, and for which of them that is unknown
        after SEARCH_WITHIN_S.
        """
        if not keys:
            return Known()
        search = _Search(video_id, self._buckets.after(head), set(keys))
        try:
            async with asyncio.timeout(SEARCH_WITHIN_S):
                await self._search(search)
        except (StoreUnavailable, TimeoutError) as exc:
            self._give_up(search, exc)
        return Known(dict(search.found), frozenset(search.open))

    async def write_hints(self, video_id: str, head: int, keys: Iterable[str]) -> None:
        """To be called before a group with these keys is stored after `head`.

        Raises StoreUnavailable; the group must not be stored then.
        """
        bucket = self._buckets.after(head)
        if bucket < HINTED_FROM:
            return
        await asyncio.gather(
            *(
                self._session.call(
                    lambda cql, shard=shard, some=some: cql.write_key_buckets(  # type: ignore[misc]
                        video_id, shard, some, bucket
                    ),
                    profile=READ,
                )
                for shard, some in _by_shard(keys).items()
            )
        )

    async def _search(self, search: _Search) -> None:
        keys = list(search.open)
        plain = dict.fromkeys(range(min(search.newest + 1, HINTED_FROM)), keys)
        await asyncio.gather(self._search_buckets(search, plain), self._read_hints(search, keys))
        search.open &= search.hints.keys()
        await self._search_buckets(search, _hinted(search))
        if search.open:
            async with asyncio.timeout(SWEEP_WITHIN_S):
                await self._sweep(search)
        search.open.clear()

    async def _sweep(self, search: _Search) -> None:
        """From the first hint to the newest bucket, until every key is found."""
        begin = min(search.hints[key] for key in search.open) + 1
        for bucket in range(begin, search.newest + 1, BUCKETS_AT_ONCE):
            search.swept = bucket
            await self._search_buckets(search, _unhinted(search))
            if not search.open:
                break

    async def _search_buckets(self, search: _Search, wanted: Mapping[int, Sequence[str]]) -> None:
        """Search these buckets for keys; those that stand for a comment are no longer open."""
        buckets = sorted(wanted)
        for begin in range(0, len(buckets), BUCKETS_AT_ONCE):
            some = buckets[begin : begin + BUCKETS_AT_ONCE]
            parts = await asyncio.gather(
                *(self._in_bucket(search.video_id, bucket, wanted[bucket]) for bucket in some)
            )
            # In ascending order, so that the last use counts: a void key may be used again.
            rows = {key: row for part in parts for key, row in part.items()}
            known = await self._with_comments(search.video_id, rows)
            search.found |= known
            search.open -= known.keys()

    async def _in_bucket(
        self, video_id: str, bucket: int, keys: Sequence[str]
    ) -> dict[str, _Found]:
        rows = await self._session.call(
            lambda cql: cql.read("keys", video_id, bucket, list(keys)), profile=READ
        )
        return {key: (seq, digest) for key, seq, digest in rows}

    async def _read_hints(self, search: _Search, keys: Iterable[str]) -> None:
        """Where each hinted key begins; nothing is hinted before the first buckets are full."""
        if search.newest < HINTED_FROM:
            return
        video_id = search.video_id
        for hints in await asyncio.gather(
            *(self._hints(video_id, shard, some) for shard, some in _by_shard(keys).items())
        ):
            for key, bucket in hints.items():
                swept = self._swept.get((video_id, key)) or 0
                search.hints[key] = max(bucket, HINTED_FROM, swept)

    async def _hints(self, video_id: str, shard: int, keys: list[str]) -> dict[str, int]:
        rows = await self._session.call(
            lambda cql: cql.read("key_buckets", video_id, shard, keys), profile=READ
        )
        return dict(rows)

    async def _with_comments(self, video_id: str, rows: dict[str, _Found]) -> dict[str, Earlier]:
        raws = await asyncio.gather(
            *(self._reads.fetch_comment(video_id, seq) for seq, _ in rows.values())
        )
        return {
            key: Earlier(seq, digest, raw)
            for (key, (seq, digest)), raw in zip(rows.items(), raws, strict=True)
            if raw is not None
        }

    def _give_up(self, search: _Search, problem: Exception) -> None:
        for key in search.open & search.hints.keys():
            self._swept.put((search.video_id, key), max(search.hints[key], search.swept))
        log.warning(
            "keys_not_searched",
            video_id=search.video_id,
            keys=len(search.open),
            swept=search.swept,
            newest=search.newest,
            problem=type(problem).__name__,
        )


def _hinted(search: _Search) -> Mapping[int, Sequence[str]]:
    """Each open key in the bucket that its hint names."""
    wanted: dict[int, list[str]] = defaultdict(list)
    for key in search.open:
        if search.hints[key] <= search.newest:
            wanted[search.hints[key]].append(key)
    return wanted


def _unhinted(search: _Search) -> Mapping[int, Sequence[str]]:
    """Open keys in the next buckets of the sweep, if those lie after their hints."""
    end = min(search.swept + BUCKETS_AT_ONCE, search.newest + 1)
    wanted = {
        bucket: [key for key in search.open if search.hints[key] < bucket]
        for bucket in range(search.swept, end)
    }
    return {bucket: keys for bucket, keys in wanted.items() if keys}


def _by_shard(keys: Iterable[str]) -> dict[int, list[str]]:
    shards: dict[int, list[str]] = defaultdict(list)
    for key in keys:
        shards[key_shard(key)].append(key)
    return shards
