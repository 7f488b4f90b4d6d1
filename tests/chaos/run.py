"""One chaos run: a cluster of its own, a load, a nemesis, a verdict; what failed stays on disk."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Coroutine
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cluster.cluster import Cluster
from cluster.parts import Kind
from cluster.settings import Settings
from tests.chaos import archive
from tests.chaos.call_log import CallLog
from tests.chaos.faults import Scene
from tests.chaos.floor import ALL_PROMISES, Floor, rates
from tests.chaos.history import History
from tests.chaos.judge import judge
from tests.chaos.judge_times import felt_s
from tests.chaos.links import Links
from tests.chaos.load import Load
from tests.chaos.menu import available
from tests.chaos.nemesis import Nemesis, names_of
from tests.chaos.schedule import plan
from tests.chaos.traffic import Shape
from tests.chaos.verdict import Ledger, Verdict
from wire.topology import Topology

ENVIRONMENT = {"all": {"LOG_LEVEL": "debug"}, "node": {"DRAIN_WINDOW_S": "5"}}
SETTLE_S = 30.0
ALL_PROMISES_BUT_P6 = tuple(name for name in ALL_PROMISES if name != "P6")


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
    shape: Shape = field(default_factory=Shape)
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

    @property
    def good(self) -> bool:
        """All promises held, under load, to the end."""
        return self.verdict.good

    @property
    def outcome(self) -> str:
        """In a word."""
        return "BROKEN" if self.verdict.broken else "VOID" if self.verdict.void else "held"

    def text(self) -> str:
        """For people."""
        found = rates(self.history)
        acked = sum(bool(post.acks) for post in self.history.posts)
        shown = sum(len(watch.events) for watch in self.history.watches)
        lines = [
            f"seed {self.orders.seed}: {self.outcome}; "
            f"{self.injected} faults, {len(self.history.posts)} posts, {acked} acknowledged, "
            f"{shown} events on {len(self.history.watches)} screens; before the first fault "
            f"{found.comments:.0f} comments/s, {found.viewers:.0f} viewers, "
            f"{found.deliveries:.0f} deliveries/s; late by {self.history.lag_s:.1f} s at most",
            self.verdict.text(),
            *(
                f"  felt {felt:5.1f} s of {trouble.bound_s:4.1f} s  {trouble.name}"
                for trouble, felt in felt_s(self.history)
            ),
        ]
        return "\n".join(lines)


async def run(orders: Orders, folder: Path, tell: Callable[[str], None] = print) -> Report:
    """Run it in `folder`, which is emptied. After a failure it holds `history.jsonl.gz`,
    `report.txt` and the cluster's logs and data; else nothing is left but the report.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    cluster = Cluster.create(orders.settings, folder)
    # Containers do not reach proxies on this machine's loopback; they have networks instead.
    links = None if orders.settings.runtime == "docker" else Links(cluster)
    try:
        with links or nullcontext():
            await cluster.up()
            report = await _strike(orders, Scene(cluster, links), tell)
    finally:
        await cluster.down()
    (folder / "report.txt").write_text(report.text() + "\n")
    if report.good:
        await cluster.clean()
    else:
        archive.save(report.history, folder / "history.jsonl.gz")
    return report


async def _strike(orders: Orders, scene: Scene, tell: Callable[[str], None]) -> Report:
    steps = plan(orders.seed, orders.minutes, names_of(scene), faults_for(orders, scene))
    routed = orders.settings.topology == Topology.DISPATCHER  # P6 is what the others waste
    floor = orders.floor if routed else replace(orders.floor, promises=ALL_PROMISES_BUT_P6)
    with CallLog(scene.cluster) if routed else nullcontext() as calls:
        load = Load(
            scene.cluster.http_url, orders.shape, seed=orders.seed, prefix=f"s{orders.seed}"
        )
        nemesis = Nemesis(scene, load, tell)
        async with load:
            failure = await _told(nemesis.run(steps)) or await _told(load.finish(SETTLE_S))
        load.history.forwards = calls.forwards if calls else []
    load.history.nodes = len(scene.names(Kind.NODE)) or 1
    # After a failure what is stored was not read, so nothing can be held against it.
    stopped = Verdict(Ledger(), (f"stopped: {failure}",))
    verdict = stopped if failure else judge(load.history, floor)
    return Report(orders, verdict, load.history, nemesis.injected)


def faults_for(orders: Orders, scene: Scene) -> list[str]:
    """What can be done to this cluster, of what was asked for. Raises ValueError if that is
    nothing.
    """
    networks = orders.settings.runtime == "docker"
    there = available(names_of(scene), links=scene.links is not None, networks=networks)
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
