"""The ring: encoded frames of one video's newest entries, without a hole. Each frame is already a
chunk of HTTP/1.1, so that nothing is left to be done for each viewer.

Invariants: a room has one ring for life, and only its timeline changes it. The frames held are
those of `first` to `head`, consecutive, all of one epoch. The head grows by `append` and changes
otherwise only by `restart`, which drops all frames; `first` moves back only by `prepend` of exactly
the frames before it, and forward by trimming; `replace` changes neither. An empty ring still knows
its head (`first == head + 1`). A viewer is a cursor into a ring: nothing here knows of viewers.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from wire.chunks import chunk
from wire.sse import entry_frame

# Memory of each frame beside its bytes: of the object, and of its place in the list.
_FRAME_OVERHEAD = sys.getsizeof(b"") + 8
# Trimming a list at its front moves the rest: do it in blocks.
_TRIM_BLOCK = 256


def encode_frame(epoch: str, seq: int, raw: bytes) -> bytes:
    """An entry's frame as rings keep it, from its public JSON; ValueError if that is not one
    line.
    """
    return chunk(entry_frame(epoch, seq, raw))


def decode_frame(frame: bytes) -> bytes:
    """The public JSON in a frame that `encode_frame` has made."""
    return frame[frame.index(b"\ndata: ") + len(b"\ndata: ") : -len(b"\n\n\r\n")]


class FrameMemory:
    """size_bytes: memory of the frames of all rings that share this; only they change it."""

    __slots__ = ("size_bytes",)

    def __init__(self) -> None:
        self.size_bytes = 0


class Ring:
    """Sequence numbers in, bytes for the wire out. started: whether epoch and head are known, which
    they are from the first `restart` on; nothing may be appended before.
    """

    __slots__ = ("_frames", "_max_frames", "_memory", "epoch", "first", "head", "started")

    def __init__(self, max_frames: int, memory: FrameMemory | None = None) -> None:
        self._max_frames = max_frames
        self._memory = memory or FrameMemory()
        self._frames: list[bytes] = []
        self.restart("", 0)
        self.started = False

    def __len__(self) -> int:
        return len(self._frames)

    @property
    def size_bytes(self) -> int:
        """Memory used, which is more than the bytes of the frames. It is counted anew each time."""
        return _size(self._frames)

    def restart(self, epoch: str, head: int) -> None:
        """Drop all frames; the next one is that of `head + 1` in `epoch`."""
        self._memory.size_bytes -= _size(self._frames)
        self._frames = []
        self.started = True
        self.epoch = epoch
        self.head = head
        self.first = head + 1

    def append(self, frame: bytes) -> None:
        """Add the frame of comment `head + 1`."""
        self._frames.append(frame)
        self.head += 1
        self._memory.size_bytes += _FRAME_OVERHEAD + len(frame)
        if len(self._frames) >= self._max_frames + _TRIM_BLOCK:
            self.trim(_TRIM_BLOCK)

    def prepend(self, frames: Sequence[bytes]) -> None:
        """Add the frames of the comments just before `first`, in order."""
        self._frames[:0] = frames
        self.first -= len(frames)
        self._memory.size_bytes += _size(frames)

    def trim(self, count: int) -> None:
        """Forget the oldest `count` frames."""
        self._memory.size_bytes -= _size(self._frames[:count])
        del self._frames[:count]
        self.first = self.head + 1 - len(self._frames)

    def holds_after(self, cursor: int) -> bool:
        """Whether everything after `cursor` is here."""
        return cursor + 1 >= self.first

    def holds(self, seq: int) -> bool:
        """Whether the frame of that number is here."""
        return self.first <= seq <= self.head

    def frame(self, seq: int) -> bytes:
        """The frame of a number that is held."""
        return self._frames[seq - self.first]

    def differs(self, seq: int, frame: bytes) -> bool:
        """Whether another frame of that number is here."""
        return self.holds(seq) and self.frame(seq) != frame

    def replace(self, seq: int, frame: bytes) -> None:
        """Put another frame in the place of one that is held."""
        self._memory.size_bytes += len(frame) - len(self.frame(seq))
        self._frames[seq - self.first] = frame

    def payload_after(self, cursor: int, max_bytes: int) -> tuple[bytes, int]:
        """The frames after `cursor` as one payload, and the number of the last one in it: at least
        one frame, and no more than fit into `max_bytes`.

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
