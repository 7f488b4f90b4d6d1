"""How many watch, as one process adds it up. Times are given, in seconds."""

from __future__ import annotations

import pytest

from wire.counts import MAX_COUNTS, CountsReply, CountsReport
from writer.viewer_totals import (
    IDLE_SILENT_S,
    KEPT_S,
    LEASE_S,
    SETTLE_S,
    SILENT_S,
    STALL_S,
    Total,
    TotalsLimits,
    ViewerTotals,
)

OLD, NEW = "000000000000001-00000000", "000000000000002-00000000"
BEGUN = SETTLE_S  # when totals that began at 0 are known


class Teller:
    """A node, as far as a writer sees it."""

    def __init__(self, totals: Ticking, name: str, boot: str = OLD) -> None:
        self.totals, self.name, self.boot = totals, name, boot
        self.number = self.base = 0

    def report(self, counts: dict[str, int], **more: object) -> CountsReport:
        self.number += 1
        fields: dict[str, object] = {
            "boot": self.boot,
            "number": self.number,
            "base": self.base,
            "counts": counts,
        }
        return CountsReport(**(fields | more))  # type: ignore[arg-type]

    def tell(self, now: float, counts: dict[str, int], **more: object) -> CountsReply:
        report = self.report(counts, **more)
        self.totals.until(now)
        reply = self.totals.take(self.name, report, now)
        assert reply is not None
        if not reply.again:
            self.base = report.number
        return reply


class Ticking(ViewerTotals):
    """With its tick of each second. idle: beside a node that nobody watches."""

    ticked = 0.0
    idle = False

    def until(self, now: float) -> ViewerTotals:
        """Let time pass, up to `now`."""
        while self.ticked < now:
            self.ticked = min(self.ticked + 1.0, now)
            self.tick(self.ticked)
            if self.idle:
                self.take("idle", CountsReport(OLD, round(self.ticked * 10), 0, {}), self.ticked)
        return self

    def at(self, now: float, video_id: str) -> Total | None:
        """The total at that time."""
        return self.until(now).find(video_id, now)


def begun(**limits: float) -> Ticking:
    totals = Ticking("table", TotalsLimits(**limits))  # type: ignore[arg-type]
    totals.begin(0.0)
    return totals


def test_a_total_is_the_sum_over_nodes() -> None:
    totals = begun()
    a, b = Teller(totals, "a"), Teller(totals, "b")
    a.tell(1.0, {"v": 3, "w": 1})
    b.tell(1.0, {"v": 4})
    a.tell(3.0, {"v": 2})
    b.tell(3.0, {})
    assert totals.at(BEGUN, "v") == Total(6, 7)
    assert totals.at(BEGUN, "w") == Total(1, 1)
    assert totals.at(BEGUN, "x") == Total(0, 0)
    assert (totals.nodes, totals.videos, totals.viewers) == (2, 2, 7)


def test_nothing_is_known_before_every_node_can_have_reported() -> None:
    totals = begun()
    reply = Teller(totals, "a").tell(1.0, {"v": 3})
    assert (reply.seen, reply.totals) == (0, {})
    assert totals.at(BEGUN - 0.1, "v") is None
    assert totals.at(BEGUN, "v") == Total(3, 3)


def test_a_silent_node_is_forgotten_and_no_other() -> None:
    totals = begun()
    a, b = Teller(totals, "a"), Teller(totals, "b")
    a.tell(1.0, {"v": 3})
    b.tell(1.0, {"v": 4})
    for now in (3.0, 5.0):
        b.tell(now, {})
    assert totals.at(1.0 + LEASE_S, "v") == Total(7, 7)
    b.tell(1.0 + LEASE_S, {})
    assert totals.at(1.1 + LEASE_S, "v") == Total(4, 7)
    assert totals.expired == 1


def test_who_was_forgotten_is_asked_for_everything() -> None:
    totals = begun()
    a = Teller(totals, "a")
    a.tell(1.0, {"v": 3, "w": 2})
    assert a.tell(7.5, {"v": 4}).again
    a.base = 0
    assert not a.tell(7.5, {"v": 4, "w": 2}).again
    assert totals.viewers == 6


def test_a_newer_life_of_a_node_replaces_the_older_one() -> None:
    totals = begun()
    old = Teller(totals, "a")
    old.tell(1.0, {"v": 3, "w": 1})
    Teller(totals, "a", NEW).tell(2.0, {"v": 1})
    assert totals.take("a", old.report({"v": 9}), 3.0) is None
    assert totals.at(BEGUN, "v") == Total(1, 3)
    assert totals.at(BEGUN, "w") == Total(0, 1)


def test_a_report_that_comes_late_or_twice_changes_nothing() -> None:
    totals = begun()
    a = Teller(totals, "a")
    first = a.report({"v": 3})
    totals.take("a", first, 1.0)
    late = a.report({"v": 5})  # nobody answered it, so the next one tells it again
    a.tell(2.0, {"v": 4, "w": 1}, base=first.number)
    for report in (late, first):
        totals.take("a", report, 3.0)
    assert (totals.at(BEGUN, "v"), totals.viewers) == (Total(4, 4), 5)


def test_a_report_after_one_that_was_lost_tells_both() -> None:
    totals = begun()
    a = Teller(totals, "a")
    a.tell(1.0, {"v": 3})
    a.report({"v": 1})  # is lost
    a.tell(2.0, {"v": 1, "w": 2})
    assert totals.at(BEGUN, "v") == Total(1, 3)


def test_a_node_whose_last_viewer_left_is_gone_at_once() -> None:
    totals = begun()
    a = Teller(totals, "a")
    a.tell(1.0, {"v": 3})
    a.tell(2.0, {"v": 0})
    assert totals.nodes == totals.viewers == 0
    assert a.tell(3.0, {"v": 1}).again


def test_a_node_is_told_of_its_own_videos_that_changed_and_of_those_it_asks_for() -> None:
    totals = begun()
    a, b = Teller(totals, "a"), Teller(totals, "b")
    reply = a.tell(BEGUN, {"v": 1, "w": 1}, peaks={"v": 9, "w": 9})
    assert reply.totals == {"v": (1, 9), "w": (1, 9)}
    b.tell(BEGUN, {"v": 5, "x": 1})
    reply = a.tell(BEGUN + 2, {}, table=reply.table, seen=reply.seen)
    assert reply.totals == {"v": (6, 9)}
    reply = a.tell(BEGUN + 2, {}, table=reply.table, seen=reply.seen)
    assert reply.totals == {}
    reply = a.tell(BEGUN + 2, {"w": 1}, table=reply.table, seen=reply.seen)
    assert reply.totals == {"w": (1, 9)}
    assert a.tell(BEGUN + 2, {}, table="of another life", seen=9).totals.keys() == {"v", "w"}


def test_a_node_is_told_of_a_peak_when_it_is_sure() -> None:
    totals = begun()
    a = Teller(totals, "a")
    reply = a.tell(BEGUN, {"v": 5})
    assert reply.totals == {"v": (5, 0)}
    reply = a.tell(BEGUN + 2, {}, table=reply.table, seen=reply.seen)
    assert reply.totals == {"v": (5, 5)}


def test_many_changes_come_in_parts() -> None:
    totals = begun()
    names = [f"v{number}" for number in range(2 * MAX_COUNTS + 1)]
    a, b = Teller(totals, "a"), Teller(totals, "b")
    for start in range(0, len(names), MAX_COUNTS):
        a.tell(1.0, dict.fromkeys(names[start : start + MAX_COUNTS], 1))
        b.tell(1.0, dict.fromkeys(names[start : start + MAX_COUNTS], 2))
    told: dict[str, tuple[int, int]] = {}
    table, seen = "", 0
    parts, more = 0, True
    while more:
        reply = a.tell(BEGUN, {}, table=table, seen=seen)
        told |= reply.totals
        table, seen, more = reply.table, reply.seen, reply.more
        parts += 1
    assert (parts, told) == (3, dict.fromkeys(names, (3, 3)))


def test_viewers_of_a_killed_node_are_not_twice_in_the_peak() -> None:
    totals = begun()
    a, b = Teller(totals, "a"), Teller(totals, "b")
    a.tell(1.0, {"v": 10})
    b.tell(1.0, {"v": 10})
    for now in (3.0, 5.0):
        a.tell(now, {})
        b.tell(now, {})
    a.tell(7.0, {"v": 20})  # b was killed at 5.5 and its viewers have come
    assert totals.at(7.0, "v") == Total(30, 30)
    for now in (9.0, 11.0):
        a.tell(now, {})
    assert totals.at(11.0, "v") == Total(20, 20)


def test_who_is_sent_to_another_node_is_not_twice_in_the_peak() -> None:
    """The other one may be the first to say so."""
    totals = begun()
    a, b = Teller(totals, "a"), Teller(totals, "b")
    a.tell(1.0, {"v": 5})
    b.tell(1.0, {"v": 5})
    a.tell(5.0, {"v": 6})
    b.tell(5.3, {"v": 4})
    for now in (7.0, 9.0):
        a.tell(now, {})
        b.tell(now, {})
    assert totals.at(10.0, "v") == Total(10, 10)


def test_a_peak_stays_when_viewers_leave_and_for_an_hour_without_any() -> None:
    totals = begun()
    totals.idle = True
    a = Teller(totals, "a")
    a.tell(1.0, {"v": 9})
    a.tell(1.5, {"v": 0})
    assert totals.at(KEPT_S, "v") == Total(0, 9)
    assert totals.at(KEPT_S + 3, "v") == Total(0, 0)
    assert totals.videos == 0


def test_a_peak_that_a_writer_has_forgotten_is_told_by_nodes() -> None:
    totals = begun()
    Teller(totals, "a").tell(1.0, {"v": 2}, peaks={"v": 40})
    assert totals.at(BEGUN, "v") == Total(2, 40)


def test_a_process_that_stood_still_says_nothing_for_a_while() -> None:
    """Others may have died, or changed, while nobody was listened to."""
    totals = begun()
    a = Teller(totals, "a")
    a.tell(1.0, {"v": 2})
    assert totals.at(BEGUN, "v") == Total(2, 2)
    totals.ticked = now = BEGUN + STALL_S + 0.1
    assert totals.at(now, "v") is None
    assert a.tell(now, {"v": 2}, base=0).totals == {}
    a.tell(now + 2, {})
    assert totals.at(now + SETTLE_S, "v") == Total(2, 2)


def test_a_process_that_has_lost_all_nodes_waits_for_all_when_one_is_back() -> None:
    totals = begun()
    a = Teller(totals, "a")
    for now in (1.0, 3.0, 5.0):
        a.tell(now, {"v": 2})
    assert totals.at(5.0 + SILENT_S, "v") == Total(2, 2)
    assert totals.at(5.1 + SILENT_S, "v") is None
    assert totals.at(6.0 + LEASE_S, "v") is None  # and never nobody
    assert totals.viewers == 0
    a.base = 0
    assert a.tell(13.0, {"v": 2}).totals == {}
    a.tell(15.0, {})
    assert totals.at(12.9 + SETTLE_S, "v") is None
    a.tell(17.0, {})
    assert totals.at(13.0 + SETTLE_S, "v") == Total(2, 2)


def test_a_process_that_one_node_reaches_knows_that_the_other_is_dead() -> None:
    totals = begun()
    totals.idle = True
    Teller(totals, "a").tell(1.0, {"v": 2})
    assert totals.at(1.0 + LEASE_S, "v") == Total(2, 2)
    for later in (1.1, 10.0, 60.0):
        assert totals.at(later + LEASE_S, "v") == Total(0, 2)


def test_a_process_that_no_node_reaches_knows_nothing_from_the_start() -> None:
    totals = begun()
    assert totals.at(60.0, "v") is None
    a, b = Teller(totals, "a"), Teller(totals, "b")
    assert a.tell(61.0, {}).totals == {}  # nobody watches there
    assert b.tell(63.0, {"v": 3}).totals == {}
    assert totals.at(60.9 + SETTLE_S, "v") is None
    assert totals.at(61.0 + SETTLE_S, "v") == Total(3, 3)


def test_a_process_that_is_cut_off_while_nobody_watches_says_so_after_a_while() -> None:
    totals = begun()
    Teller(totals, "a").tell(1.0, {})
    assert totals.at(1.0 + IDLE_SILENT_S, "v") == Total(0, 0)
    assert totals.at(1.1 + IDLE_SILENT_S, "v") is None


def test_a_report_that_comes_late_ends_a_short_silence() -> None:
    """All nodes are still in the sum, so there is nothing to wait for."""
    totals = begun()
    a = Teller(totals, "a")
    for now in (1.0, 3.0, 5.0):
        a.tell(now, {"v": 2})
    late = 5.1 + SILENT_S
    assert totals.at(late, "v") is None
    a.tell(late, {})
    assert totals.at(late, "v") == Total(2, 2)


def test_a_single_process_knows_at_once_and_for_ever() -> None:
    totals = begun(lease_s=float("inf"), settle_s=0.0)
    a = Teller(totals, "a")
    assert a.tell(0.1, {"v": 1}).totals == {"v": (1, 0)}
    assert totals.find("v", 0.1) == Total(1, 1)
    assert totals.at(1e4, "v") == Total(1, 1)


@pytest.mark.parametrize(
    ("limits", "reason"),
    [({"max_nodes": 1}, "nodes"), ({"max_videos": 1}, "videos"), ({"max_entries": 1}, "entries")],
)
def test_what_is_beyond_a_bound_is_not_counted(limits: dict[str, float], reason: str) -> None:
    totals = begun(**limits)
    a, b = Teller(totals, "a"), Teller(totals, "b")
    a.tell(1.0, {"v": 3})
    totals.take("b", b.report({"w": 4}), 1.0)
    assert totals.viewers == 3
    assert totals.dropped[reason] == 1
    a.tell(2.0, {"v": 5})  # what is in stays in
    assert totals.at(BEGUN, "v") == Total(5, 5)


def test_unwatched_videos_make_room() -> None:
    totals = begun(max_videos=1)
    a = Teller(totals, "a")
    a.tell(1.0, {"v": 3})
    a.tell(2.0, {"v": 0})
    a.base = 0
    a.tell(3.0, {"w": 2})
    assert totals.at(BEGUN, "w") == Total(2, 2)
    assert totals.at(BEGUN, "v") == Total(0, 0)
