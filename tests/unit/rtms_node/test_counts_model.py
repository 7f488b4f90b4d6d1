"""Nodes that report, writers that add up, and a network between them that loses, repeats and delays
what it likes: in the end every writer knows what the nodes hold, and every screen is told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from rtms_node.count_ledger import ALIVE_S, IDLE_S
from rtms_node.limits import Limits
from rtms_node.testing import ManualClock
from rtms_node.viewer_counts import ViewerCounts
from rtms_node.viewer_total import JOIN_S, TOLD_EVERY_S
from tests.support import examples
from tests.unit.rtms_node.node_world import Node, Watcher
from wire.counts import CountsReply, CountsReport, check_report
from wire.internal import encode
from writer.viewer_totals import LEASE_S, SETTLE_S, ViewerTotals

VIDEOS = ("v", "w")
NODES, WRITERS = ("a", "b", "c"), ("x", "y")
STEP_S = 0.25  # how often a node looks whether a report is due
# From any mess to totals that are right at all writers, then on all screens. DESIGN: 12 s.
RIGHT_AFTER_S = LEASE_S + ALIVE_S
TOLD_AFTER_S = 12.0
STILL_BYTES = 200  # of both bodies
faults = st.sampled_from(
    ("kill", "restart", "writer", "freeze", "lose", "ignore", "late", "flap", "none")
)


class Part:
    """A node in one of its lives."""

    def __init__(self, clock: ManualClock, boot: str) -> None:
        self.node = Node(Limits(linger_s=3.0), clock=clock)
        loop: Any = clock
        self.counts = ViewerCounts(boot, self.node.hub, loop)
        self.node.hub.on_count = self.counts.touch
        self.counts.set_known(WRITERS)
        self.watchers: dict[str, list[Watcher]] = {video_id: [] for video_id in VIDEOS}

    def join(self, video_id: str) -> None:
        self.watchers[video_id].append(self.node.watch_loaded(video_id))

    def leave(self, video_id: str) -> None:
        if self.watchers[video_id]:
            self.watchers[video_id].pop(0).transport.close()


class World:
    """Time goes by in steps; `fault` is what is wrong at the moment, and with whom."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.lives = 0
        self.nodes = {name: self._new_node() for name in NODES}
        self.writers = {name: self._new_writer(name) for name in WRITERS}
        self.late: list[tuple[str, str, CountsReport]] = []
        self.fault, self.whom = "none", 0
        self.on_exchange: Callable[[CountsReport, CountsReply], None] = lambda *_: None

    def _new_node(self) -> Part:
        self.lives += 1
        return Part(self.clock, f"{self.lives:015d}-00000000")

    def _new_writer(self, name: str) -> ViewerTotals:
        self.lives += 1
        totals = ViewerTotals(f"{name}{self.lives}")
        totals.begin(self.clock.time())
        return totals

    def begin(self, fault: str, whom: int) -> None:
        """Something happens; some of it lasts until the next."""
        self.fault, self.whom = fault, whom
        node, writer = NODES[whom % 3], WRITERS[whom % 2]
        if fault == "kill":
            self.nodes.pop(node, None)
        elif fault == "restart":
            self.nodes[node] = self._new_node()
        elif fault == "flap":  # it is no member any more, and then it is again
            for part in self.nodes.values():
                part.counts.set_known([one for one in WRITERS if one != writer])
                part.counts.set_known(WRITERS)
        elif fault == "writer":
            self.writers[writer] = self._new_writer(writer)

    def step(self) -> None:
        """A quarter of a second."""
        self.clock.advance(STEP_S)
        now = self.clock.time()
        for name, totals in self.writers.items():
            if not self._frozen(name) and now == int(now):
                totals.tick(now)
        for node, part in self.nodes.items():
            for writer, report in part.counts.take_due():
                self._send(part, node, writer, report)
        self._judge()

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds / STEP_S)):
            self.step()

    def _send(self, part: Part, node: str, writer: str, report: CountsReport) -> None:
        check_report(report)
        hit = self.whom % 2 == 0 or NODES[self.whom % 3] == node
        if self._frozen(writer) or (hit and self.fault in ("lose", "late")):
            if self.fault != "lose":
                self.late.append((node, writer, report))
            part.counts.failed(writer, report)
            return
        for one in [late for late in self.late if late[1] == writer]:
            self.late.remove(one)
            self.writers[writer].take(one[0], one[2], self.clock.time())
        reply = self.writers[writer].take(node, report, self.clock.time())
        if hit and self.fault == "ignore":
            part.counts.failed(writer, report)
        else:
            if reply is not None:
                self.on_exchange(report, reply)
            part.counts.answered(writer, report, reply)

    def _frozen(self, writer: str) -> bool:
        return self.fault == "freeze" and writer == WRITERS[self.whom % 2]

    def held(self) -> Counter[str]:
        """What the nodes hold."""
        return Counter(
            {
                video_id: sum(len(part.watchers[video_id]) for part in self.nodes.values())
                for video_id in VIDEOS
            }
        )

    def known(self, writer: str) -> Counter[str | None]:
        found = {one: self.writers[writer].find(one, self.clock.time()) for one in VIDEOS}
        return Counter({one: total.now for one, total in found.items() if total is not None})

    def _judge(self) -> None:
        """At any time: no total is negative or below nothing, and no peak below its total."""
        for totals in self.writers.values():
            for video in totals._videos.values():
                assert video.now >= 0
            entries = sum(len(row.counts) for row in totals._rows.values())
            assert entries == totals._entries

    def judge_settled(self) -> None:
        held = self.held()
        for writer in WRITERS:
            assert self.known(writer) == held
        for part in self.nodes.values():
            for video_id, watchers in part.watchers.items():
                for watcher in watchers:
                    assert watcher.named("viewers")[-1][1]["now"] == held[video_id]


steps = st.lists(
    st.tuples(
        faults,
        st.integers(0, 5),
        st.lists(
            st.tuples(st.sampled_from(("join", "leave")), st.integers(0, 5)), min_size=1, max_size=4
        ),
        st.sampled_from((1.0, 2.5, 0.25, 7.0)),
    ),
    min_size=4,
    max_size=10,
)


@settings(max_examples=examples(200), deadline=None)
@given(steps)
def test_whatever_happened_all_know_what_the_nodes_hold_when_it_is_over(
    happened: list[tuple[str, int, list[tuple[str, int]], float]],
) -> None:
    world = World()
    for fault, whom, moves, seconds in happened:
        world.begin(fault, whom)
        for move, at in moves:
            part = world.nodes.get(NODES[at % 3])
            if part is not None:
                getattr(part, move)(VIDEOS[at % 2])
        world.run(seconds)
    world.begin("none", 0)
    world.run(TOLD_AFTER_S)
    world.judge_settled()


def test_a_join_is_known_everywhere_in_time() -> None:
    world = World()
    for part in world.nodes.values():
        part.join("v")
    world.run(10)
    for number in range(40):
        world.nodes[NODES[number % 3]].join("v")
        world.run(ALIVE_S)
        assert {world.known(writer)["v"] for writer in WRITERS} == {4 + number}
        world.run(6.0 - ALIVE_S)
        world.judge_settled()


def test_a_killed_node_is_gone_in_time_and_its_viewers_are_not_twice_for_long() -> None:
    world = World()
    for part in world.nodes.values():
        for _ in range(10):
            part.join("v")
    world.run(10)
    world.judge_settled()
    world.begin("kill", 0)
    for _ in range(10):
        world.nodes["b"].join("v")
    world.run(6.0)
    assert {world.known(writer)["v"] for writer in WRITERS} == {30}
    world.run(3.0)  # on all screens after nine
    world.judge_settled()
    world.run(TOLD_EVERY_S + ALIVE_S + JOIN_S)
    (data,) = {str(w.named("viewers")[-1][1]) for w in world.nodes["b"].watchers["v"]}
    assert data == "{'now': 30, 'peak': 30}"


def test_all_writers_begin_anew_and_nodes_die_at_the_same_time() -> None:
    world = World()
    for part in world.nodes.values():
        for _ in range(5):
            part.join("v")
    world.run(10)
    for number in range(2):
        world.begin("writer", number)
    world.begin("kill", 0)
    for _ in range(5):
        world.nodes["c"].join("v")
    world.run(SETTLE_S)
    assert {world.known(writer)["v"] for writer in WRITERS} == {15}
    world.run(12.0 - SETTLE_S)
    world.judge_settled()


def test_a_writer_that_is_lost_from_sight_for_a_moment_misses_nothing() -> None:
    world = World()
    for part in world.nodes.values():
        part.join("v")
    world.run(30)
    world.begin("flap", 0)
    world.nodes["a"].join("v")
    for _ in range(20):
        world.run(ALIVE_S)
        assert {world.known(writer)["v"] for writer in WRITERS} == {4}


def test_while_nobody_watches_a_node_only_says_that_it_is_there() -> None:
    world = World()
    world.nodes["a"].join("v")
    world.run(10)
    world.nodes["a"].leave("v")
    world.run(10)
    before = {name: part.counts.reports for name, part in world.nodes.items()}
    world.run(15 * IDLE_S)
    for name, part in world.nodes.items():
        assert part.counts.reports == before[name] + 15 * len(WRITERS)
        assert not part.counts.needed
    assert {world.known(writer)["v"] for writer in WRITERS} == {0}


def test_a_writer_that_no_node_reaches_never_says_that_nobody_watches() -> None:
    world = World()
    for part in world.nodes.values():
        part.join("v")
    world.run(10)
    world.begin("lose", 0)  # all reports, to both
    for _ in range(80):
        world.run(STEP_S)
        told = [totals.find("v", world.clock.time()) for totals in world.writers.values()]
        assert all(total is None or total.now == 3 for total in told)
    assert told == [None, None]
    for part in world.nodes.values():  # screens go on showing what was right
        assert part.watchers["v"][0].named("viewers")[-1][1]["now"] == 3
    world.begin("none", 0)
    world.run(TOLD_AFTER_S)
    world.judge_settled()


def test_what_a_node_costs_where_nothing_changes() -> None:
    """One report for each writer every 2 s, of so few bytes both ways, however many videos."""
    world = World()
    for part in world.nodes.values():
        for video_id in VIDEOS:
            part.join(video_id)
    world.run(20)
    before = world.nodes["a"].counts.reports
    sizes: list[int] = []
    world.on_exchange = lambda report, reply: sizes.append(len(encode(report)) + len(encode(reply)))
    world.run(20)
    assert world.nodes["a"].counts.reports - before == 20 / ALIVE_S * len(WRITERS)
    assert max(sizes) <= STILL_BYTES
