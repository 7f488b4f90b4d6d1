"""A batch as it travels: encoded once, so that all queues that it passes share its bytes."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from wire.internal import MAX_INTERNAL_BYTES, Batch, encode

_HEAD, _TAIL = b'{"batches":[', b"]}"
MAX_BATCH_BYTES = MAX_INTERNAL_BYTES - len(_HEAD) - len(_TAIL)


class EncodedBatch(msgspec.Struct, frozen=True, gc=False):
    """One batch, encoded."""

    video_id: str
    body: bytes
    comments: int
    request_id: str

    @property
    def size(self) -> int:
        """Bytes that it takes in a queue and, with a comma, in a message."""
        return len(self.body) + 1


def encode_batch(batch: Batch) -> EncodedBatch | None:
    """The batch, encoded, or None if it could not be sent even alone."""
    body = encode(batch)
    if len(body) > MAX_BATCH_BYTES:
        return None
    return EncodedBatch(batch.video_id, body, len(batch.comments), batch.request_id)


def join_batches(batches: Sequence[EncodedBatch]) -> bytes:
    """A message (`wire.internal.Batches`) with the batches in their order."""
    return b"%s%s%s" % (_HEAD, b",".join([encoded.body for encoded in batches]), _TAIL)
