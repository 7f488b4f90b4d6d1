from __future__ import annotations

from service.back_off import FIRST_S, LONGEST_S, BackOff


def test_pauses_grow_to_a_cap_and_begin_anew() -> None:
    back_off = BackOff()
    pauses = [back_off.next_s() for _ in range(50)]
    assert FIRST_S / 2 <= pauses[0] <= FIRST_S
    assert all(LONGEST_S / 2 <= pause <= LONGEST_S for pause in pauses[10:])
    assert len(set(pauses[10:])) > 1  # with chance in them
    assert back_off.failures == 50
    back_off.reset()
    assert back_off.next_s() <= FIRST_S
