"""The judge itself: each planted fault is found, and by its name."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.history import History, Outcome, Post, Seen, Watch
from tests.e2e.judge import judge, late_deliveries


def comment(seq: int, text: str = "") -> dict[str, Any]:
    return {"id": f"testepoch001-{seq}", "seq": seq, "text": text or f"text {seq}"}


def sound(count: int = 5) -> History:
    """A history in which every promise held, seen by two viewers."""
    stored = [comment(seq) for seq in range(1, count + 1)]
    history = History(stored={"v1": stored})
    for told in stored:
        post = Post("v1", f"key-{told['seq']}", told["text"], 1.0, 2.0, Outcome.ACKED, [told])
        history.posts.append(post)
    for _ in range(2):
        events = [Seen(0.5, "hello", "testepoch001-0", {})]
        events += [Seen(2.1, "comment", told["id"], told) for told in stored]
        history.watches.append(Watch("v1", events))
    return history


def broken(history: History) -> set[str]:
    return {line.split()[0] for line in judge(history)}


def test_a_sound_history_passes() -> None:
    assert judge(sound()) == []


def test_a_lost_comment_is_found() -> None:
    history = sound()
    del history.watches[0].events[3]
    assert broken(history) == {"P4"}


def test_the_loss_of_the_last_comment_is_found() -> None:
    history = sound()
    del history.watches[0].events[-1]
    assert broken(history) == {"P4"}


def test_a_repeat_is_found() -> None:
    history = sound()
    history.watches[0].events.insert(3, history.watches[0].events[2])
    assert broken(history) == {"P4"}


def test_a_swap_is_found() -> None:
    events = (history := sound()).watches[0].events
    events[2], events[3] = events[3], events[2]
    assert broken(history) == {"P4"}


def test_a_comment_that_is_not_stored_is_found() -> None:
    history = sound()
    history.watches[0].events[2] = Seen(2.1, "comment", "testepoch001-2", comment(2, "other"))
    assert broken(history) == {"P5"}


def test_a_stored_comment_that_nobody_posted_is_found() -> None:
    history = sound()
    del history.posts[2]
    assert broken(history) == {"P5"}


def test_a_refused_post_that_was_stored_is_found() -> None:
    history = sound()
    history.posts[2].outcome = Outcome.REFUSED
    assert "P5" in broken(history)


def test_an_untrue_ack_is_found() -> None:
    history = sound()
    history.posts.append(Post("v1", "k", "gone", 1, 2, Outcome.ACKED, [comment(6, "gone")]))
    assert broken(history) == {"P1"}


def test_a_hole_in_the_numbers_is_found() -> None:
    history = sound()
    del history.stored["v1"][2]
    assert "P2" in broken(history)


def test_a_key_with_two_numbers_is_found() -> None:
    history = sound()
    history.posts[0].replies.append(comment(2))
    assert "P3" in broken(history)


def test_a_comment_stored_twice_is_found() -> None:
    history = sound()
    history.stored["v1"].append(comment(6, "text 5"))
    assert "P3" in broken(history)


def test_an_unknown_outcome_may_be_stored_or_not() -> None:
    history = sound()
    history.posts[4].outcome, history.posts[4].replies = Outcome.UNKNOWN, []
    history.posts.append(Post("v1", "k", "never stored", 1, 2))
    assert judge(history) == []


@pytest.mark.parametrize("name", ["reset", "hello", "gap"])
def test_false_events_are_found(name: str) -> None:
    history = sound()
    event = Seen(2.1, name, "testepoch001-0", {"from": 1, "to": 2, "reason": "limit"})
    history.watches[0].events.insert(4, event)
    assert "P4" in broken(history)


def test_an_honest_gap_is_no_fault() -> None:
    history = sound()
    gap = Seen(2.1, "gap", "testepoch001-2", {"from": 1, "to": 2, "reason": "limit"})
    history.watches[0].events[1:3] = [gap]
    assert judge(history) == []


def test_an_event_source_that_gave_up_is_found() -> None:
    history = sound()
    history.watches[0].fatal = "HTTP/1.1 500"
    assert broken(history) == {"P4"}


def test_late_deliveries_are_found() -> None:
    history = sound()
    late = history.watches[1].events[-1]
    history.watches[1].events[-1] = Seen(9.0, late.type, late.id, late.data)
    assert len(late_deliveries(history, since=1.5, within_s=5.0)) == 1
    assert late_deliveries(history, since=1.5, within_s=8.0) == []
