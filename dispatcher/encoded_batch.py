"""Who gets a batch, and what is sent. Decides; does no I/O.

Invariants:
- a batch goes to the nodes that its route names and that are members, each once, and to nobody
  else;
- an empty route means that nobody watches: nothing is sent, and nothing is wrong;
- a registration of an id that is no member (it has just died, or comes in a moment) is counted
  and passed over: the node's anti-entropy check heals it;
- a batch is encoded once, and all the nodes' queues share those bytes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from wire.internal import MAX_INTERNAL_BYTES, Batch, encode
from wire.roles import Peer

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


@dataclass(frozen=True, slots=True)
class Decision:
    """The nodes that a batch is sent to, and how many registered ids are no members."""

    peers: tuple[Peer, ...]
    unknown: int


def encode_batch(batch: Batch) -> EncodedBatch | None:
    """The batch, encoded, or None if it could not be sent even alone."""
    body = encode(batch)
    if len(body) > MAX_BATCH_BYTES:
        return None
    return EncodedBatch(batch.video_id, body, len(batch.comments), batch.request_id)


def decide(route: Collection[str], members: Mapping[str, Peer]) -> Decision:
    """Where a batch goes whose video has this route."""
    peers = tuple(members[node_id] for node_id in route if node_id in members)
    return Decision(peers, len(route) - len(peers))


def encode_forward(batches: Sequence[EncodedBatch]) -> bytes:
    """The body of a forward: the batches in their order."""
    return b"%s%s%s" % (_HEAD, b",".join(encoded.body for encoded in batches), _TAIL)
