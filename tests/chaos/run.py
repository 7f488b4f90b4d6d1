"""One chaos run: a cluster of its own, a load, a nemesis, a verdict; what failed stays on disk."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cluster.cluster import Cluster
from cluster.parts import Kind
from cluster.settings import Settings
from tests.chaos import evidence
from tests.chaos.call_log import CallLog
from tests.chaos.cluster_under_test import ClusterUnderTest
from tests.chaos.fault_catalogue import available
from tests.chaos.figures import moderation
from tests.chaos.floor import Floor, rates_after, rates_before, viewers_by_node
from tests.chaos.history import History, Trouble
from tests.chaos.judge import judge
from tests.chaos.judge_live import pace
from tests.chaos.judge_routes import calls_long_after_faults
from tests.chaos.judge_times import impact_s
from tests.chaos.links import Links
from tests.chaos.load import Load
from tests.chaos.nemesis import Nemesis, names_of
from tests.chaos.schedule import plan
from tests.chaos.traffic import Shape
from tests.chaos.verdict import Ledger, Verdict
from wire.topology import Topology

ENVIRONMENT = {"all": {"LOG_LEVEL": "debug"}, "node": {"DRAIN_WINDOW_S": "5"}}
SETTLE_S = 30.0


@dataclass(frozen=True, slots=True)
class Orders:
    """What is to be run. The same orders give the same schedule and the same posts."""

    seed: str
    minutes: float = 3.0
    faults: tuple[str, ...] = ()
    settings: Settings = field(
        default_factory=lambda: Settings(
            name="chaos", zookeepers=3, http_port=0, environment=ENVIRONMENT
        )
    )
    shape: Shape = field(default_factory=lambda: Shape(rulings=True, screened=2.0))
    floor: Floor = field(default_factory=Floor)


@dataclass(frozen=True, slots=True)
class Report:
    """What came of it."""

    orders: Orders
    verdict: Verdict
    # Not in the repr: at the end of a run the runner's signal handling prints the main task, and a
    # million events in it take minutes and gigabytes.
    history: History = field(repr=False)
    injected: int
    impacts: Sequence[tuple[Trouble, float]] = ()

    @property
    def good(self) -> bool:
        """All promises held, under load, to the end."""
        return self.verdict.good

    @property
    def outcome(self) -> str:
        """In a word."""
        return "BROKEN" if self.verdict.broken else "VOID" if self.verdict.void else "held"

    @property
    def acked(self) -> int:
        """Comments that were acknowledged."""
        return sum(bool(post.acks) for post in self.history.posts)

    @property
    def deliveries(self) -> int:
        """Comments on screens, each of which was judged."""
        return sum(
            event.type == "comment" for watch in self.history.watches for event in watch.events
        )

    def text(self) -> str:
        """For people."""
        history = self.history
        lines = [
            f"seed {self.orders.seed}: {self.outcome}; "
            f"{self.injected} faults, {len(history.posts)} posts, {self.acked} acknowledged, "
            f"{self.deliveries} deliveries to {len(history.watches)} viewers; "
            f"late by {history.lag_s:.1f} s at most",
            *_loads(history),
            moderation(history),
            self.verdict.text(),
            *(
                f"  impact {impact_s:5.1f} s of {trouble.bound_s:4.1f} s  {trouble.name}"
                for trouble, impact_s in self.impacts
            ),
        ]
        return "\n".join(lines)


def _loads(history: History) -> Iterator[str]:
    """What was measured of what `Floor` demands."""
    before, after, found = rates_before(history), rates_after(history), pace(history)
    by_node = ", ".join(
        f"{node} {count}" for node, count in sorted(viewers_by_node(history).items())
    )
    yield (
        f"before the first fault {before.comments:.0f} comments/s, {before.deliveries:.0f} "
        f"deliveries/s, viewers: {by_node}"
    )
    yield (
        f"in the calm after faults, {after.seconds:.0f} s, {after.comments:.0f} comments/s, "
        f"{after.deliveries:.0f} deliveries/s, {calls_long_after_faults(history)} calls of nodes "
        f"that nothing excuses; {found.late} of {found.total} deliveries in calm came late"
    )


async def run(orders: Orders, folder: Path, tell: Callable[[str], None] = print) -> Report:
    """Run it in `folder`, which is emptied (what failed there before is put aside). After a failure
    it holds `history.jsonl.gz`, `report.txt` and the cluster's logs and data; else nothing is left
    but the report.
    """
    evidence.make_room(folder)
    # The engine still has the containers and the comments of a run that failed here.
    await Cluster.create(orders.settings, folder).clean()
    cluster = Cluster.create(orders.settings, folder)
    # Containers do not reach proxies on this machine's loopback; they have networks instead.
    links = None if orders.settings.runtime == "docker" else Links(cluster)
    try:
        with links or nullcontext():
            await cluster.up()
            seen = await _strike(orders, ClusterUnderTest(cluster, links), tell)
    finally:
        await cluster.down()
    evidence.save(seen.history, folder)
    report = _judged(orders, seen)
    evidence.conclude(folder, report.text(), good=report.good)
    if report.good:
        await cluster.clean()
    return report


@dataclass(frozen=True, slots=True)
class _Seen:
    """What there is to judge. `failure`: why the run was broken off, "" if it was not."""

    history: History = field(repr=False)
    injected: int
    failure: str


async def _strike(
    orders: Orders, under_test: ClusterUnderTest, tell: Callable[[str], None]
) -> _Seen:
    steps = plan(orders.seed, orders.minutes, names_of(under_test), faults_for(orders, under_test))
    with CallLog(under_test.cluster) if _is_routed(orders) else nullcontext() as calls:
        load = Load.on(under_test.cluster, orders.shape, seed=orders.seed, prefix=f"s{orders.seed}")
        nemesis = Nemesis(under_test, load, tell)
        async with load:
            failure = await _told(nemesis.run(steps)) or await _told(load.finish(SETTLE_S))
        load.history.forwards = calls.forwards if calls else []
    load.history.nodes = len(under_test.names(Kind.NODE)) or 1
    return _Seen(load.history, nemesis.injected, failure)


def _is_routed(orders: Orders) -> bool:
    """Whether P6 is promised: its opposite is what the other topologies waste."""
    return orders.settings.topology == Topology.DISPATCHER


def _judged(orders: Orders, seen: _Seen) -> Report:
    floor = orders.floor
    if not _is_routed(orders):
        floor = replace(floor, promises=tuple(one for one in floor.promises if one != "P6"))
    # After a failure what is stored was not read, so nothing can be held against it.
    stopped = Verdict(Ledger(), (f"stopped: {seen.failure}",))
    verdict = stopped if seen.failure else judge(seen.history, floor)
    return Report(orders, verdict, seen.history, seen.injected, impact_s(seen.history))


def faults_for(orders: Orders, under_test: ClusterUnderTest) -> list[str]:
    """What can be done to this cluster, of what was asked for. Raises ValueError if that is
    nothing.
    """
    networks = orders.settings.runtime == "docker"
    there = available(names_of(under_test), links=under_test.links is not None, networks=networks)
    chosen = [name for name in there if not orders.faults or name in orders.faults]
    if not chosen:
        raise ValueError(f"this cluster has only {', '.join(there)}")
    return chosen


async def _told(work: Coroutine[Any, Any, object]) -> str:
    """What went wrong, "" if nothing."""
    try:
        await work
    except Exception as exc:
        return f"{type(exc).__name__}: {exc}"
    return ""
