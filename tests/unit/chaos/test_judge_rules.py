"""The judge itself (T72): planted faults of what is numbered where rules forbid it (R4 to R6), and
of pins whose comment was removed (R8).
"""

from __future__ import annotations

import pytest

from tests.chaos.history import Event, Trouble
from tests.chaos.judge import judge
from tests.chaos.rule_book import DEFAULTS
from tests.chaos.verdict import LAWS, RULINGS
from tests.unit.chaos.histories import EPOCH, broken
from tests.unit.chaos.removals import lines
from tests.unit.chaos.rulings import BOB, late, slow, stamp, story


def test_a_good_history_with_rulings_holds_and_was_looked_at() -> None:
    verdict = judge(story())
    assert verdict.broken == []
    assert all(verdict.ledger.judged[law] for law in (*LAWS, *RULINGS))


# R4


def test_a_comment_numbered_above_a_ban_is_found() -> None:
    history = story((7.5, "comment", "in spite of it", BOB))
    assert broken(history) == {"R4"}
    assert "is above 5: bob may not write until 9999" in lines(history)
    assert judge(story((7.5, "comment", "of somebody else", ""))).broken == []


def test_a_comment_within_a_timeout_is_found_by_its_time() -> None:
    assert broken(story((22.5, "comment", "too soon", BOB))) == {"R4"}
    # The clocks of writers and what a comment waits are 2 s at most.
    assert judge(story((24.5, "comment", "nearly", BOB))).broken == []


def test_a_comment_that_a_fault_held_up_may_have_an_early_time() -> None:
    history = story((25.5, "comment", "held up", BOB, stamp(21.5)))
    assert broken(history) == {"R4"}
    history.troubles = [Trouble("writer paused", 21.6, 25.0, 1.0)]
    assert judge(history).broken == []


# R5


@pytest.mark.parametrize("author_id", [BOB, ""])
def test_a_comment_numbered_above_a_close_is_found(author_id: str) -> None:
    history = story((4.5, "comment", "still here", author_id))
    assert "R5" in broken(history)
    assert "v1 4 is above 3, which closed it" in lines(history)


def test_a_removed_comment_that_nobody_was_told_of_is_found_too() -> None:
    history = story((4.5, "comment", "still here", ""), (28.5, "remove", "still here"))
    history.posts = [post for post in history.posts if post.text != "still here"]
    assert "R5" in broken(history)


# R6


def test_a_comment_too_early_in_slow_mode_is_found() -> None:
    history = story((13.0, "comment", "at once", ""))
    assert broken(history) == {"R6"}
    assert "slow mode asks for 5 s" in lines(history)
    assert judge(story((13.0, "comment", "of another", BOB))).broken == []


def test_slow_mode_counts_by_the_settings_of_the_moment() -> None:
    slower = story((17.5, "comment", "fast again", ""))
    assert judge(slower).broken == []  # slow mode was off by then
    history = story(slow(12.5, 8), slow(16.8, 5), (15.0, "comment", "other", BOB))
    assert judge(history).broken == []


def test_slow_mode_holds_over_other_settings() -> None:
    history = story((12.6, "rule", *_links(False)), (13.0, "comment", "at once", ""))
    assert broken(history) == {"R6"}


def _links(on: bool) -> tuple[object, ...]:
    (_, _, rule, _, more) = slow(0.0, 0)
    return rule, {"links": on}, more


# R8


def test_a_pin_that_keeps_the_text_of_what_was_removed_is_found() -> None:
    history = story()
    shown = history.watches[0].events[12]
    assert shown.type == "pinned"
    history.stored["v1"][11] = shown.data
    history.watches[2].events[12] = shown
    history.watches[2].streams[0].opened_at = 19.02  # so that only the log is at fault
    assert "R8 v1 1 was removed by 13, and entry 12 of the log has its text" in lines(history)


def test_a_pin_that_is_shown_with_its_text_after_the_removal_is_found() -> None:
    history = story()
    one = late(history, 35.0)
    assert judge(history).broken == []
    one.events[12] = history.watches[0].events[12]
    assert broken(history) == {"R8"}
    assert "was shown the text of 1 as pinned" in lines(history)


def test_a_state_with_the_text_of_a_removed_comment_is_found() -> None:
    history = story()
    one, comment = late(history, 35.0), history.watches[0].events[1].data
    state = {"settings": dict(DEFAULTS), "pinned": None}
    one.times.insert(1, 35.0)
    one.events.insert(1, Event("state", f"{EPOCH}-0", state))
    assert judge(history).broken == []
    one.events[1] = Event("state", f"{EPOCH}-0", state | {"pinned": comment})
    assert broken(history) == {"R8"}


def test_a_state_that_nobody_ever_said_is_found() -> None:
    history = story()
    one = late(history, 35.0)
    one.times.insert(1, 35.0)
    said = {"settings": {**DEFAULTS, "guests": False}, "pinned": {"seq": 9}}
    one.events.insert(1, Event("state", f"{EPOCH}-0", said))
    assert broken(history) == {"P4"}
    assert "nobody has ever said that" in lines(history)
    assert "nobody has ever pinned that" in lines(history)
    one.times.append(35.1)
    one.events.append(one.events[1])
    assert "not at the start of a stream" in lines(history)


def test_a_pin_of_what_is_shown_that_is_a_tombstone_is_found() -> None:
    removal = (19.0, "remove", "first")
    history = story(without=[removal])
    assert judge(history).broken == []
    pinned = history.stored["v1"][11]
    kept = {name: pinned[name] for name in ("id", "video_id", "seq", "created_at")}
    history.stored["v1"][11] = {**kept, "type": "tombstone"}
    assert "R2 v1 12 pinned 1, is a tombstone, and nobody removed that" in lines(history)
    history = story()
    history.stored["v1"][11] |= {"comment": history.watches[0].events[1].data}
    assert "R2 v1 12 is a tombstone that says more" in lines(history)
