"""A batch as it travels to nodes: encoded once, so that the queues of all nodes share its bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wire.internal import MAX_INTERNAL_BYTES, Batch, encode

_HEAD, _TAIL = b'{"batches":[', b"]}"
MAX_BATCH_BYTES = MAX_INTERNAL_BYTES - len(_HEAD) - len(_TAIL)


@dataclass(frozen=True, slots=True)
class EncodedBatch:
    """One batch, encoded, on its way to nodes."""

    video_id: str
    body: bytes
    comments: int
    request_id: str

    @property
    def size(self) -> int:
        """Bytes that it takes in a queue and, with a comma, in a request."""
        return len(self.body) + 1


def encode_batch(batch: Batch) -> EncodedBatch | None:
    """The batch, encoded, or None if it could not be sent even alone."""
    body = encode(batch)
    if len(body) > MAX_BATCH_BYTES:
        return None
    return EncodedBatch(batch.video_id, body, len(batch.comments), batch.request_id)


def encode_forward(batches: Sequence[EncodedBatch]) -> bytes:
    """The body of a forward: the batches in their order."""
    return b"%s%s%s" % (_HEAD, b",".join(encoded.body for encoded in batches), _TAIL)
