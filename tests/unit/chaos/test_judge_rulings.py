"""The judge itself (T72): planted faults of rulings against their entries and of refusals (R7), and
of purges.
"""

from __future__ import annotations

import pytest

from tests.chaos.figures import moderation
from tests.chaos.floor import Floor
from tests.chaos.history import Call, Outcome, Rule, Trouble
from tests.chaos.judge import judge
from tests.unit.chaos.histories import broken, comment
from tests.unit.chaos.removals import lines
from tests.unit.chaos.rulings import BOB, Step, ban, closed, pin, slow, stamp, story

LIFTED_LATE = ban(27.0, None)


@pytest.mark.parametrize(
    ("step", "what"),
    [
        (closed(32.0, True, entry=False), "settings of v1: {'closed': True}"),
        (slow(32.0, 7, entry=False), "settings of v1: {'slow_mode_s': 7}"),
        (ban(32.0, entry=False), f"sanctioned of v1: {{'author_id': '{BOB}', 'until': '9999"),
        (pin(32.0, "slow one", entry=False), "pinned of v1: {'seq': 9}"),
    ],
    ids=["closed", "slow", "ban", "pin"],
)
def test_an_answered_ruling_that_is_not_in_the_log_is_found(step: Step, what: str) -> None:
    history = story(step)
    assert broken(history) == {"R7"}
    assert f"R7 not in the log: {what}" in lines(history)


@pytest.mark.parametrize(
    "step", [closed(5.5, False, call=False), ban(8.5, None, call=False), pin(20.5, "", call=False)]
)
def test_an_entry_of_a_ruling_that_comes_twice_is_found(step: Step) -> None:
    history = story(step)
    assert broken(history) == {"R7"}
    assert "says nothing new" in lines(history)


@pytest.mark.parametrize("step", [closed(32.0, True, call=False), ban(32.0, call=False)])
def test_an_entry_that_nobody_asked_for_is_found(step: Step) -> None:
    history = story(step)
    assert "R7" in broken(history)
    assert "was not asked for" in lines(history)


def test_the_same_ruling_again_needs_no_entry() -> None:
    history = story()
    for ruling in history.rulings:
        ruling.calls.append(ruling.calls[-1])
    assert judge(history).broken == []


def test_a_call_without_an_answer_may_be_carried_out_later_but_once() -> None:
    """The ban was lost, sent again and answered, and lifted; then the lost one was carried out."""
    again, lifted = ban(8.4, call=False), ban(8.6, None)
    lost: list[Step] = [ban(6.0, lost=5.8), again, lifted]
    history = story(*lost, without=[ban(6.0)])
    history.troubles = [Trouble("writer paused", 5.7, 8.5, 0.5)]
    assert judge(history).broken == []
    twice = story(*lost, ban(8.7, call=False), ban(8.8, None), without=[ban(6.0)])
    twice.troubles = history.troubles
    assert broken(twice) == {"R7"}
    assert broken(story(again, lifted)) == {"R7"}


def test_a_ruling_that_was_never_answered_may_be_there_or_not() -> None:
    for entry in (True, False):
        history = story(closed(32.0, True, entry=entry))
        history.rulings[-1].calls = [Call(31.9, 33.0)]
        history.troubles = [Trouble("writer killed", 31.8, 33.1, 1.0)]
        assert judge(history).broken == []


def test_an_untrue_answer_is_found() -> None:
    for rule, said in (
        (Rule.SETTINGS, {"closed": False}),
        (Rule.SANCTION, {"at": stamp(1.0)}),
        (Rule.PIN, {"seq": 3}),
    ):
        history = story()
        call = next(one for one in history.rulings if one.rule is rule).calls[0]
        assert call.answer is not None
        call.answer = call.answer | said
        assert "R7 an untrue 200" in lines(history)


def test_a_refused_moderator_is_found_but_not_where_a_timeout_was_over() -> None:
    history = story()
    history.rulings[0].calls.insert(
        0, Call(2.9, 2.95, 4.0, Outcome.REFUSED, 403, None, "forbidden")
    )
    assert broken(history) == {"P8"}
    history = story()
    timeout = next(one for one in history.rulings if one.said.get("until") == stamp(25.0))
    timeout.calls.append(Call(25.1, 25.2, 4.0, Outcome.REFUSED, 422))
    assert judge(history).broken == []


@pytest.mark.parametrize(
    ("at", "author_id", "status", "code"),
    [
        (2.5, "", 403, "closed"),
        (5.5, "", 403, "closed"),
        (5.5, BOB, 403, "banned"),
        (8.5, BOB, 403, "banned"),
        (7.0, "", 403, "banned"),
        (22.0, BOB, 403, "banned"),
        (27.5, BOB, 429, "timed_out"),
        (7.0, BOB, 429, "timed_out"),
        (9.5, "", 429, "slow_mode"),
        (17.5, "", 429, "slow_mode"),
    ],
)
def test_a_refusal_without_a_ruling_is_found(
    at: float, author_id: str, status: int, code: str
) -> None:
    history = story((at, "refusal", "why", author_id, status, code))
    assert broken(history) == {"R7"}
    assert f"was refused as {code} at" in lines(history)


def test_a_timeout_is_over_by_itself() -> None:
    history = story((26.9, "refusal", "why", BOB, 429, "timed_out"), without=[LIFTED_LATE])
    assert judge(history).broken == []
    history = story((27.5, "refusal", "why", BOB, 429, "timed_out"), without=[LIFTED_LATE])
    assert broken(history) == {"R7"}


def test_a_key_that_is_refused_after_it_was_stored_is_found() -> None:
    history = story()
    again = Call(3.9, 4.0, 4.0, Outcome.REFUSED, 403, None, "closed")
    history.posts[0].calls.append(again)
    assert broken(history) == {"P3"}


def test_a_post_that_was_refused_and_is_stored_is_found() -> None:
    history = story((4.5, "comment", "in spite of it", ""))
    post = next(one for one in history.posts if one.text == "in spite of it")
    post.calls = [Call(4.4, 4.5, 4.0, Outcome.REFUSED, 403, None, "closed")]
    assert "P5" in broken(history)


# Purges


def test_a_purge_that_misses_one_is_found() -> None:
    history = story((28.1, "purge", 1), without=[(28.1, "purge")])
    assert broken(history) == {"R1"}
    assert "v1 16 has 0 notices that it was removed, and 1 to 1 were asked for" in lines(history)


def test_a_purge_that_takes_what_others_wrote_is_found() -> None:
    history = story()
    history.stored["v1"][18]["targets"].append(9)
    assert "R1 v1: nobody asked for notice 19" in lines(history)


def test_a_purge_that_leaves_a_text_in_the_log_is_found() -> None:
    history = story()
    text = history.watches[0].events[2]
    history.stored["v1"][1] = text.data
    assert "R2 v1 2 is a comment, its notices are [19], the newest says removed" in lines(history)


def test_a_late_backfill_that_brings_back_what_was_purged_is_found() -> None:
    history = story()
    history.watches[2].events[2] = history.watches[0].events[2]
    assert broken(history) == {"R3"}
    assert "though it was removed by 19" in lines(history)


def test_a_retry_of_what_was_purged_is_gone_also_if_nobody_was_told_its_number() -> None:
    history = story()
    post = next(one for one in history.posts if one.text == "of bob, late")
    lost = Call(25.95, 26.0, 0.05, Outcome.UNKNOWN)
    post.calls = [lost, Call(29.0, 29.1, 4.0, Outcome.REFUSED, 410, None, "removed")]
    assert broken(history) == set()
    post.calls = [lost, Call(26.5, 26.6, 4.0, Outcome.REFUSED, 410, None, "removed")]
    assert broken(history) == {"P8"}
    assert "refused a valid comment: 410" in lines(history)


def test_a_purge_that_was_not_answered_may_be_half_done() -> None:
    history = story(without=[(28.1, "purge")])
    assert "R1" in broken(history)
    purge = next(one for one in history.rulings if one.said.get("purge"))
    purge.calls = [Call(27.99, 29.0)]
    history.troubles = [Trouble("writer killed", 27.9, 29.1, 0.5)]
    assert judge(history).broken == []


# The load


def test_a_run_whose_rulings_were_not_looked_at_is_void() -> None:
    history = story()
    history.rulings.clear()
    history.stored["v1"] = [comment(1)]
    assert "R4 was not judged" in judge(history, Floor()).void


def test_the_figures_tell_of_rulings_and_refusals() -> None:
    told = moderation(story())
    assert "rulings: 2 of 2 pinned, 6 of 6 sanctioned, 4 of 4 settings (1 purges), by 12" in told
    assert "refused: 1 banned, 1 closed, 1 slow_mode, 1 timed_out" in told
