"""The judge itself (T72): what screens may show of removals and of what was removed (R3)."""

from __future__ import annotations

import pytest

from tests.chaos.history import Call, Deed, Event, History, Outcome, Stream, Trouble
from tests.chaos.judge import judge
from tests.unit.chaos.histories import broken, comment, hello, screen
from tests.unit.chaos.removals import (
    append,
    decision,
    event,
    forget,
    latecomer,
    lines,
    moderated,
    removed,
    replace,
    tombstone,
)


def test_a_late_backfill_that_brings_the_text_back_is_found() -> None:
    """The node had shown the notice; a range that was read before it came after it."""
    history = moderated()
    late = screen((9.0, hello(0, 8)))
    late.streams = [Stream(8.9, "node-1")]
    history.watches[2] = late
    for told in history.stored["v1"]:
        late.add(9.0, event(told))
    assert judge(history).broken == []
    replace(history, late, 2, comment(2))
    assert broken(history) == {"R3"}
    assert "was shown the text of 2 as comment" in lines(history)
    assert "though it was removed by 6: node-1 had shown that 2.900 s before" in lines(history)


def test_what_was_on_its_way_already_may_still_be_shown() -> None:
    history = moderated()
    late = latecomer(history, 6.9)
    late.events[0], late.times[-2], late.times[-1] = hello(0, 6), 7.1, 8.1
    history.watches[2] = late
    replace(history, late, 2, comment(2))
    replace(history, late, 4, comment(4))
    assert judge(history).broken == []
    late.streams[0].node = "node-2"  # which had shown nothing yet
    late.times[2:7] = late.times[2:3] * 5
    assert judge(history).broken == []


def test_a_stream_opened_long_after_the_answer_shows_no_text_on_any_node() -> None:
    history = moderated()
    late = history.watches[2]
    late.streams[0].node = "node-2"  # which never had anybody before
    replace(history, late, 2, comment(2))
    assert broken(history) == {"R3"}
    assert "the stream was opened 23.900 s after the answer" in lines(history)
    history.troubles = [Trouble("node cut off", 5.0, 24.0, 3.0)]
    late.streams[0].opened_at = 26.0
    assert judge(history).broken == []


def test_the_text_of_what_was_restored_may_be_shown_until_it_is_removed_again() -> None:
    history = moderated()
    assert event(comment(3)) in history.watches[2].events
    append(history, 9.0, removed(9, 3))
    history.decisions.append(decision(Deed.REMOVE, 9.0, removed(9, 3), 3))
    history.stored["v1"][2] = tombstone(3)
    history.watches[2] = latecomer(history, 30.0)
    assert broken(history) == {"R3"}
    assert "v1 3 was removed by 9, and entry 8 of the log has its text" in lines(history)
    assert "shown the text of 3 as restored" in lines(history)


def removed_again() -> History:
    """Comment 3, which 8 restored, is removed again at 9 s: the restoration is a tombstone too."""
    history = moderated()
    append(history, 9.0, removed(9, 3))
    history.decisions.append(decision(Deed.REMOVE, 9.0, removed(9, 3), 3))
    stored = history.stored["v1"]
    stored[2], stored[7] = tombstone(3), tombstone(8)
    history.watches[2] = latecomer(history, 30.0)
    return history


def test_what_was_restored_and_removed_again_holds() -> None:
    history = removed_again()
    assert judge(history).broken == []
    for watch in history.watches[:2]:  # nobody has seen the restoration: it is known by its place
        forget(watch, 8)
        watch.add(9.05, event(tombstone(8)))
        watch.events[-2:] = watch.events[:-3:-1]
    assert judge(history).broken == []


def test_a_restoration_that_nobody_saw_is_of_the_comment_around_it() -> None:
    """Comment 2 is removed, restored and removed again between what happens to 3."""
    history = moderated()
    for at, deed, notice, told in (
        (9.0, Deed.RESTORE, tombstone(9), comment(2)),
        (9.3, Deed.REMOVE, removed(10, 2), removed(10, 2)),
        (9.6, Deed.REMOVE, removed(11, 3), removed(11, 3)),
    ):
        append(history, at, notice)
        history.decisions.append(decision(deed, at, told, told.get("targets", [told["seq"]])[0]))
    stored = history.stored["v1"]
    stored[2], stored[7] = tombstone(3), tombstone(8)
    history.watches[2] = latecomer(history, 30.0)
    assert judge(history).broken == []


def test_a_withdrawn_restoration_that_says_more_is_found() -> None:
    history = removed_again()
    history.stored["v1"][7] = tombstone(8) | {"comment": comment(3)}
    assert "R2" in broken(history)


def test_a_withdrawn_restoration_of_what_is_shown_is_found() -> None:
    history = moderated()
    history.stored["v1"][7] = tombstone(8)
    history.watches[2] = latecomer(history, 30.0)
    assert "8 restored 3, is a tombstone, and nobody removed that" in lines(history)


def test_a_key_that_gives_the_text_after_the_removal_is_found() -> None:
    history = moderated()
    again = Call(9.0, 9.1, 4.0, Outcome.ACKED, 200, comment(2))
    history.posts[1].calls.append(again)
    assert broken(history) == {"R3"}
    assert "key key-2 of v1 was told the text of 2 again, 2.900 s after" in lines(history)
    history.posts[1].calls[-1] = Call(9.0, 9.1, 4.0, Outcome.REFUSED, 410)
    assert judge(history).broken == []
    history.posts[0].calls.append(Call(9.0, 9.1, 4.0, Outcome.REFUSED, 410))
    assert broken(history) == {"P3"}


@pytest.mark.parametrize("seq", [6, 8], ids=["removal", "restoration"])
def test_a_notice_that_one_viewer_never_sees_is_found(seq: int) -> None:
    history = moderated()
    forget(history.watches[1], seq)
    assert broken(history) == {"P4"}


def test_a_notice_that_says_something_else_to_one_viewer_is_found() -> None:
    history = moderated()
    replace(history, history.watches[1], 6, removed(6, 5))
    assert broken(history) == {"P5", "P7"}


def test_a_tombstone_before_anybody_asked_is_found() -> None:
    history = moderated()
    replace(history, history.watches[0], 2, tombstone(2))
    assert broken(history) == {"P5"}


def test_another_text_before_the_removal_is_found() -> None:
    history = moderated()
    replace(history, history.watches[1], 2, comment(2, "text 5"))
    assert broken(history) == {"P5", "P7"}


def test_a_notice_before_its_call_is_found() -> None:
    history = moderated()
    history.watches[0].times[6] = 5.9
    assert broken(history) == {"P5"}


def test_a_notice_that_comes_late_is_found() -> None:
    history = moderated()
    for index in (6, 7, 8):
        history.watches[0].times[index] = 20.0
    assert broken(history) == {"P8"}


def test_a_hello_that_counts_a_notice_nobody_had_asked_for_is_found() -> None:
    history = moderated()
    early = latecomer(history, 30.0)
    early.events[0], early.times[0], early.streams = hello(0, 6), 5.5, [Stream(5.4, "node-1")]
    history.watches[2] = early
    assert "only 5 had been sent before hello" in lines(history)


def test_an_event_that_is_no_entry_of_the_log_is_found() -> None:
    history = moderated()
    history.watches[0].events[6] = Event("whisper", history.watches[0].events[6].id, removed(6, 2))
    assert "P4" in broken(history)
