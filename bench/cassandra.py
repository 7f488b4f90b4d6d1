"""Comments that a writer gets stored by Cassandra: one hot video, with keys and without, and 50
videos; on one server, and with three copies on a ring of three servers of this machine.

Posters call the writer's comment service and post again as soon as they are answered; what comes
for a video meanwhile is its next group. Beside it the driver's own plain INSERT, one for each
comment, 128 at once, as the store sets the driver up; in turn, in an order drawn anew each time.

The servers compile with C1 only: in a minute C2 would take half of their CPU to make itself useful
later, and both sides would pay for that. Servers of a ring share the same cores, so it gets a third
of the posters: with more, groups would time out.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass

from bench import cassandra_writer, clusters, plain_inserts
from bench.cassandra_writer import Appends
from bench.child import BenchFailed, Child
from bench.effort import Effort
from bench.figures import Beside, Finding, Measured, On, Row, Target, measured
from bench.processes import cpu_s_of
from cluster.cluster import Cluster
from cluster.parts import Kind
from cluster.settings import CASSANDRA_JVM_OPTIONS

_ENVIRONMENT = {"all": {CASSANDRA_JVM_OPTIONS: "-XX:TieredStopAtLevel=1"}}
_RUN_S = 2.5
_AT_ONCE = 128
_PLAIN = "plain INSERT"
_WARM_UP_S = 1.5
_TIMES_PLAIN = 3.0
_MAX_REFUSED = 0.01  # of those that are accepted; while it is warm, none is


@dataclass(frozen=True, slots=True)
class Load:
    """`posters`: over all videos, on one server; `per_s`: the target there."""

    text: str
    videos: int
    posters: int
    with_keys: bool = False
    per_s: float = 0.0


_LOADS = (
    Load("one hot video", 1, 500, per_s=7_000),
    Load("one hot video, with keys", 1, 500, with_keys=True),
    Load("50 videos", 50, 9_000, per_s=20_000),
)
_QUICK_LOADS = (Load("one hot video, with keys", 1, 10, with_keys=True), Load("3 videos", 3, 9))


@dataclass(frozen=True, slots=True)
class Run:
    """Of one load. `servers_us`: CPU of Cassandra for each comment."""

    appends: Appends
    servers_us: float


Figure = Callable[[Run], float]


def measure(effort: Effort) -> Iterator[Finding]:
    """The rows of this benchmark. Raises BenchFailed."""
    for servers in effort.choose((1, 3), (1,)):
        yield from _rows(servers, effort, asyncio.run(_measure(servers, effort)))


async def _measure(servers: int, effort: Effort) -> Mapping[str, list[Run]]:
    """By the text of the load."""
    names = [f"{Kind.CASSANDRA}-{number + 1}" for number in range(servers)]
    settings = {"store": "cassandra", "cassandras": servers, "environment": _ENVIRONMENT}
    async with clusters.only(*names, **settings) as cluster:
        with ExitStack() as stack:
            return _Clients(stack, cluster, names).measure(effort)


class _Clients:
    """A writer and a driver without one, on the servers of a cluster."""

    def __init__(self, stack: ExitStack, cluster: Cluster, names: list[str]) -> None:
        servers = [cluster.address(name, "cql") for name in names]
        self._pids = list(clusters.pids(cluster, Kind.CASSANDRA).values())
        self._writer = stack.enter_context(Child(cassandra_writer.run))
        self._plain = stack.enter_context(Child(plain_inserts.run))
        self._writer.ask("open", servers)
        self._plain.ask("open", servers)

    def measure(self, effort: Effort) -> Mapping[str, list[Run]]:
        """Every load and the plain INSERTs, as often as asked for."""
        loads = {load.text: load for load in effort.choose(_LOADS, _QUICK_LOADS)}
        self._warm_up(list(loads.values()))
        done: dict[str, list[Run]] = {text: [] for text in (*loads, _PLAIN)}
        for _ in range(effort.repeats):
            for text in random.sample(list(done), len(done)):
                done[text].append(self._measured(loads.get(text), effort))
        return done

    def _warm_up(self, loads: list[Load]) -> None:
        """A server that has just started is slow."""
        self._writer.ask("append", 1, 10, False, _WARM_UP_S)
        for load in (*loads, None):
            self._run(load, _WARM_UP_S)

    def _measured(self, load: Load | None, effort: Effort) -> Run:
        """Raises BenchFailed if too many posts are refused; of a few, one would be too many."""
        run = self._run(load, effort.choose(_RUN_S, 0.3))
        if not effort.quick and run.appends.refused > _MAX_REFUSED * run.appends.count:
            raise BenchFailed(f"{run.appends.refused} posts were refused")
        return run

    def _run(self, load: Load | None, for_s: float) -> Run:
        before = sum(map(cpu_s_of, self._pids))
        if load is None:
            appends: Appends = self._plain.ask("insert", _AT_ONCE, for_s)
        else:
            posters = _posters(load, len(self._pids))
            appends = self._writer.ask("append", load.videos, posters, load.with_keys, for_s)
        cpu_s = sum(map(cpu_s_of, self._pids)) - before
        return Run(appends, cpu_s / appends.count * 1e6)


def _rows(servers: int, effort: Effort, done: Mapping[str, list[Run]]) -> Iterator[Row]:
    where = "one server" if servers == 1 else f"{servers} servers, a copy on each"
    plain = done[_PLAIN]
    for load in effort.choose(_LOADS, _QUICK_LOADS):
        runs, what = done[load.text], f"{load.text}, {where}"
        judged = servers == 1 and load.per_s > 0
        yield Row(
            f"comments accepted, {what}",
            _rate(runs),
            peer=Beside(f"{_PLAIN}, {_AT_ONCE} at once", _rate(plain)),
            target=Target(load.per_s, "/s", at_least=True) if judged else None,
        )
        if judged and load.videos == 1:
            target = Target(_TIMES_PLAIN, "times", at_least=True, on=On.PEER)
            yield Row("the same", _rate(runs), peer=Beside(_PLAIN, _rate(plain)), target=target)
        posters = _posters(load, servers)
        yield from _times(f"an append, {what}, {posters:,} posters", runs, plain)
        if judged:
            yield from _cpu(f"CPU per comment, {what}", runs, plain)


def _posters(load: Load, servers: int) -> int:
    return load.posters // servers


def _rate(runs: list[Run]) -> Measured:
    return measured([run.appends.count / run.appends.took_s for run in runs], "/s", 0)


def _times(what: str, runs: list[Run], plain: list[Run]) -> Iterator[Row]:
    figures: Mapping[str, Figure] = {
        "p50": lambda run: run.appends.p50_ms,
        "p99": lambda run: run.appends.p99_ms,
    }
    yield from _beside_plain(what, "ms", figures, runs, plain)


def _cpu(what: str, runs: list[Run], plain: list[Run]) -> Iterator[Row]:
    figures: Mapping[str, Figure] = {
        "the writer": lambda run: run.appends.cpu_s / run.appends.count * 1e6,
        "Cassandra": lambda run: run.servers_us,
    }
    yield from _beside_plain(what, "us", figures, runs, plain)


def _beside_plain(
    what: str, unit: str, figures: Mapping[str, Figure], runs: list[Run], plain: list[Run]
) -> Iterator[Row]:
    for name, figure in figures.items():
        peer = Beside(_PLAIN, measured(list(map(figure, plain)), unit))
        yield Row(f"{what}: {name}", measured(list(map(figure, runs)), unit), peer=peer)
