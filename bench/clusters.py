"""A whole cluster for a benchmark: real processes in a temporary folder, gone afterwards."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import uvloop

from bench.child import BenchFailed
from bench.processes import cpu_s_of
from cluster.cluster import Cluster
from cluster.errors import ClusterError, StepFailed
from cluster.parts import Kind
from cluster.settings import Settings

_ASK_WITHIN_S = 10.0
_PER_SOURCE = 1_000  # a node takes 2,000 streams from one address


@asynccontextmanager
async def running(**settings: Any) -> AsyncIterator[Cluster]:
    """A cluster that is ready. Raises BenchFailed if it does not get there."""
    with TemporaryDirectory(prefix="livecomments-bench-") as home:
        cluster = Cluster.create(Settings("bench", **settings), Path(home))
        try:
            await _or_fail(cluster.up())
            yield cluster
        finally:
            await cluster.clean()


@contextmanager
def held(**settings: Any) -> Iterator[tuple[asyncio.Runner, Cluster]]:
    """As `running`, for what is not on an event loop itself: it runs its coroutines on the loop
    that it is given.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        stack = AsyncExitStack()
        cluster = runner.run(stack.enter_async_context(running(**settings)))
        try:
            yield runner, cluster
        finally:
            runner.run(stack.aclose())


@asynccontextmanager
async def only(*names: str, **settings: Any) -> AsyncIterator[Cluster]:
    """Some parts of a cluster, and nothing else, started together. Raises BenchFailed if one does
    not get ready.
    """
    with TemporaryDirectory(prefix="livecomments-bench-") as home:
        cluster = Cluster.create(Settings("bench", **settings), Path(home))
        try:
            await _or_fail(_start(cluster, names))
            yield cluster
        finally:
            await cluster.clean()


async def grow(cluster: Cluster, **changes: Any) -> Cluster:
    """Change what a running cluster is made of. Raises BenchFailed."""
    settings = dataclasses.replace(cluster.settings, **changes)
    grown = Cluster.create(settings, cluster.folder.path.parent)
    await _or_fail(grown.up())
    return grown


def node_ports(cluster: Cluster) -> list[int]:
    """Where nodes take viewers, past the gateway."""
    return [part.ports["public"] for part in cluster.parts if part.kind is Kind.NODE]


def pids(cluster: Cluster, kind: Kind) -> dict[str, int]:
    """The processes of one kind that run, by their parts' names."""
    named = {part.name: cluster.pid(part.name) for part in cluster.parts if part.kind is kind}
    return {name: pid for name, pid in named.items() if pid is not None}


def cpu_by_part(cluster: Cluster) -> dict[str, float]:
    """CPU seconds of every process so far."""
    return {name: cpu_s_of(pid) for kind in Kind for name, pid in pids(cluster, kind).items()}


async def ask(cluster: Cluster, name: str, path: str) -> Any:
    """JSON from a part's ops listener. Raises BenchFailed."""
    return json.loads(await _get(f"{cluster.url(name)}{path}"))


async def metric(cluster: Cluster, name: str, metric_name: str) -> float:
    """The sum over all labels of one of a part's metrics. Raises BenchFailed."""
    lines = (await _get(f"{cluster.url(name)}/metrics")).decode().splitlines()
    full = f"livecomments_{metric_name}"
    found = [line for line in lines if line.startswith((full + " ", full + "{"))]
    return sum(float(line.rpartition(" ")[2]) for line in found)


def source_address(number: int) -> str:
    """The loopback address from which the viewer of that number connects."""
    return f"127.0.1.{number // _PER_SOURCE + 1}"


def growth(before: dict[str, float], after: dict[str, float], names: Iterable[str]) -> float:
    """How much more the figures of these parts add up to."""
    return sum(after[name] - before[name] for name in names)


async def _start(cluster: Cluster, names: Sequence[str]) -> None:
    await asyncio.gather(*map(cluster.start, names))


async def _or_fail(step: Awaitable[None]) -> None:
    try:
        await step
    except StepFailed as exc:
        raise BenchFailed(f"no cluster: {exc}\n{exc.log_tail}") from exc
    except ClusterError as exc:
        raise BenchFailed(f"no cluster: {exc}") from exc


async def _get(url: str) -> bytes:
    def get() -> bytes:
        with urllib.request.urlopen(url, timeout=_ASK_WITHIN_S) as reply:
            return bytes(reply.read())

    try:
        return await asyncio.to_thread(get)
    except OSError as exc:
        raise BenchFailed(f"{url}: {exc}") from exc
