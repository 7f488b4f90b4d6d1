"""What is published: batches as they also travel in a dispatch and a forward (`wire.internal`).

A message is bounded when it is made, and checked when it is read: whoever reaches Redis can publish
anything.
"""

from __future__ import annotations

from collections.abc import Iterable

from wire.errors import BadRequest
from wire.internal import MAX_INTERNAL_BYTES, Batch, Batches, decode_batches, encode

MAX_MESSAGE_BYTES = MAX_INTERNAL_BYTES


def encode_message(batches: Iterable[Batch]) -> bytes:
    """One message with these batches."""
    return encode(Batches(tuple(batches)))


def decode_message(data: object) -> tuple[Batch, ...] | None:
    """The batches in a message, or None if it is junk."""
    if not isinstance(data, bytes) or len(data) > MAX_MESSAGE_BYTES:
        return None
    try:
        return decode_batches(data)
    except BadRequest:
        return None
