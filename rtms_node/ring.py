"""The ring: encoded frames of one video's newest comments, without a hole. Each is a chunk already,
as HTTP/1.1 carries it: nothing is left to be done for each viewer.

Invariants: the frames held are those of `first` to `head`, consecutive, all of one epoch. The head
only grows by `append`; `first` moves back only by `prepend` of exactly the frames before it, and
forward by trimming. An empty ring still knows its head (`first == head + 1`). A viewer is a cursor
into a ring: nothing here knows of viewers.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from wire.chunks import chunk
from wire.sse import comment_frame

# What Python keeps beside the bytes of each frame, and its place in the list.
_FRAME_OVERHEAD = sys.getsizeof(b"") + 8
# Trimming a list at its front moves the rest: do it in blocks.
_TRIM_BLOCK = 256


def encode_frame(epoch: str, seq: int, raw: bytes) -> bytes:
    """A comment's frame as rings keep it, from its public JSON; ValueError if `raw` is not one
    line.
    """
    return chunk(comment_frame(epoch, seq, raw))


class Ring:
    """Owned by one room. Sequence numbers in, joined bytes out. size_bytes: of memory, not only of
    what frames say.
    """

    __slots__ = ("_frames", "_max_frames", "epoch", "first", "head", "size_bytes")

    def __init__(self, epoch: str, head: int, max_frames: int) -> None:
        self.epoch = epoch
        self.head = head
        self.first = head + 1
        self.size_bytes = 0
        self._frames: list[bytes] = []
        self._max_frames = max_frames

    def __len__(self) -> int:
        return len(self._frames)

    def append(self, frame: bytes) -> None:
        """Add the frame of comment `head + 1`."""
        self._frames.append(frame)
        self.head += 1
        self.size_bytes += _FRAME_OVERHEAD + len(frame)
        if len(self._frames) >= self._max_frames + _TRIM_BLOCK:
            self.trim(_TRIM_BLOCK)

    def prepend(self, frames: Sequence[bytes]) -> None:
        """Add the frames of the comments just before `first`, in order."""
        self._frames[:0] = frames
        self.first -= len(frames)
        self.size_bytes += _size(frames)

    def trim(self, count: int) -> None:
        """Forget the oldest `count` frames."""
        self.size_bytes -= _size(self._frames[:count])
        del self._frames[:count]
        self.first = self.head + 1 - len(self._frames)

    def holds_after(self, cursor: int) -> bool:
        """Whether everything after `cursor` is here."""
        return cursor + 1 >= self.first

    def differs(self, seq: int, frame: bytes) -> bool:
        """Whether another frame of that number is here."""
        return self.first <= seq <= self.head and self._frames[seq - self.first] != frame

    def join(self, cursor: int, max_bytes: int) -> tuple[bytes, int]:
        """Frames after `cursor`, at least one and at most about `max_bytes`, and the last one's
        number.

        `cursor` must satisfy `holds_after(cursor)` and `cursor < head`.
        """
        start = stop = cursor + 1 - self.first
        frames = self._frames
        if start == len(frames) - 1:
            return frames[start], self.head
        size = 0
        while stop < len(frames) and (size == 0 or size + len(frames[stop]) <= max_bytes):
            size += len(frames[stop])
            stop += 1
        return b"".join(frames[start:stop]), self.first + stop - 1


def _size(frames: Sequence[bytes]) -> int:
    return _FRAME_OVERHEAD * len(frames) + sum(map(len, frames))
