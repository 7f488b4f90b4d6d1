from __future__ import annotations

from service.cluster_map.answer import State
from service.cluster_map.peers import Identity, OpsPeer
from service.cluster_map.roster import FORGET_AFTER_S, MAX_PEERS, Roster, Target
from wire.roles import Role

ALL = OpsPeer("ops", 8003)  # a name that stands for all that run
NODE_1 = OpsPeer("node-1", 8003, Identity(Role.NODE, "node-1"))
HERE, THERE = Target("10.0.0.1", 8003), Target("10.0.0.2", 8003)


def state(name: str = "node-1", *, draining: bool = False) -> State:
    return State(Role.NODE, name, True, draining=draining)


def test_a_name_may_stand_for_several_and_an_address_is_asked_once() -> None:
    roster = Roster()
    targets = roster.targets({ALL: ["10.0.0.1", "10.0.0.2"], NODE_1: ["10.0.0.1"]}, 0)
    assert targets == {HERE: (ALL, NODE_1), THERE: (ALL,)}


def test_so_many_are_asked_and_the_others_are_counted() -> None:
    roster = Roster()
    targets = roster.targets({ALL: [f"10.0.{n // 200}.{n % 200}" for n in range(300)]}, 0)
    assert (len(targets), roster.left_out) == (MAX_PEERS, 300 - MAX_PEERS)
    roster.targets({ALL: ["10.0.0.1"]}, 1)
    assert roster.left_out == 0


def test_who_died_is_missed_for_a_while_although_the_name_forgot_it() -> None:
    roster = Roster()
    roster.targets({ALL: ["10.0.0.1", "10.0.0.2"]}, 0)
    roster.answered(HERE, state(), 0)
    assert set(roster.targets({ALL: ["10.0.0.2"]}, FORGET_AFTER_S)) == {THERE, HERE}
    assert roster.who(HERE) == Identity(Role.NODE, "node-1")
    assert set(roster.targets({ALL: ["10.0.0.2"]}, FORGET_AFTER_S + 1)) == {THERE}
    assert roster.who(HERE) is None


def test_who_left_in_order_is_not_missed() -> None:
    roster = Roster()
    roster.targets({ALL: ["10.0.0.1"]}, 0)
    roster.answered(HERE, state(draining=True), 0)
    assert roster.targets({ALL: []}, 1) == {}


def test_who_is_listed_no_more_is_not_missed() -> None:
    roster = Roster()
    roster.targets({ALL: ["10.0.0.1"]}, 0)
    roster.answered(HERE, state(), 0)
    assert roster.targets({}, 1) == {}


def test_who_came_back_at_another_address_is_not_missed_at_the_old_one() -> None:
    roster = Roster()
    roster.targets({ALL: ["10.0.0.1"]}, 0)
    roster.answered(HERE, state(), 0)
    roster.targets({ALL: ["10.0.0.2"]}, 1)
    roster.answered(THERE, state(), 1)
    assert set(roster.targets({ALL: ["10.0.0.2"]}, 2)) == {THERE}


def test_an_entry_says_who_should_be_there_and_an_answer_who_is() -> None:
    roster = Roster()
    roster.targets({NODE_1: ["10.0.0.1"]}, 0)
    assert roster.who(HERE) == NODE_1.identity
    roster.answered(HERE, state("node-7"), 0)
    assert roster.who(HERE) == Identity(Role.NODE, "node-7")


def test_a_name_that_stands_for_nothing_is_known_by_who_was_there() -> None:
    roster, plain = Roster(), OpsPeer("node-2", 8003)
    roster.targets({plain: ["10.0.0.1"], ALL: ["10.0.0.1", "10.0.0.2"]}, 0)
    roster.answered(HERE, state("node-2"), 0)
    roster.answered(THERE, state("node-3"), 0)
    assert roster.who_was_at(plain) == Identity(Role.NODE, "node-2")
    assert roster.who_was_at(ALL) is None, "several were"
    assert roster.who_was_at(NODE_1) == NODE_1.identity
