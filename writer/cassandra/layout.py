"""How a video's comments lie in Cassandra: buckets of numbers, packs of comments.

Invariants: the head of bucket b is that of the last number in it; a bucket is begun only when the
one before is full, so its first number and the head before it follow from b alone. A pack never
crosses the edge of a bucket. A pack's row is named by its last number, so the first row after
number n is the one that holds n + 1.

Keys and packs may expire, and what has expired is still scanned, row by row, for a day or longer.
So no read may ask for "the first row", however far away that is: a bucket's anchor, a row that
never expires, lies before all others and ends the read of its head; all other reads have a span.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from writer.stepwise.lines import Row

BUCKET_SIZE = 20_000
MAX_PACK = 50  # comments in one row: what a reader of one comment reads too
KEY_SHARDS = 16
SLOT_PREFIX = "\x01"  # not printable: no idempotency key begins with it
ANCHOR = -1  # in place of a number: the bucket's first row, of which there is nothing to read


@dataclass(frozen=True, slots=True)
class Buckets:
    """Which numbers lie where. `size` is fixed for as long as the store lives."""

    size: int = BUCKET_SIZE

    def of(self, seq: int) -> int:
        """The bucket of a number."""
        return (seq - 1) // self.size

    def after(self, head: int) -> int:
        """The bucket of the number that follows `head`."""
        return head // self.size

    def head_before(self, bucket: int) -> int:
        """The head when a bucket is begun."""
        return bucket * self.size

    def last(self, bucket: int) -> int:
        """The last number of a bucket: its head when it is full."""
        return (bucket + 1) * self.size

    def spans(self, after: int, through: int, longest: int) -> Iterator[tuple[int, int, int]]:
        """Cut after < seq <= through into (bucket, after, through) of at most `longest` each."""
        while after < through:
            bucket = self.after(after)
            end = min(through, self.last(bucket), after + longest)
            yield bucket, after, end
            after = end


def slot_key(slot: str) -> str:
    """The key of the row of a slot of slow mode or of repeats."""
    return SLOT_PREFIX + slot


def pack(first: int, raws: Sequence[bytes]) -> list[Row]:
    """Rows for consecutive comments from number `first` on."""
    rows = []
    for start in range(0, len(raws), MAX_PACK):
        lines = raws[start : start + MAX_PACK]
        rows.append((first + start + len(lines) - 1, b"\n".join(lines)))
    return rows


def key_shard(key: str) -> int:
    """Which partition of its video's hints has this key; the same in every process."""
    return zlib.crc32(key.encode()) % KEY_SHARDS
