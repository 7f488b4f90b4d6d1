from __future__ import annotations

from service.cluster_map.answer import State
from service.cluster_map.peers import Identity
from service.cluster_map.rates import MAX_APART_S, Rates, Reading
from wire.roles import Role

NODE = Identity(Role.NODE, "node-1")


def reading(at: float, deliveries: int, up_s: float = 1000.0) -> dict[Identity, Reading]:
    state = State(Role.NODE, "node-1", True, up_s=up_s, totals={"deliveries": deliveries})
    return {NODE: Reading(at, state)}


def test_a_rate_is_what_came_between_two_readings() -> None:
    rates = Rates()
    assert rates.add(reading(10, 100)) == {NODE: {}}
    assert rates.add(reading(12, 150)) == {NODE: {"deliveries": 25.0}}
    assert rates.add(reading(14, 150)) == {NODE: {"deliveries": 0.0}}


def test_a_process_that_was_started_again_has_none_until_it_was_asked_twice() -> None:
    rates = Rates()
    rates.add(reading(10, 100))
    assert rates.add(reading(12, 5, up_s=0.5)) == {NODE: {}}
    assert rates.add(reading(14, 9, up_s=2.5)) == {NODE: {"deliveries": 2.0}}
    assert rates.add(reading(16, 3000, up_s=0.2)) == {NODE: {}}, "it counted further than before"


def test_old_readings_say_nothing_about_now() -> None:
    rates = Rates()
    rates.add(reading(10, 100))
    assert rates.add(reading(10 + MAX_APART_S + 1, 500)) == {NODE: {}}


def test_a_process_that_did_not_answer_is_forgotten() -> None:
    rates = Rates()
    rates.add(reading(10, 100))
    assert rates.add({}) == {}
    assert rates.add(reading(12, 150)) == {NODE: {}}


def test_a_counter_that_is_new_has_no_rate_yet() -> None:
    rates = Rates()
    rates.add({NODE: Reading(1, State(Role.NODE, "node-1", True, up_s=9))})
    assert rates.add(reading(2, 7)) == {NODE: {}}
