"""The judge itself (T72): planted faults of notices, and of what is stored, are found (R1, R2)."""

from __future__ import annotations

from tests.chaos.figures import moderation
from tests.chaos.floor import Floor
from tests.chaos.history import Call, Deed, History, Outcome, Trouble
from tests.chaos.judge import judge
from tests.chaos.verdict import LAWS
from tests.unit.chaos.histories import broken, comment, sound
from tests.unit.chaos.removals import (
    append,
    decision,
    lines,
    moderated,
    removed,
    replace,
    tombstone,
)


def test_a_good_history_with_removals_holds_and_was_looked_at() -> None:
    verdict = judge(moderated())
    assert verdict.broken == []
    assert all(verdict.ledger.judged[law] for law in LAWS)
    assert verdict.text().count(" held ") == 11


# (a) Each removal has one notice, each notice a call


def test_an_answered_removal_that_left_nothing_is_found() -> None:
    history = moderated()
    history.decisions.append(decision(Deed.REMOVE, 9.0, removed(9, 5), 5))
    assert "R1 v1 5 has 0 notices that it was removed, and 1 to 1 were asked for" in lines(history)
    assert "R1 an untrue 200: v1 (5,) to be removed was told" in lines(history)


def test_a_notice_that_comes_twice_is_found() -> None:
    history = moderated()
    history.watches.pop()
    append(history, 9.0, removed(9, 2))
    assert broken(history) == {"R1"}
    assert "v1 2 has notices out of turn: ['6 removed', '9 removed']" in lines(history)
    assert "v1 2 has 2 notices that it was removed, and 1 to 1 were asked for" in lines(history)


def test_a_notice_that_nobody_asked_for_is_found() -> None:
    history = moderated()
    history.watches.pop()
    history.stored["v1"][4] = tombstone(5)
    append(history, 9.0, removed(9, 5))
    assert "R1 v1: nobody asked for notice 9" in lines(history)
    assert broken(history) >= {"R1", "P5"}


def test_a_notice_that_takes_more_than_was_asked_for_is_found() -> None:
    history = moderated()
    wrong = removed(6, 2, 5)
    history.stored["v1"][5] = wrong
    for watch in history.watches:
        replace(history, watch, 6, wrong)
    assert "R1 v1: nobody asked for notice 6" in lines(history)
    assert "R2 v1 5 is a comment, its notices are [6], the newest says removed" in lines(history)


def test_a_notice_of_a_notice_is_found() -> None:
    history = moderated()
    history.watches.pop()
    append(history, 9.0, removed(9, 6))
    history.decisions.append(decision(Deed.REMOVE, 9.0, removed(9, 6), 6))
    assert "R1 v1: notice 9 is not of comment 6" in lines(history)


def test_two_calls_for_one_removal_may_be_told_the_same_notice() -> None:
    history = moderated()
    history.decisions[0].calls.insert(0, Call(5.9, 5.95, 0.01))
    history.decisions[0].calls.append(Call(9.0, 9.1, 4.0, Outcome.ACKED, 200, removed(6, 2)))
    assert judge(history).broken == []
    history.decisions[0].calls[-1].answer = removed(9, 2)
    assert "R1 an untrue 200: v1 (2,) to be removed was told" in lines(history)


def test_a_moderator_that_was_refused_or_not_answered_is_found() -> None:
    history = moderated()
    history.decisions[0].calls.insert(0, Call(5.5, 5.6, 4.0, Outcome.REFUSED, 403))
    assert broken(history) == {"P8"}
    assert "refused a moderator with 403: v1 (2,) to be removed" in lines(history)
    history.decisions[0].calls[0].status = 429
    assert judge(history).broken == []
    history.decisions[0].calls[0] = Call(5.5, 5.6, 4.0, Outcome.UNKNOWN, 503)
    assert "no answer though nothing was wrong: (2,) of v1 to be removed" in lines(history)
    history.troubles = [Trouble("writer killed", 5.4, 5.5, 1.0)]
    assert judge(history).broken == []


def test_a_notice_numbered_against_the_order_of_time_is_found() -> None:
    """Comment 5 was posted long after notice 7 had been told."""
    history = moderated()
    late = Call(9.0, 9.1, 4.0, Outcome.ACKED, 201, comment(5))
    history.posts[4].calls = [late]
    told = "key key-5 got 5, though it was sent after key removal of (3, 4) had been told 7"
    assert f"P2 v1: {told}" in lines(history)


# (b) What is stored agrees with the newest notice


def half_removed() -> History:
    """Comment 5 is a tombstone, and nothing says so."""
    history = moderated()
    history.watches.pop()
    history.stored["v1"][4] = tombstone(5)
    return history


def test_a_tombstone_without_a_notice_is_found() -> None:
    history = half_removed()
    assert broken(history) == {"P1", "R2"}
    assert "R2 v1 5 is a tombstone, its notices are [], the newest says restored" in lines(history)


def test_a_half_removal_is_explained_by_a_call_that_was_never_answered() -> None:
    history = half_removed()
    history.troubles = [Trouble("writer killed", 8.5, 10.0, 1.0)]
    history.decisions.append(decision(Deed.REMOVE, 9.0, None, 5))
    assert judge(history).broken == []
    history.decisions[-1].calls.append(Call(9.2, 9.3, 4.0, Outcome.ACKED, 200, removed(9, 5)))
    assert broken(history) >= {"R1", "R2"}


def test_a_notice_without_a_tombstone_is_found_answered_or_not() -> None:
    history = moderated()
    history.watches.pop()
    history.stored["v1"][1] = comment(2)
    assert broken(history) == {"R2"}
    assert "v1 2 is a comment, its notices are [6], the newest says removed" in lines(history)
    history.decisions[0] = decision(Deed.REMOVE, 6.0, None, 2)
    history.troubles = [Trouble("writer killed", 5.5, 7.0, 1.0)]
    assert broken(history) == {"R2"}


def test_a_half_restoration_is_found_unless_its_call_was_never_answered() -> None:
    history = moderated()
    history.stored["v1"][3] = comment(4)
    history.watches.pop()
    assert broken(history) == {"R2"}
    history.decisions.append(decision(Deed.RESTORE, 9.0, None, 4))
    history.troubles = [Trouble("writer killed", 8.5, 10.0, 1.0)]
    assert judge(history).broken == []


def test_a_tombstone_with_text_is_found_in_the_log_and_on_screens() -> None:
    history = moderated()
    loud = {**tombstone(2), "text": "text 2"}
    history.stored["v1"][1] = loud
    replace(history, history.watches[2], 2, loud)
    assert broken(history) == {"R2", "R3"}
    assert "R2 v1 2 is a tombstone that says more" in lines(history)
    assert "R3 viewer 1 got a tombstone that says more" in lines(history)


def test_a_tombstone_of_another_time_is_found() -> None:
    history = moderated()
    other = {**tombstone(2), "created_at": "2027-01-01T00:00:00.000Z"}
    history.stored["v1"][1] = other
    assert broken(history) >= {"P1", "P5"}


def test_a_lost_comment_is_not_explained_by_the_removal_of_another() -> None:
    history = moderated()
    history.stored["v1"][4] = comment(5, "another")
    assert broken(history) >= {"P1", "P5"}


def test_a_moderator_that_did_nothing_makes_the_run_void() -> None:
    history = moderated()
    assert "only 3 decisions of the moderator were answered" in judge(history, Floor()).void
    history.moderated = False
    assert not [why for why in judge(history, Floor()).void if "moderator" in why]


def test_a_report_says_what_the_moderator_did_or_that_there_was_none() -> None:
    history = moderated()
    history.decisions.append(decision(Deed.REMOVE, 9.0, None, 5))
    told = "a moderator: 2 of 3 removed, 1 of 1 restored, by 4 calls"
    assert moderation(history) == told
    assert moderation(sound()) == "no moderator"
