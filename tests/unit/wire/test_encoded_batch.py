from __future__ import annotations

import msgspec

from tests.unit.dispatcher.encoded import EPOCH, batch, encoded
from wire.encoded_batch import MAX_BATCH_BYTES, encode_batch, join_batches
from wire.internal import MAX_INTERNAL_BYTES, Batch, decode_batches


def test_a_message_carries_the_batches_as_the_writer_sent_them() -> None:
    batches = (batch(1, "v"), batch(7, "w", comments=3), batch(2, "v"))
    body = join_batches([made for one in batches if (made := encode_batch(one)) is not None])
    assert decode_batches(body) == batches


def test_the_bytes_of_a_comment_are_not_touched() -> None:
    raw = msgspec.Raw('{"text": "é😀",  "seq" :1 }'.encode())
    made = encode_batch(Batch("v", EPOCH, 1, (raw,)))
    assert made is not None
    assert bytes(raw) in made.body


def test_a_batch_that_no_message_could_carry_is_refused() -> None:
    overhead = len(encoded(size=0).body)
    largest = encode_batch(batch(size=MAX_BATCH_BYTES - overhead))
    assert largest is not None
    assert len(join_batches([largest])) == MAX_INTERNAL_BYTES
    assert encode_batch(batch(size=MAX_BATCH_BYTES - overhead + 1)) is None
