"""Which idempotency keys are stored already, and with which comment.

Law: a key's row lies in the bucket of its comment and was stored in the same batch. A key that may
go into a bucket from HINTED_FROM on has a hint first: a bucket below which it is not. So whoever
knows head N (from a condition or a read at SERIAL, which leave nothing under way before it) and
then finds neither a row nor a hint knows that no comment up to N has the key; one that is stored
afterwards moves the head. Most videos never get so far and pay nothing for hints.

A key whose comment went by retention stands for nothing.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence

from writer.cassandra_driver import READ
from writer.cassandra_layout import Buckets, key_shard
from writer.cassandra_reads import CassandraReads
from writer.cassandra_session import CassandraSession
from writer.idempotency import Earlier

# Buckets whose keys are looked at without a hint: one read each, for a whole group.
HINTED_FROM = 2

_Found = tuple[int, bytes]  # number, digest


class CassandraKeys:
    """Finds keys; writes hints."""

    def __init__(self, session: CassandraSession, reads: CassandraReads, buckets: Buckets) -> None:
        self._session, self._reads, self._buckets = session, reads, buckets

    async def find(self, video_id: str, head: int, keys: Sequence[str]) -> dict[str, Earlier]:
        """Those of `keys` that stand for a comment up to `head`. Raises StoreUnavailable."""
        if not keys:
            return {}
        newest = self._buckets.after(head)
        plain = [self._in_bucket(video_id, b, keys) for b in range(min(newest + 1, HINTED_FROM))]
        hinted = self._hinted(video_id, newest, keys)
        found: dict[str, _Found] = {}
        for part in await asyncio.gather(*plain, hinted):
            for key, (seq, digest) in part.items():
                if seq > found.get(key, (0, b""))[0]:  # a void key may have been used again
                    found[key] = (seq, digest)
        return await self._with_comments(video_id, found)

    async def note(self, video_id: str, head: int, keys: Iterable[str]) -> None:
        """To be called before a group with these keys is stored after `head`.

        Raises StoreUnavailable; the group must not be stored then.
        """
        bucket = self._buckets.after(head)
        if bucket < HINTED_FROM:
            return
        await asyncio.gather(
            *(
                self._session.call(
                    lambda say, shard=shard, some=some: say.note_key_buckets(  # type: ignore[misc]
                        video_id, shard, some, bucket
                    ),
                    profile=READ,
                )
                for shard, some in _by_shard(keys).items()
            )
        )

    async def _in_bucket(
        self, video_id: str, bucket: int, keys: Sequence[str]
    ) -> dict[str, _Found]:
        rows = await self._session.call(
            lambda say: say.read("keys", video_id, bucket, list(keys)), profile=READ
        )
        return {key: (seq, digest) for key, seq, digest in rows}

    async def _hinted(self, video_id: str, newest: int, keys: Sequence[str]) -> dict[str, _Found]:
        """What lies in hinted buckets; a key is searched from its hint to the newest bucket."""
        if newest < HINTED_FROM:
            return {}
        wanted: dict[int, list[str]] = defaultdict(list)
        for hints in await asyncio.gather(
            *(self._hints(video_id, shard, some) for shard, some in _by_shard(keys).items())
        ):
            for key, bucket in hints.items():
                for number in range(max(bucket, HINTED_FROM), newest + 1):
                    wanted[number].append(key)
        found: dict[str, _Found] = {}
        for bucket in sorted(wanted):
            found |= await self._in_bucket(video_id, bucket, wanted[bucket])
        return found

    async def _hints(self, video_id: str, shard: int, keys: list[str]) -> dict[str, int]:
        rows = await self._session.call(
            lambda say: say.read("key_buckets", video_id, shard, keys), profile=READ
        )
        return dict(rows)

    async def _with_comments(self, video_id: str, found: dict[str, _Found]) -> dict[str, Earlier]:
        raws = await asyncio.gather(
            *(self._reads.comment(video_id, seq) for seq, _ in found.values())
        )
        return {
            key: Earlier(seq, digest, raw)
            for (key, (seq, digest)), raw in zip(found.items(), raws, strict=True)
            if raw is not None
        }


def _by_shard(keys: Iterable[str]) -> dict[int, list[str]]:
    shards: dict[int, list[str]] = defaultdict(list)
    for key in keys:
        shards[key_shard(key)].append(key)
    return shards
