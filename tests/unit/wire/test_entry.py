"""Entries as bytes: their kind, what they say, their epoch."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.comment import Comment, NewComment, encode_comment
from wire.entry import (
    COMMENT,
    TOMBSTONE,
    Removed,
    RemovedBy,
    Restored,
    decode_notice,
    encode_removed,
    encode_restored,
    encode_tombstone,
    entry_type,
    is_comment,
    restamp,
)

OLD, NEW = "a" * 12, "0123456789bc"
AT = "2030-01-01T00:00:00.000Z"
texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=50)
video_ids = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)
seqs = st.integers(1, 10**15 - 1)


def comment(epoch: str = OLD, text: str = "hi", seq: int = 7) -> bytes:
    return encode_comment(epoch, "v1", seq, NewComment("ann", text), AT)


@given(video_ids, seqs, texts, texts)
def test_no_comment_passes_for_another_entry(
    video_id: str, seq: int, author: str, text: str
) -> None:
    for words in ((author, text), ('","type":"removed"', '"type":"removed"'), ("type", "type")):
        raw = encode_comment(OLD, video_id, seq, NewComment(*words), AT)
        assert entry_type(raw) == COMMENT
        assert is_comment(raw)
        assert decode_notice(raw) is None


@given(video_ids, seqs, st.lists(seqs, min_size=1, max_size=9), st.none() | texts)
def test_a_removal_says_what_and_by_whom(
    video_id: str, seq: int, targets: list[int], reason: str | None
) -> None:
    removed = Removed(tuple(targets), RemovedBy.AUTHOR, reason)
    raw = encode_removed(OLD, video_id, seq, removed, AT)
    assert entry_type(raw) == "removed"
    assert decode_notice(raw) == removed
    shown = json.loads(raw)
    assert list(shown)[:4] == ["id", "type", "video_id", "seq"]
    assert (shown["id"], shown["seq"], shown["created_at"]) == (f"{OLD}-{seq}", seq, AT)
    assert ("reason" in shown) == (reason is not None)
    assert not {b"\n", b"\r", "\u2028".encode(), "\u2029".encode()} & {
        raw[i : i + n] for n in (1, 3) for i in range(len(raw))
    }


@given(texts, seqs)
def test_a_restored_comment_travels_whole(text: str, seq: int) -> None:
    raw = encode_restored(OLD, "v1", seq, comment(text=text), AT)
    assert entry_type(raw) == "restored"
    assert decode_notice(raw) == Restored(msgspec.Raw(comment(text=text)))


def test_a_tombstone_keeps_numbers_and_no_word() -> None:
    raw = encode_tombstone(comment(text="secret"))
    assert entry_type(raw) == TOMBSTONE
    assert not is_comment(raw)
    assert decode_notice(raw) is None
    assert json.loads(raw) == {
        "id": f"{OLD}-7",
        "type": "tombstone",
        "video_id": "v1",
        "seq": 7,
        "created_at": AT,
    }


@pytest.mark.parametrize(
    "raw",
    [
        b'{"id":"aaaaaaaaaaaa-1","type":"removed"}',
        b'{"id":"aaaaaaaaaaaa-1","type":"removed","targets":[0],"by":"author"}',
        b'{"id":"aaaaaaaaaaaa-1","type":"removed","targets":["x"],"by":"author"}',
        b'{"id":"aaaaaaaaaaaa-1","type":"removed","targets":[1],"by":"nobody"}',
        b'{"id":"aaaaaaaaaaaa-1","type":"removed",',
        b'{"id":"aaaaaaaaaaaa-1","type":"of_tomorrow","targets":[1]}',
    ],
)
def test_what_cannot_be_understood_is_no_notice(raw: bytes) -> None:
    assert decode_notice(raw) is None


def test_an_entry_of_an_unknown_type_keeps_its_name() -> None:
    assert entry_type(b'{"id":"aaaaaaaaaaaa-1","type":"of_tomorrow","x":1}') == "of_tomorrow"


@pytest.mark.parametrize(
    "raw", [b"", b"{}", b'{"id":"aaaaaaaaaaaa-1","type":"x\\n"}', b'{"id":"aaaaaaaaaaaa-1","type":']
)
def test_what_is_no_entry_counts_as_a_comment(raw: bytes) -> None:
    assert entry_type(raw) == COMMENT


def test_only_the_id_is_restamped() -> None:
    raw = restamp(comment(), NEW.encode())
    assert raw == comment(NEW)
    assert msgspec.json.decode(raw, type=Comment).id == f"{NEW}-7"


def test_a_text_that_looks_like_an_id_stays() -> None:
    for text in (f'{{"id":"{OLD}-1"', f'"comment":{{"id":"{OLD}-1"'):
        raw = restamp(comment(text=text), NEW.encode())
        assert msgspec.json.decode(raw, type=Comment).text == text
        restored = encode_restored(OLD, "v1", 9, comment(text=text), AT)
        wanted = encode_restored(NEW, "v1", 9, comment(NEW, text=text), AT)
        assert restamp(restored, NEW.encode()) == wanted


def test_a_comment_of_this_epoch_is_not_touched() -> None:
    raw = comment(NEW)
    assert restamp(raw, NEW.encode()) is raw
