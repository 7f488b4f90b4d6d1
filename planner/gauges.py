"""What the parts of a running cluster say of themselves: CPU, memory, counters."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp

from bench.child import BenchFailed
from bench.processes import cpu_s_of, rss_of
from cluster.cluster import Cluster
from cluster.parts import Kind, Part
from planner.model import DISPATCHER, GATEWAY, NODE, STAGES, WRITER

_WITHIN_S = 5.0
_STAGE_OF = {Kind.HAPROXY: GATEWAY}


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything at one moment. `counters`: sums over the processes of a stage, by
    "stage.metric"; `cpu_s` and `rss_bytes` by stage; `fullest`: viewers of the fullest node.
    """

    at: float
    cpu_s: Mapping[str, float]
    rss_bytes: Mapping[str, float]
    counters: Mapping[str, float]
    fullest: float


async def read(cluster: Cluster) -> Reading:
    """Ask all parts. Raises BenchFailed if one does not answer."""
    cpu_s, rss = dict.fromkeys(STAGES, 0.0), dict.fromkeys(STAGES, 0.0)
    at = time.monotonic()
    for part in cluster.parts:
        stage, pid = _stage(part), cluster.pid(part.name)
        if pid is None:
            raise BenchFailed(f"{part.name} does not run")
        cpu_s[stage] += cpu_s_of(pid)
        rss[stage] += rss_of(pid)
    counters: dict[str, float] = {}
    fullest = 0.0
    for part, figures in await _figures(cluster):
        for name, value in figures.items():
            key = f"{_stage(part)}.{name}"
            counters[key] = counters.get(key, 0.0) + value
        fullest = max(fullest, figures.get("livecomments_viewers", 0.0))
    return Reading(at, cpu_s, rss, counters, fullest)


def _stage(part: Part) -> str:
    return _STAGE_OF.get(part.kind, str(part.kind))


async def _figures(cluster: Cluster) -> list[tuple[Part, dict[str, float]]]:
    ours = [part for part in cluster.parts if str(part.kind) in (WRITER, DISPATCHER, NODE)]
    keepers = [part for part in cluster.parts if part.kind is Kind.ZOOKEEPER]
    try:
        async with (
            asyncio.timeout(_WITHIN_S),
            aiohttp.ClientSession() as session,
        ):
            read = [(part, await _metrics(session, part)) for part in ours]
            return read + [(part, await _monitor(part)) for part in keepers]
    except (OSError, TimeoutError, aiohttp.ClientError) as exc:
        raise BenchFailed(f"a part does not answer: {exc}") from exc


async def _metrics(session: aiohttp.ClientSession, part: Part) -> dict[str, float]:
    """Prometheus text; the values of all labels are summed."""
    async with session.get(f"http://127.0.0.1:{part.ports['ops']}/metrics") as reply:
        text = await reply.text()
    figures: dict[str, float] = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            name, _, value = line.rpartition(" ")
            name = name.partition("{")[0]
            figures[name] = figures.get(name, 0.0) + float(value)
    return figures


async def _monitor(part: Part) -> dict[str, float]:
    """ZooKeeper's `mntr`."""
    reader, writer = await asyncio.open_connection("127.0.0.1", part.ports["client"])
    try:
        writer.write(b"mntr")
        text = (await reader.read()).decode()
    finally:
        writer.close()
    figures: dict[str, float] = {}
    for line in text.splitlines():
        name, _, value = line.partition("\t")
        try:
            figures[name] = float(value)
        except ValueError:  # versions and states
            continue
    return figures
