from __future__ import annotations

import pytest

from rtms_node.resume import Start, choose_start, needs_fresh_head
from wire.sse import ResetReason

EPOCH = "testepoch001"


@pytest.mark.parametrize(
    ("cursor", "start"),
    [
        (None, Start(80)),
        ("", Start(80)),
        (f"{EPOCH}-0", Start(0)),
        (f"{EPOCH}-100", Start(100)),
        (f"{EPOCH}-101", Start(80, ResetReason.AHEAD)),
        ("otherepoch00-5", Start(80, ResetReason.EPOCH)),
        (f"{EPOCH}-05", Start(80, ResetReason.MALFORMED)),
        (f"{EPOCH}--1", Start(80, ResetReason.MALFORMED)),
        (f"{EPOCH}-1e9", Start(80, ResetReason.MALFORMED)),
        ("-1", Start(80, ResetReason.MALFORMED)),
        ("%00", Start(80, ResetReason.MALFORMED)),
        ("x" * 10_000, Start(80, ResetReason.MALFORMED)),
    ],
)
def test_start(cursor: str | None, start: Start) -> None:
    assert choose_start(cursor, 20, EPOCH, 100) == start


def test_a_short_history_is_replayed_whole() -> None:
    assert choose_start(None, 20, EPOCH, 5) == Start(0)


def test_only_cursors_beyond_our_knowledge_need_the_store() -> None:
    assert needs_fresh_head(f"{EPOCH}-101", EPOCH, 100)
    assert needs_fresh_head("otherepoch00-1", EPOCH, 100)
    assert not needs_fresh_head(f"{EPOCH}-100", EPOCH, 100)
    assert not needs_fresh_head("rubbish", EPOCH, 100)
    assert not needs_fresh_head(None, EPOCH, 100)
