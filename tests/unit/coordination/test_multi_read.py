from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordination.multi_read import MultiRead, MultiReadError

END = struct.pack("!i?i", -1, True, -1)


def header(kind: int) -> bytes:
    return struct.pack("!i?i", kind, False, 0)


def test_a_request_lists_its_paths_and_its_end() -> None:
    request = MultiRead(("/a", "/bc"), children=True)
    head = struct.pack("!i?i", 8, False, -1)
    body = head + b"\0\0\0\2/a\0" + head + b"\0\0\0\3/bc\0" + END
    assert (request.type, request.serialize()) == (22, body)


def test_children_and_missing_znodes_are_told_apart() -> None:
    reply = header(8) + b"\0\0\0\1\0\0\0\2n1" + header(-1) + struct.pack("!i", -101)
    assert MultiRead.deserialize(reply + header(8) + b"\0\0\0\0" + END, 0) == [["n1"], None, []]


def test_another_error_is_an_error() -> None:
    with pytest.raises(MultiReadError):
        MultiRead.deserialize(header(-1) + struct.pack("!i", -102) + END, 0)


@given(st.binary(max_size=200))
def test_a_reply_that_makes_no_sense_is_an_error_and_ends(reply: bytes) -> None:
    try:
        results = MultiRead.deserialize(reply, 0)
    except MultiReadError:
        return
    assert len(results) <= len(reply)
