"""Batches for tests, encoded and not."""

from __future__ import annotations

import msgspec

from wire.encoded_batch import EncodedBatch, encode_batch
from wire.internal import Batch
from wire.roles import Peer, Role

EPOCH = "abcdefghijkl"


def batch(seq: int = 1, video_id: str = "v", *, size: int = 10, comments: int = 1) -> Batch:
    raw = msgspec.Raw(b'"%s"' % (b"x" * size))
    return Batch(video_id, EPOCH, seq, (raw,) * comments, request_id=f"request-{seq}")


def encoded(
    seq: int = 1, video_id: str = "v", *, size: int = 10, comments: int = 1
) -> EncodedBatch:
    made = encode_batch(batch(seq, video_id, size=size, comments=comments))
    assert made is not None
    return made


def node(node_id: str, port: int = 1) -> Peer:
    return Peer(Role.NODE, node_id, "127.0.0.1", port)
