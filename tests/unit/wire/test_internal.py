from __future__ import annotations

import contextlib
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.errors import BadRequest
from wire.internal import (
    MAX_BATCH,
    Batch,
    Batches,
    HeadsReply,
    HeadsRequest,
    RangeReply,
    decode,
    decode_batches,
    decode_heads,
    decode_range,
    encode,
)
from wire.link import Ack

EPOCH = "abcdefghijkl"
KINDS = [Batches, Ack, HeadsRequest, HeadsReply, RangeReply]


def batch_json(**changes: object) -> bytes:
    one = {"video_id": "v", "epoch": EPOCH, "first_seq": 1, "comments": [{"seq": 1}]} | changes
    return json.dumps({"batches": [one]}).encode()


def test_comments_travel_as_the_very_bytes_that_were_encoded() -> None:
    raws = tuple(msgspec.Raw(raw) for raw in (b'{"a" :  1}', '"é😀"'.encode(), b'"\\u00e9"'))
    sent = Batch("v", EPOCH, 5, raws, accepted_at=1.5, request_id="r")
    (got,) = decode_batches(encode(Batches((sent,))))
    assert [bytes(raw) for raw in got.comments] == [bytes(raw) for raw in raws]
    assert (got.first_seq, got.last_seq, got.accepted_at, got.request_id) == (5, 7, 1.5, "r")


def test_what_only_serves_figures_may_be_missing() -> None:
    (got,) = decode_batches(batch_json())
    assert (got.accepted_at, got.request_id) == (0.0, "")


def test_fields_of_a_newer_version_are_skipped() -> None:
    (got,) = decode_batches(batch_json(colour="blue"))
    assert got.video_id == "v"


@pytest.mark.parametrize(
    "changes",
    [
        {"video_id": ""}, {"video_id": "a/b"}, {"video_id": "../x"}, {"video_id": "x" * 65},
        {"video_id": 7}, {"video_id": None}, {"video_id": "v\n"},
        {"epoch": ""}, {"epoch": "ABCDEFGHIJKL"}, {"epoch": EPOCH + "m"}, {"epoch": EPOCH + "\n"},
        {"first_seq": 0}, {"first_seq": -1}, {"first_seq": "1"}, {"first_seq": 1.5},
        {"first_seq": 10**400}, {"first_seq": None}, {"first_seq": True}, {"first_seq": 10**15},
        {"comments": []}, {"comments": "x"}, {"comments": None}, {"comments": {}},
        {"comments": [1] * (MAX_BATCH + 1)},
        {"accepted_at": "now"}, {"accepted_at": None}, {"request_id": 7},
    ],
)  # fmt: skip
def test_an_impossible_batch_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(BadRequest):
        decode_batches(batch_json(**changes))


@pytest.mark.parametrize("gap", [b"\n", b"\r", b"\r\n"])
def test_a_line_end_inside_a_raw_comment_is_refused(gap: bytes) -> None:
    body = b'{"batches":[{"video_id":"v","epoch":"%s","first_seq":1,"comments":[{"a":%s1}]}]}'
    with pytest.raises(BadRequest):
        decode_batches(body % (EPOCH.encode(), gap))


def test_one_bad_batch_spoils_the_message() -> None:
    good = json.loads(batch_json())["batches"][0]
    with pytest.raises(BadRequest):
        decode_batches(json.dumps({"batches": [good, good | {"first_seq": 0}]}).encode())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "body",
    [
        b"", b" ", b"null", b"[]", b"7", b'"x"', b"{", b"\xff", b"\xef\xbb\xbf{}", b"{}{}",
        b"NaN", b"[" * 100_000, b'{"batches":' + b"[" * 100_000, b"<html>", b"{'a':1}",
        '{"heads":{}}'.encode("utf-16"), b'{"not_serving":"v","epoch":1,"videos":1}',
        b'{"batches":[{"video_id":"v","epoch":"\xed\xa0\x80"}],"videos":["\xff"],"epoch":"\xff",'
        b'"not_serving":["\xff"]}',
    ],
)  # fmt: skip
def test_what_is_no_message_is_a_bad_request(kind: type[msgspec.Struct], body: bytes) -> None:
    with pytest.raises(BadRequest) as refused:
        decode(body, kind)
    assert kind.__name__ in refused.value.detail
    assert len(refused.value.detail) < 500


@given(st.binary(max_size=300))
def test_any_bytes_are_batches_or_a_bad_request(body: bytes) -> None:
    with contextlib.suppress(BadRequest):
        decode_batches(body)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=5))
def test_replies_are_read_as_they_were_written(videos: list[str]) -> None:
    assert decode(encode(Ack(3, (2,), tuple(videos))), Ack) == Ack(3, (2,), tuple(videos))
    heads = HeadsReply(EPOCH, dict.fromkeys(videos, 7))
    assert decode(encode(heads), HeadsReply) == heads


def test_an_acknowledgement_of_a_number_means_that_all_was_read_and_is_served() -> None:
    assert decode(b'{"taken":3}', Ack) == Ack(3, (), ())


@pytest.mark.parametrize("number", [-1, 10**15, 10**30, 1.5, "1", None])
def test_a_reply_with_an_impossible_number_is_refused(number: object) -> None:
    reply = {"epoch": EPOCH, "oldest": 1, "head": 1, "first_seq": 1, "comments": [1]}
    assert decode(json.dumps(reply).encode(), RangeReply).head == 1
    for name in ("oldest", "head", "first_seq"):
        with pytest.raises(BadRequest):
            decode(json.dumps(reply | {name: number}).encode(), RangeReply)
    with pytest.raises(BadRequest):
        decode(json.dumps({"epoch": EPOCH, "heads": {"v": number}}).encode(), HeadsReply)


@pytest.mark.parametrize("epoch", ["", "short", "UPPERCASE000", "testepoch001\n", "a\ndata: x\n\n"])
def test_a_reply_with_an_impossible_epoch_is_refused(epoch: str) -> None:
    heads, oldest = HeadsReply(EPOCH, {"v": 1}), RangeReply(EPOCH, 1, 0, 1, ())
    assert decode_heads(encode(heads)) == heads
    assert decode_range(encode(oldest)) == oldest
    with pytest.raises(BadRequest):
        decode_heads(encode(HeadsReply(epoch, {"v": 1})))
    with pytest.raises(BadRequest):
        decode_range(encode(RangeReply(epoch, 1, 0, 1, ())))
