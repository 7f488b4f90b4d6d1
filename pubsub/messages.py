"""What is published: batches as they also travel over links (`wire.encoded_batch` joins them).

A message is checked when it is read: whoever reaches Redis can publish anything.
"""

from __future__ import annotations

from wire.errors import BadRequest
from wire.internal import MAX_INTERNAL_BYTES, Batch, decode_batches

MAX_MESSAGE_BYTES = MAX_INTERNAL_BYTES


def decode_message(data: object) -> tuple[Batch, ...] | None:
    """The batches in a message, or None if it is junk."""
    if not isinstance(data, bytes) or len(data) > MAX_MESSAGE_BYTES:
        return None
    try:
        return decode_batches(data)
    except BadRequest:
        return None
