"""A comment's public JSON under another epoch."""

from __future__ import annotations

import msgspec

from wire.comment import Comment, NewComment, encode_comment
from writer.cassandra.store import restamp

OLD, NEW = "a" * 12, "0123456789bc"
AT = "2030-01-01T00:00:00.000Z"


def stored(epoch: str, text: str = "hi") -> bytes:
    return encode_comment(epoch, "v1", 7, NewComment("ann", text), AT)


def test_only_the_id_changes() -> None:
    raw = restamp(stored(OLD), NEW.encode())
    assert raw == stored(NEW)
    assert msgspec.json.decode(raw, type=Comment).id == f"{NEW}-7"


def test_a_text_that_looks_like_an_id_stays_as_it_is() -> None:
    text = f'{{"id":"{OLD}-7"'
    assert msgspec.json.decode(restamp(stored(OLD, text), NEW.encode()), type=Comment).text == text


def test_what_is_right_is_the_same_object() -> None:
    raw = stored(NEW)
    assert restamp(raw, NEW.encode()) is raw
