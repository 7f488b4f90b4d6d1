"""Lines out of the pieces in which the engine brings them."""

from __future__ import annotations

from cluster.docker.logs import started_at, whole_lines


def test_lines_are_put_together_from_pieces() -> None:
    pieces = iter([b"one\ntw", b"o\n", b"three\nfo", b"ur"])
    assert list(whole_lines(pieces)) == ["one", "two", "three"]


def test_a_start_is_read_to_the_microsecond() -> None:
    seen = {"State": {"StartedAt": "2026-11-24T04:27:43.807123456Z"}}
    assert started_at(seen) == 1795494463.807123
    seen = {"State": {"StartedAt": "2026-11-24T04:27:43Z"}}
    assert started_at(seen) == 1795494463
