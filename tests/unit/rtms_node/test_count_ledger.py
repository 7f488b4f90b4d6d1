"""What one writer has been told. Times are given, in seconds."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count

from rtms_node.count_ledger import (
    ALIVE_S,
    EVERY_S,
    FORGOTTEN_S,
    IDLE_S,
    MUTE_S,
    RETRY_S,
    SHARE_S,
    Ledger,
)
from wire.counts import MAX_COUNTS, CountsReply

BOOT = "000000000000001-00000000"
TAKEN = CountsReply("table", 7)


class Counts(dict[str, int]):
    """The viewers of a node, by video."""

    def watched(self) -> Iterable[str]:
        return list(self)

    def is_empty(self) -> bool:
        return not any(self.values())

    def count(self, video_id: str) -> int:
        return self.get(video_id, 0)

    def peak(self, video_id: str) -> int:
        return 10 * self.count(video_id)


def answer(ledger: Ledger, reply: CountsReply | None, now: float) -> None:
    """To the report that is under way."""
    assert ledger._under_way is not None
    ledger.answered(ledger._under_way, reply, now)


def fail(ledger: Ledger, now: float) -> None:
    """The report that is under way."""
    assert ledger._under_way is not None
    ledger.failed(ledger._under_way, now)


def told(here: Counts) -> Ledger:
    """One that has told all there is, at 0."""
    ledger = Ledger(BOOT, count(1), 0.0)
    ledger.take(0.0, here)
    answer(ledger, TAKEN, 0.0)
    return ledger


def test_the_first_report_tells_everything_and_what_is_known_of_peaks() -> None:
    report = Ledger(BOOT, count(1), 0.0).take(0.0, Counts(v=2, w=1))
    assert (report.base, report.counts) == (0, {"v": 2, "w": 1})
    assert report.peaks == {"v": 20, "w": 10}


def test_the_next_one_tells_what_changed() -> None:
    here = Counts(v=2, w=1)
    ledger = told(here)
    here["v"] = 3
    ledger.changed(["v"])
    report = ledger.take(2.0, here)
    assert (report.base, report.counts, report.peaks) == (1, {"v": 3}, {})
    assert (report.table, report.seen) == ("table", 7)


def test_changes_are_told_every_two_seconds_and_life_a_little_later() -> None:
    ledger = told(Counts(v=2))
    assert not ledger.is_due(EVERY_S, watched=True)
    assert ledger.is_due(ALIVE_S, watched=True)
    assert not ledger.is_due(ALIVE_S, watched=False)
    ledger.changed(["v"])
    assert not ledger.is_due(EVERY_S - 0.1, watched=True)
    assert ledger.is_due(EVERY_S, watched=False)


def test_in_a_hurry_changes_are_told_sooner_and_life_is_not() -> None:
    ledger = told(Counts(v=2))
    assert not ledger.is_due(ALIVE_S - 0.1, watched=True, every_s=0.1)
    ledger.changed(["v"])
    assert ledger.is_due(0.1, watched=True, every_s=0.1)


def test_a_head_read_takes_changes_along_and_after_a_second_a_sign_of_life() -> None:
    ledger = told(Counts(v=2))
    assert not ledger.may_share(SHARE_S - 0.1)
    assert ledger.may_share(SHARE_S)
    ledger.changed(["v"])
    assert ledger.may_share(0.1)
    ledger.take(0.1, Counts(v=1))
    assert not ledger.may_share(9.0)  # one is under way
    assert not ledger.is_due(9.0, watched=True)


def test_what_was_not_answered_is_told_again_with_what_changed_meanwhile() -> None:
    here = Counts(v=2, w=1)
    ledger = told(here)
    ledger.changed(["v"])
    lost = ledger.take(2.0, here)
    here |= {"v": 5, "w": 0}
    ledger.changed(["w"])
    fail(ledger, 2.5)
    assert not ledger.is_due(2.5 + RETRY_S - 0.1, watched=True)
    report = ledger.take(2.5 + RETRY_S, here)
    assert (report.base, report.counts) == (lost.base, {"v": 5, "w": 0})
    assert report.number > lost.number


def test_after_a_while_without_an_answer_everything_is_told_again() -> None:
    here = Counts(v=2)
    ledger = told(here)
    report = ledger.take(FORGOTTEN_S, here)
    assert (report.base, report.counts) == (0, {"v": 2})


def test_a_writer_that_has_forgotten_is_told_everything_at_once() -> None:
    here = Counts(v=2, w=1)
    ledger = told(here)
    ledger.changed(["v"])
    ledger.take(2.0, here)
    answer(ledger, CountsReply("other", again=True), 2.0)
    assert ledger.is_due(2.0, watched=True)
    report = ledger.take(2.0, here)
    assert (report.base, report.counts) == (0, {"v": 2, "w": 1})


def test_many_videos_are_told_in_parts_without_a_wait() -> None:
    here = Counts({f"v{number}": 1 for number in range(MAX_COUNTS + 1)})
    ledger = Ledger(BOOT, count(1), 0.0)
    first = ledger.take(0.0, here)
    here["v0"] = 2  # during the call
    ledger.changed(["v0"])
    answer(ledger, TAKEN, 0.0)
    assert ledger.is_due(EVERY_S, watched=True)
    second = ledger.take(0.0, here)
    assert (len(first.counts), second.base) == (MAX_COUNTS, first.number)
    assert (set(second.counts), second.counts["v0"]) == ({f"v{MAX_COUNTS}", "v0"}, 2)
    assert second.peaks
    answer(ledger, CountsReply("table", 7, more=True), 0.0)
    assert ledger.is_due(0.0, watched=True)
    assert not ledger.open


def test_a_writer_that_does_not_count_is_asked_again_much_later() -> None:
    here = Counts(v=2)
    ledger = Ledger(BOOT, count(1), 0.0)
    ledger.take(0.0, here)
    answer(ledger, None, 0.0)
    ledger.changed(["v"])
    assert not ledger.open
    assert not ledger.is_due(MUTE_S - 1, watched=True)
    assert not ledger.may_share(MUTE_S - 1)
    assert ledger.is_due(MUTE_S, watched=True)
    assert ledger.take(MUTE_S, here).base == 0


def test_a_node_that_nobody_watches_any_more_says_so_and_then_that_it_is_there() -> None:
    here = Counts(v=1)
    ledger = told(here)
    here["v"] = 0
    ledger.changed(["v"])
    assert ledger.open
    assert ledger.take(2.0, here).counts == {"v": 0}
    answer(ledger, TAKEN, 2.0)
    assert not ledger.open
    assert not ledger.is_due(1.9 + IDLE_S, watched=False)
    assert ledger.is_due(2.0 + IDLE_S, watched=False)
    del here["v"]
    report = ledger.take(2.0 + IDLE_S, here)
    assert (report.base, report.counts) == (0, {})
    answer(ledger, TAKEN, 6.0)
    assert not ledger.open


def test_after_nobody_a_viewer_is_told_in_one_report() -> None:
    """A writer keeps nothing of a node that nobody watches, so there is no base."""
    here = Counts()
    ledger = told(here)
    here["v"] = 1
    ledger.changed(["v"])
    assert ledger.is_due(EVERY_S, watched=True)
    report = ledger.take(EVERY_S, here)
    assert (report.base, report.counts) == (0, {"v": 1})


def test_a_writer_that_is_away_is_not_told_for_ever_that_nobody_watches() -> None:
    here = Counts(v=1)
    ledger = told(here)
    del here["v"]
    ledger.changed(["v"])
    ledger.take(FORGOTTEN_S, here)
    fail(ledger, FORGOTTEN_S + 1)
    assert not ledger.open


def test_what_comes_for_the_ledger_of_before_is_ignored() -> None:
    here = Counts(v=1)
    old = Ledger(BOOT, count(1), 0.0).take(0.0, here)
    ledger = Ledger(BOOT, count(2), 0.0)
    report = ledger.take(0.0, here)
    ledger.answered(old, CountsReply("t", again=True), 0.1)
    ledger.failed(old, 0.1)
    assert not ledger.is_due(60.0, watched=True)  # its own is under way
    ledger.answered(report, TAKEN, 0.2)
    assert ledger.take(2.0, here).base == report.number
