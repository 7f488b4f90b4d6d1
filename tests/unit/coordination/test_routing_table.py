from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from coordination.routing_table import RoutingTable
from tests.support import examples

N1, N2 = frozenset({"n1"}), frozenset({"n2"})


def known(table: RoutingTable, video_id: str, nodes: frozenset[str], now: float) -> None:
    table.want(video_id, now)
    assert table.due(now, 1) == [video_id]
    table.read(video_id, nodes, now)


def test_a_route_is_unknown_until_it_was_read() -> None:
    table = RoutingTable()
    assert table.find("v", 0) is None
    table.want("v", 0)
    assert (table.find("v", 0), table.stale) == (None, 1)
    assert table.due(0, 10) == ["v"]
    assert table.read("v", N1, 0)
    assert (table.find("v", 0), table.stale) == (N1, 0)


def test_to_peek_at_a_route_is_no_use_of_it() -> None:
    table = RoutingTable(idle_s=10)
    assert table.peek("v") is None
    table.want("v", 0)
    assert table.peek("v") is None, "wanted, and not read yet"
    table.due(0, 10)
    table.read("v", N1, 0)
    assert table.peek("v") == N1
    table.evict_idle(11, 10)
    assert table.peek("v") is None


def test_a_known_route_is_not_read_again_for_being_wanted() -> None:
    table = RoutingTable()
    known(table, "v", N1, 0)
    table.want("v", 1)
    assert table.due(1, 10) == []


def test_a_stale_route_is_still_the_answer_and_is_read_again() -> None:
    table = RoutingTable()
    known(table, "v", N1, 0)
    table.mark_stale("v", 5)
    assert (table.find("v", 5), table.stale) == (N1, 1)
    assert table.due(5, 10) == ["v"]


def test_many_events_are_one_read_in_a_tenth_of_a_second() -> None:
    table = RoutingTable()
    known(table, "v", N1, 0)
    for hundredth in range(1, 9):
        table.mark_stale("v", hundredth / 100)
        assert table.due(hundredth / 100, 10) == []
    assert abs((table.next_due_at() or 0) - 0.1) < 1e-9
    assert table.due(0.1, 10) == ["v"]


def test_an_event_during_a_read_leads_to_another_read() -> None:
    table = RoutingTable()
    table.want("v", 0)
    table.due(0, 1)
    table.mark_stale("v", 0.01)
    assert table.due(0.02, 1) == []
    table.read("v", N1, 0.03)
    assert (table.find("v", 0.03), table.stale) == (N1, 1)
    assert table.due(0.1, 1) == ["v"]


def test_a_failed_read_is_tried_again_but_not_at_once() -> None:
    table = RoutingTable()
    table.want("v", 0)
    table.due(0, 1)
    table.failed("v", 0.01)
    assert table.due(0.02, 1) == []
    assert table.due(0.1, 1) == ["v"]


def test_marking_a_video_that_nobody_asked_for_does_nothing() -> None:
    table = RoutingTable()
    table.mark_stale("v", 0)
    assert (len(table), table.due(0, 1)) == (0, [])


def test_after_a_reconnection_all_are_due_the_recently_used_first() -> None:
    table = RoutingTable()
    for video_id in ("a", "b", "c"):
        known(table, video_id, N1, 0)
    table.find("a", 1)
    table.connection_lost()
    assert (table.due(2, 10), table.stale, table.find("b", 2)) == ([], 3, N1)
    table.read_all_again(3)
    assert table.due(3, 10) == ["b", "a", "c"]


def test_the_stale_routes_are_told_the_recently_used_first() -> None:
    table = RoutingTable()
    for video_id in ("a", "b", "c"):
        known(table, video_id, N1, 0)
    table.mark_stale("c", 1)
    table.mark_stale("a", 1)
    table.want("new", 2)
    assert table.stale_videos() == ["new", "c", "a"]


def test_a_reply_from_before_the_cut_does_not_make_a_route_known() -> None:
    table = RoutingTable()
    table.want("v", 0)
    table.due(0, 1)
    table.connection_lost()
    table.read("v", N1, 0.1)
    assert (table.find("v", 0.1), table.stale) == (N1, 1)


def test_comparing_takes_a_difference_and_asks_for_a_read_with_a_watch() -> None:
    table = RoutingTable()
    known(table, "v", N1, 0)
    assert not table.compare("v", N1, 1)
    assert table.compare("v", N2, 1)
    assert (table.find("v", 1), table.stale, table.due(1, 1)) == (N2, 1, ["v"])


def test_comparing_leaves_routes_alone_that_are_unknown_or_being_read() -> None:
    table = RoutingTable()
    table.want("v", 0)
    assert not table.compare("v", N1, 0)
    table.due(0, 1)
    assert not table.compare("v", N1, 0)
    assert not table.compare("nobody", N1, 0)


def test_the_least_recently_used_route_makes_room() -> None:
    table = RoutingTable(max_routes=2)
    known(table, "a", N1, 0)
    known(table, "b", N1, 1)
    table.find("a", 2)
    table.want("c", 3)
    assert (table.find("a", 3), table.find("b", 3)) == (N1, None)
    assert (len(table), table.evicted, table.stale) == (2, 1, 1)


def test_idle_routes_are_forgotten() -> None:
    table = RoutingTable(idle_s=10)
    known(table, "a", N1, 0)
    known(table, "b", N1, 5)
    table.evict_idle(10, 9)
    assert (table.find("a", 10), table.find("b", 10)) == (None, N1)


def test_idle_routes_are_forgotten_a_few_at_a_time() -> None:
    table = RoutingTable(idle_s=10)
    for number in range(5):
        known(table, f"v{number}", N1, 0)
    table.evict_idle(10, 3)
    assert table.take_leaving(2) == ["v0", "v1"]
    assert (table.take_leaving(9), table.leaving, len(table)) == (["v2"], 0, 2)


def test_an_empty_route_is_forgotten_sooner() -> None:
    table = RoutingTable(idle_s=600, empty_idle_s=30)
    for video_id, nodes in (("a", frozenset()), ("b", N1), ("c", frozenset())):
        known(table, video_id, nodes, 0)
    table.find("c", 10)
    for video_id in ("a", "b", "c", "never"):
        table.evict_empty(video_id, 29.9)
    assert len(table) == 3
    for video_id in ("a", "b", "c"):
        table.evict_empty(video_id, 30)
    assert (table.videos(), table.take_leaving(9)) == (["c", "b"], ["a"])


def test_an_empty_route_in_doubt_is_kept() -> None:
    table = RoutingTable(empty_idle_s=30)
    known(table, "a", frozenset(), 0)
    table.mark_stale("a", 30)
    table.evict_empty("a", 30)
    table.due(30, 1)
    table.evict_empty("a", 30)
    assert len(table) == 1


def test_a_route_that_was_never_read_leaves_no_watch() -> None:
    table = RoutingTable(max_routes=1)
    table.want("a", 0)
    table.want("b", 0)
    assert (table.evicted, table.leaving) == (1, 0)


def test_a_route_wanted_again_in_time_takes_its_watch_back() -> None:
    table = RoutingTable(max_routes=1)
    known(table, "a", N1, 0)
    table.want("b", 1)
    assert table.leaving == 1
    table.want("a", 1)
    assert table.leaving == 0
    table.want("b", 1)
    assert table.take_leaving(9) == ["a"]


def test_a_route_that_is_being_read_is_not_forgotten() -> None:
    table = RoutingTable(max_routes=1, idle_s=10)
    table.want("a", 0)
    table.due(0, 1)
    table.evict_idle(20, 9)
    table.want("b", 20)
    assert table.read("a", N1, 20)
    table.want("c", 20)
    assert (table.videos(), table.take_leaving(9)) == (["c"], ["a"])


def test_what_a_forgotten_route_left_in_the_queue_hastens_nobody() -> None:
    table = RoutingTable(max_routes=1)
    for video_id in ("a", "b", "a"):
        table.want(video_id, 0)
    assert table.due(0, 1) == ["a"]
    table.failed("a", 0)
    assert table.due(0, 9) == []
    assert table.due(0.1, 9) == ["a"]


def test_watches_go_with_the_connection() -> None:
    table = RoutingTable(max_routes=1)
    known(table, "a", N1, 0)
    table.want("b", 1)
    table.connection_lost()
    table.want("c", 1)
    assert (table.evicted, table.leaving) == (2, 0)


def test_no_more_are_handed_out_than_asked_for() -> None:
    table = RoutingTable()
    for number in range(5):
        table.want(f"v{number}", 0)
    assert (len(table.due(0, 3)), len(table.due(0, 3)), table.next_due_at()) == (3, 2, None)


def test_a_route_that_was_forgotten_meanwhile_is_not_taken_up_by_its_reply() -> None:
    table = RoutingTable(max_routes=1)
    table.want("a", 0)
    table.want("b", 0)
    assert table.due(0, 10) == ["b"]
    assert not table.read("a", N1, 0)
    table.failed("a", 0)
    assert (len(table), table.find("a", 0)) == (1, None)


def nodes(value: int) -> frozenset[str]:
    """Who serves a video after so many changes: sometimes nobody."""
    return frozenset({str(value)}) if value % 3 else frozenset()


class Model(RuleBasedStateMachine):
    """ZooKeeper changes and loses connections at will; in the end every route is right, and what is
    watched has a route. A removal is done when it is asked for, since requests keep their order.
    """

    videos = st.sampled_from(["a", "b", "c"])

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.truth = dict.fromkeys("abc", 0)
        self.table = RoutingTable(idle_s=0.5, empty_idle_s=0.1, max_routes=2)
        self.connected = True
        self.watched: set[str] = set()
        self.reads: list[tuple[str, int]] = []
        self.last_read: dict[str, float] = {}

    @rule(video=videos)
    def ask(self, video: str) -> None:
        if self.connected:
            if video not in self.table.videos():
                self.last_read.pop(video, None)
            self.table.want(video, self.now)

    @rule(at_most=st.integers(0, 2))
    def forget(self, at_most: int) -> None:
        self.table.evict_idle(self.now, at_most)

    @rule(video=videos)
    def forget_empty(self, video: str) -> None:
        self.table.evict_empty(video, self.now)

    @rule(limit=st.integers(0, 2))
    def unwatch(self, limit: int) -> None:
        if self.connected:
            self.watched.difference_update(self.table.take_leaving(limit))

    @rule(video=videos)
    def change(self, video: str) -> None:
        self.truth[video] += 1
        if video in self.watched and self.connected:
            self.watched.discard(video)
            self.table.mark_stale(video, self.now)

    @rule(limit=st.integers(1, 3))
    def begin(self, limit: int) -> None:
        if not self.connected:
            return
        for video in self.table.due(self.now, limit):
            assert self.now >= self.last_read.get(video, -1) + 0.098
            self.last_read[video] = self.now
            self.watched.add(video)
            self.reads.append((video, self.truth[video]))

    @rule(fails=st.booleans())
    def end(self, fails: bool) -> None:
        if self.reads and self.connected:
            video, value = self.reads.pop(0)
            if fails:
                self.table.failed(video, self.now)
            else:
                self.table.read(video, nodes(value), self.now)

    @rule()
    def cut(self) -> None:
        self.connected = False
        self.table.connection_lost()
        self.watched.clear()
        self.reads.clear()

    @rule()
    def heal(self) -> None:
        if not self.connected:
            self.connected = True
            self.last_read.clear()
            self.table.read_all_again(self.now)

    @rule(step=st.floats(0.001, 0.2))
    def wait(self, step: float) -> None:
        self.now += step

    @invariant()
    def stale_is_the_number_of_routes_in_doubt(self) -> None:
        assert 0 <= self.table.stale <= len(self.table) <= 3
        assert len(self.table.stale_videos()) == self.table.stale

    def teardown(self) -> None:
        self.heal()
        for _ in range(30):
            self.now += 0.1
            self.begin(3)
            while self.reads:
                self.end(fails=False)
        assert self.table.stale == 0
        self.unwatch(9)
        assert self.watched <= set(self.table.videos())
        for video in self.table.videos():
            assert self.table.find(video, self.now) == nodes(self.truth[video])


TestModel = Model.TestCase
TestModel.settings = settings(max_examples=examples(100), stateful_step_count=40, deadline=None)
