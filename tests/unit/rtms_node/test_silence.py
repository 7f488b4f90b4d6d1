from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from hypothesis import given
from hypothesis import strategies as st

from rtms_node.room import Room
from rtms_node.silence import Silence

HEARTBEAT_S = 3.0
BEAT_S = 0.5


@dataclass(eq=False)
class QuietRoom:
    """What Silence knows of a room."""

    sent_at: float = 0.0
    closed: bool = False


def add(silence: Silence, room: QuietRoom) -> None:
    silence.add(cast(Room, room))


def count(silence: Silence, now: float) -> int:
    return len(silence.take(now))


def test_a_silent_room_is_found_after_the_interval_and_again_after_the_next() -> None:
    silence, room = Silence(HEARTBEAT_S), QuietRoom()
    add(silence, room)
    assert count(silence, 2.9) == 0
    assert count(silence, 3.1) == 1
    assert room.sent_at == 3.1
    assert count(silence, 6.0) == 0
    assert count(silence, 6.6) == 1


def test_a_room_that_sends_is_not_found() -> None:
    silence, room = Silence(HEARTBEAT_S), QuietRoom()
    add(silence, room)
    for half_seconds in range(40):
        room.sent_at = half_seconds / 2 - 2.0
        assert count(silence, half_seconds / 2) == 0


def test_a_closed_room_is_forgotten() -> None:
    silence, room = Silence(HEARTBEAT_S), QuietRoom()
    add(silence, room)
    room.closed = True
    assert count(silence, 10.0) == 0
    room.closed = False
    assert count(silence, 20.0) == 0


@given(
    st.lists(st.lists(st.floats(0.0, BEAT_S), max_size=2), min_size=20, max_size=60),
    st.floats(0.0, BEAT_S),
)
def test_no_room_is_silent_for_much_longer_than_the_interval(
    sends: list[list[float]], phase: float
) -> None:
    silence, room = Silence(HEARTBEAT_S), QuietRoom(phase)
    add(silence, room)
    now, shown_at = phase, phase  # what a viewer sees: comments and heartbeats
    for sent_after in sends:
        for after_s in sorted(sent_after):
            room.sent_at = shown_at = now + after_s
        now += BEAT_S
        if silence.take(now):
            assert now - shown_at >= HEARTBEAT_S
            shown_at = now
        assert now - shown_at < HEARTBEAT_S + BEAT_S
