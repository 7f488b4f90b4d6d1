from __future__ import annotations

from pubsub.connection import FIRST_PAUSE_S, LONGEST_PAUSE_S, BackOff


def test_pauses_grow_to_a_cap_and_begin_anew() -> None:
    back_off = BackOff()
    pauses = [back_off.next_s() for _ in range(50)]
    assert FIRST_PAUSE_S / 2 <= pauses[0] <= FIRST_PAUSE_S
    assert all(LONGEST_PAUSE_S / 2 <= pause <= LONGEST_PAUSE_S for pause in pauses[10:])
    assert len(set(pauses[10:])) > 1  # with chance in them
    back_off.reset()
    assert back_off.next_s() <= FIRST_PAUSE_S
