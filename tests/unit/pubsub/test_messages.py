from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pubsub.messages import MAX_MESSAGE_BYTES, decode_message
from wire.internal import Batches, encode
from wire.testing import MemoryComments


def test_batches_come_out_as_they_went_in() -> None:
    store = MemoryComments()
    batches = (store.post("v1", 3), store.post("v2"))
    assert decode_message(encode(Batches(tuple(batches)))) == batches


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        b"[]",
        b"{}",
        b'{"batches": 1}',
        b'{"batches": [{"video_id": "../x", "epoch": "testepoch001", "first_seq": 1,'
        b' "comments": [{}]}]}',
        b'{"batches": [{"video_id": "v", "epoch": "testepoch001", "first_seq": 0,'
        b' "comments": [{}]}]}',
        b'{"batches": [{"video_id": "v", "epoch": "testepoch001", "first_seq": 1,'
        b' "comments": []}]}',
        b'{"batches": [{"video_id": "v", "epoch": "testepoch001", "first_seq": 1,'
        b' "comments": [{"a":\n1}]}]}',
        b'{"batches": ' + b"[" * 100_000,
        b"\xff\xfe",
        b" " * (MAX_MESSAGE_BYTES + 1),
        7,
        None,
        ["message"],
    ],
)
def test_what_is_no_message_is_junk(data: object) -> None:
    assert decode_message(data) is None


@given(st.binary())
def test_any_bytes_are_junk_or_batches(data: bytes) -> None:
    decode_message(data)
