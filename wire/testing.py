"""Comments in memory, for the fakes of several packages."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from wire.comment import NewComment, encode_comment
from wire.entry import (
    Removed,
    RemovedBy,
    encode_removed,
    encode_restored,
    encode_tombstone,
    is_comment,
)
from wire.ids import new_epoch
from wire.internal import Batch
from wire.rulings import encode_pinned

CREATED_AT = "2026-01-01T00:00:00Z"


class MemoryComments:
    """Numbers, encodes and keeps comments as a store does, without durability.

    `oldest`, by video, is moved by a test that plays retention; `keys`: number and comment of each
    idempotency key of a video; `removed`: notice and comment of each removed one;
    `repeated`: entries that have the text of a comment too.
    """

    def __init__(self, epoch: str | None = None) -> None:
        self.epoch = epoch or new_epoch()
        self.oldest: dict[str, int] = {}
        self.keys: dict[tuple[str, str], tuple[int, NewComment]] = {}
        self.removed: dict[tuple[str, int], tuple[int, bytes]] = {}
        self.repeated: dict[tuple[str, int], list[int]] = {}
        self._raws: dict[str, list[bytes]] = {}

    def add(
        self, video_id: str, comment: NewComment, created_at: str = CREATED_AT
    ) -> tuple[int, bytes]:
        """Store one comment; its number and itself."""
        raws = self._raws.setdefault(video_id, [])
        seq = len(raws) + 1
        raws.append(encode_comment(self.epoch, video_id, seq, comment, created_at))
        return seq, raws[-1]

    def post(self, video_id: str, count: int = 1, text: str = "text") -> Batch:
        """Store `count` comments; returns them as a writer would dispatch them."""
        stored = len(self._raws.get(video_id, ()))
        for seq in range(stored + 1, stored + count + 1):
            self.add(video_id, NewComment("ann", f"{text} {seq}"))
        return self.batch(video_id, stored + 1, stored + count)

    def remove(self, video_id: str, removed: Removed, created_at: str = CREATED_AT) -> Batch:
        """Put tombstones in the place of comments; the notice, as a writer would dispatch it."""
        raws = self._raws[video_id]
        for seq in removed.targets:
            kept = b"" if removed.by is RemovedBy.ERASURE else raws[seq - 1]
            self.removed[video_id, seq] = (len(raws) + 1, kept)
            # Entries that have shown it again have its text too.
            for number in (seq, *self.repeated.pop((video_id, seq), ())):
                raws[number - 1] = encode_tombstone(raws[number - 1])
        seq = len(raws) + 1
        raws.append(encode_removed(self.epoch, video_id, seq, removed, created_at))
        return self.batch(video_id, seq, seq)

    def destroy(self, video_id: str, seqs: Iterable[int]) -> None:
        """Of those of these comments that are removed already, keep nothing."""
        for place in {(video_id, seq) for seq in seqs} & self.removed.keys():
            self.removed[place] = (self.removed[place][0], b"")

    def restore(self, video_id: str, seq: int, created_at: str = CREATED_AT) -> Batch:
        """Put a removed comment back; the notice, as a writer would dispatch it."""
        raws = self._raws[video_id]
        _, comment = self.removed.pop((video_id, seq))
        raws[seq - 1] = comment
        notice = len(raws) + 1
        self.repeated.setdefault((video_id, seq), []).append(notice)
        raws.append(encode_restored(self.epoch, video_id, notice, comment, created_at))
        return self.batch(video_id, notice, notice)

    def pin(self, video_id: str, seq: int | None, created_at: str = CREATED_AT) -> Batch:
        """Say that a comment is pinned; the entry, as a writer would dispatch it."""
        comment = None if seq is None else self._raws[video_id][seq - 1]

        def encode(epoch: str, video_id: str, number: int) -> bytes:
            return encode_pinned(epoch, video_id, number, comment, created_at)

        batch = self.say(video_id, encode)
        if seq is not None:
            self.repeated.setdefault((video_id, seq), []).append(batch.first_seq)
        return batch

    def say(self, video_id: str, encode: Callable[[str, str, int], bytes]) -> Batch:
        """Number and store an entry, which `encode` makes from epoch, video and number."""
        raws = self._raws.setdefault(video_id, [])
        raws.append(encode(self.epoch, video_id, len(raws) + 1))
        return self.batch(video_id, len(raws), len(raws))

    def batch(self, video_id: str, first: int, last: int) -> Batch:
        """Stored comments `first` to `last` as a batch."""
        raws = self._raws[video_id][first - 1 : last]
        return Batch(video_id, self.epoch, first, tuple(map(msgspec.Raw, raws)))

    def head(self, video_id: str) -> int:
        """The newest number."""
        return len(self._raws.get(video_id, ()))

    def find_raw(self, video_id: str, seq: int) -> bytes:
        """One stored comment."""
        return self._raws[video_id][seq - 1]

    @property
    def videos(self) -> list[str]:
        """Those that have a log."""
        return list(self._raws)

    def find_authored(self, author_id: str, video_id: str) -> list[int]:
        """Numbers of an author's comments, with removed ones."""
        mark = b'"author_id":"%s"' % author_id.encode()
        raws = dict(enumerate(self._raws.get(video_id, ()), 1))
        shown = {seq for seq, raw in raws.items() if mark in raw and is_comment(raw)}
        gone = {
            seq for (of, seq), (_, raw) in self.removed.items() if of == video_id and mark in raw
        }
        return sorted(shown | gone)

    def find_oldest(self, video_id: str) -> int:
        """The first number that retention left."""
        return self.oldest.get(video_id, 1)

    def find_between(self, video_id: str, first: int, last: int) -> tuple[int, tuple[bytes, ...]]:
        """What is left of the comments `first` to `last`: the number of the first one, and all."""
        first = max(first, self.find_oldest(video_id))
        raws = self._raws.get(video_id, [])
        return first, tuple(raws[first - 1 : max(last, first - 1)])

    def restart(self, epoch: str) -> None:
        """Become another, empty store."""
        self.epoch = epoch
        for kept in (self.oldest, self.keys, self.removed, self.repeated, self._raws):
            kept.clear()
