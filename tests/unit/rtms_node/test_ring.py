from __future__ import annotations

import sys
from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from rtms_node.ring import FrameMemory, Ring

EPOCH = "testepoch001"


def ring_of(head: int, count: int, max_frames: int = 4096) -> Ring:
    ring = Ring(max_frames)
    ring.restart(EPOCH, head - count)
    for seq in range(head - count + 1, head + 1):
        ring.append(b"<%d>" % seq)
    return ring


def in_memory(seqs: Iterable[int]) -> int:
    """Bytes that the frames of `ring_of` with these numbers take, each with its place in a list."""
    return sum(sys.getsizeof(b"<%d>" % seq) + 8 for seq in seqs)


def test_an_empty_ring_knows_its_head() -> None:
    ring = Ring(10)
    ring.restart(EPOCH, 7)
    assert (ring.first, ring.head, len(ring)) == (8, 7, 0)
    assert ring.holds_after(7)
    assert not ring.holds_after(6)


def test_a_new_ring_has_no_epoch_until_it_is_started() -> None:
    ring = Ring(10)
    assert (ring.started, ring.head, len(ring)) == (False, 0, 0)
    ring.restart(EPOCH, 7)
    assert (ring.started, ring.epoch) == (True, EPOCH)


def test_a_restart_drops_all_frames_and_goes_on_from_the_new_head() -> None:
    ring = ring_of(5, 3)
    ring.restart("otherepoch00", 1)
    assert (ring.epoch, ring.first, ring.head) == ("otherepoch00", 2, 1)
    assert (len(ring), ring.size_bytes) == (0, 0)
    ring.append(b"<2>")
    assert ring.payload_after(1, 1000) == (b"<2>", 2)


def test_a_payload_is_everything_after_the_cursor() -> None:
    assert ring_of(5, 3).payload_after(2, 1000) == (b"<3><4><5>", 5)
    assert ring_of(5, 3).payload_after(4, 1000) == (b"<5>", 5)


def test_a_payload_stops_at_the_byte_bound_but_has_at_least_one_frame() -> None:
    ring = ring_of(5, 3)
    assert ring.payload_after(2, 6) == (b"<3><4>", 4)
    assert ring.payload_after(2, 1) == (b"<3>", 3)


def test_prepend_moves_the_start_back() -> None:
    ring = ring_of(5, 2)
    ring.prepend([b"<2>", b"<3>"])
    assert ring.first == 2
    assert ring.payload_after(1, 1000) == (b"<2><3><4><5>", 5)
    assert ring.size_bytes == in_memory(range(2, 6))


def test_a_full_ring_forgets_its_oldest_frames() -> None:
    ring = ring_of(2000, 2000, max_frames=100)
    assert 100 <= len(ring) < 100 + 256
    assert ring.head == 2000
    assert ring.payload_after(ring.first - 1, 10**6)[1] == 2000


@given(
    st.integers(0, 50),
    st.lists(st.one_of(st.just("append"), st.integers(0, 9)), max_size=60),
    st.integers(1, 40),
)
def test_what_is_held_is_always_the_numbers_from_first_to_head(
    head: int, steps: list[str | int], max_bytes: int
) -> None:
    ring = Ring(8)
    ring.restart(EPOCH, head)
    for step in steps:
        if step == "append":
            ring.append(b"<%d>" % (ring.head + 1))
        elif isinstance(step, int) and step % 2:
            ring.trim(min(step, len(ring)))
        elif isinstance(step, int):
            start = max(ring.first - step, 1)
            ring.prepend([b"<%d>" % seq for seq in range(start, ring.first)])
    held = b"".join(b"<%d>" % seq for seq in range(ring.first, ring.head + 1))
    assert ring.size_bytes == in_memory(range(ring.first, ring.head + 1))
    got, cursor = b"", ring.first - 1
    while cursor < ring.head:
        part, cursor = ring.payload_after(cursor, max_bytes)
        got += part
    assert got == held


def test_rings_count_the_memory_that_they_share() -> None:
    memory = FrameMemory()
    rings = [Ring(4, memory), Ring(4, memory)]
    for ring in rings:
        ring.restart(EPOCH, 3)
        for seq in range(4, 310):
            ring.append(b"<%d>" % seq)
    rings[0].trim(2)
    assert memory.size_bytes == sum(ring.size_bytes for ring in rings) > 0
    rings[0].restart(EPOCH, 3)
    rings[0].prepend([b"<2>", b"<3>"])
    assert memory.size_bytes == sum(ring.size_bytes for ring in rings)
    for ring in rings:
        ring.trim(len(ring))
    assert memory.size_bytes == 0
