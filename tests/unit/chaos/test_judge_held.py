"""The judge itself (T72): planted faults of filters and of decisions on held comments (R9, R10)."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest

from tests.chaos.figures import moderation
from tests.chaos.floor import Floor
from tests.chaos.history import Call, Choice, Event, History, Outcome, Post, Trouble
from tests.chaos.judge import judge
from tests.chaos.verdict import SCREENING
from tests.unit.chaos.histories import broken
from tests.unit.chaos.removals import lines
from tests.unit.chaos.rulings import Step, stamp, story

FILTERS: Step = (31.0, "filters")
SCREENED: tuple[Step, ...] = (
    FILTERS,
    (32.0, "blocked", "bad"),
    (33.0, "held", "approved", {"max": True, "rita": True}),
    (34.0, "held", "contested", {"rita": True, "max": False}),
    (35.0, "held", "denied", {"max": False, "rita": True}),
    (36.0, "held", "left", {}),
)


def screened() -> History:
    return story(*SCREENED)


def post_of(history: History, text: str) -> Post:
    (post,) = [post for post in history.posts if post.text == text]
    return post


def choices_of(history: History, text: str) -> list[Choice]:
    """The one that counts first."""
    return [choice for choice in history.choices if choice.key == f"key of {text}"]


def store(history: History, text: str) -> None:
    """It is numbered after all, and every viewer sees it."""
    stored = history.stored["v1"]
    seq = len(stored) + 1
    entry = stored[-1] | {"id": stored[-1]["id"].rpartition("-")[0] + f"-{seq}", "seq": seq}
    entry |= {"text": text, "author": "ann", "created_at": stamp(38.0)}
    stored.append(entry)
    for watch in history.watches:
        watch.add(40.5, Event("comment", entry["id"], entry))


def test_what_filters_and_moderators_do_is_whole() -> None:
    history = screened()
    verdict = judge(history)
    assert verdict.broken == []
    assert all(verdict.ledger.judged[law] for law in SCREENING)
    assert "of 4 held 2 approved, 1 denied" in moderation(history)


def test_without_held_comments_a_screened_run_is_void() -> None:
    void = judge(story(FILTERS), Floor()).void
    assert "only 0 held comments were decided" in void
    assert {f"{law} was not judged" for law in SCREENING} <= set(void)


@pytest.mark.parametrize("text", ["left", "bad"])
def test_a_comment_that_nobody_let_pass_is_found(text: str) -> None:
    history = screened()
    store(history, text)
    assert "R9" in broken(history)
    assert ("nobody approved" if text == "left" else "blocked and stored") in lines(history)


def test_a_comment_that_is_denied_and_stored_is_found() -> None:
    history = screened()
    store(history, "denied")
    assert broken(history) == {"R10"}
    assert "denied and stored" in lines(history)


def test_a_comment_that_is_posted_twice_is_found() -> None:
    history = screened()
    store(history, "approved")
    assert "P3" in broken(history)


def test_an_approved_comment_that_is_not_stored_is_found() -> None:
    """Its writer died before it was posted, and nobody completed it."""
    history = story(*SCREENED[:-1])
    history.stored["v1"].pop()
    for watch in history.watches:
        watch.events.pop(), watch.times.pop()
    assert "R10" in broken(history)


def _both_count(history: History) -> None:
    first, second = choices_of(history, "contested")
    second.calls = copy.deepcopy(first.calls)


def _none_counts(history: History) -> None:
    first, second = choices_of(history, "denied")
    first.calls = copy.deepcopy(second.calls)


def _alone_and_refused(history: History) -> None:
    first, second = choices_of(history, "denied")
    history.choices.remove(first)
    assert second.calls[0].code == "decided"


def _forbidden(history: History) -> None:
    choices_of(history, "approved")[1].calls[0].code = "forbidden"


def _told_the_other(history: History) -> None:
    call = choices_of(history, "denied")[0].calls[0]
    call.answer = {"id": "h_denied", "state": "approved"}


@pytest.mark.parametrize(
    ("plant", "line"),
    [
        (_both_count, "both counted"),
        (_none_counts, "nobody decided"),
        (_alone_and_refused, "was refused as decided"),
        (_forbidden, "was refused as forbidden"),
        (_told_the_other, "was told"),
    ],
)
def test_a_decision_that_is_not_as_it_was_told_is_found(
    plant: Callable[[History], None], line: str
) -> None:
    history = screened()
    plant(history)
    assert "R10" in broken(history)
    assert line in lines(history)


def _not_held(history: History) -> None:
    post_of(history, "left").calls = [Call(35.9, 36.0, 4.0, Outcome.REFUSED, 403, None, "closed")]


def _blocked_by_nobody(history: History) -> None:
    call = Call(37.0, 37.1, 4.0, Outcome.REFUSED, 422, None, "blocked")
    post_of(history, "approved").calls.append(call)


def _held_twice(history: History) -> None:
    call = Call(37.0, 37.1, 4.0, Outcome.HELD, 202, {"held": "h_other"})
    post_of(history, "left").calls.append(call)


def _created(history: History) -> None:
    post_of(history, "approved").calls[-1].status = 201


@pytest.mark.parametrize("plant", [_not_held, _blocked_by_nobody, _held_twice, _created])
def test_an_author_who_is_told_something_else_is_found(plant: Callable[[History], None]) -> None:
    history = screened()
    plant(history)
    assert "R9" in broken(history)


def test_a_decision_that_was_lost_may_count() -> None:
    """Then it was carried out, and the other one is refused; or it was not."""
    history = screened()
    history.troubles.append(Trouble("a writer is gone", 33.0, 33.5, 1.0))
    first, second = choices_of(history, "approved")
    first.calls = [Call(33.1, 33.2)]
    assert judge(history).broken == []
    first.calls, second.calls = second.calls, first.calls
    assert judge(history).broken == []


def test_filters_are_one_entry() -> None:
    history = story((31.0, "filters", 2), *SCREENED[1:])
    assert broken(history) == {"R7"}
    assert "says nothing new" in lines(history)
    history = story((31.0, "filters", 0), *SCREENED[1:])
    assert broken(history) == {"R7"}
    assert "not in the log" in lines(history)
