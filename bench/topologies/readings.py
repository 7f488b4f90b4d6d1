"""What a cluster has used and done so far, read from outside: /proc and each part's metrics."""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from dataclasses import dataclass, field

import aiohttp

from bench.child import BenchFailed
from bench.processes import cpu_s_of, rss_of
from bench.topologies.serving import serving_parts
from cluster.cluster import Cluster
from cluster.parts import Kind, Part
from cluster.servers import zookeeper

_WITHIN_S = 10.0
_COUNTED = ("messages", "received", "not_subscribed", "deliveries", "repairs")
_HELD = "livecomments_subscriptions"
_ZNODES = re.compile(r"^zk_znode_count\t(\d+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Reading:
    """At one moment. `cpu_s` and `rss_bytes` by role; `totals` over all nodes since their start;
    `held`: all znodes in ZooKeeper (registrations, the videos' parents, members, and some that it
    has by itself), or subscriptions at Redis.
    """

    cpu_s: dict[str, float] = field(default_factory=dict)
    rss_bytes: dict[str, float] = field(default_factory=dict)
    totals: dict[str, float] = field(default_factory=dict)
    held: float = 0.0


async def read(cluster: Cluster) -> Reading:
    """Ask every part. Raises BenchFailed if one does not answer."""
    cpu_s: dict[str, float] = defaultdict(float)
    rss_bytes: dict[str, float] = defaultdict(float)
    totals: dict[str, float] = defaultdict(float)
    held = 0.0
    for part in cluster.parts:
        pid = cluster.pid(part.name)
        if pid is not None:
            cpu_s[part.kind] += cpu_s_of(pid)
            rss_bytes[part.kind] += rss_of(pid)
    serving = serving_parts(cluster)
    for figures in await asyncio.gather(*(_fetch(cluster, part) for part in serving)):
        for name in _COUNTED:
            totals[name] += figures.get(f"livecomments_{name}_total", 0.0)
        held += figures.get(_HELD, 0.0)
    for part in cluster.parts:
        if part.kind is Kind.ZOOKEEPER:
            held = max(
                held, find_znodes(await zookeeper.ask(part.host, part.ports["client"], "mntr"))
            )
    return Reading(cpu_s, rss_bytes, totals, held)


def find_znodes(reply: str) -> int:
    """How many there are, of what a ZooKeeper server answers to `mntr`. Raises BenchFailed."""
    found = _ZNODES.search(reply)
    if found is None:
        raise BenchFailed("ZooKeeper does not tell how many znodes there are")
    return int(found[1])


async def _fetch(cluster: Cluster, part: Part) -> dict[str, float]:
    """Metrics without labels."""
    try:
        async with (
            asyncio.timeout(_WITHIN_S),
            aiohttp.ClientSession() as session,
            session.get(f"{cluster.url(part.name)}/metrics", raise_for_status=True) as reply,
        ):
            lines = (await reply.text()).splitlines()
    except (aiohttp.ClientError, OSError, TimeoutError) as exc:
        raise BenchFailed(f"{part.name} tells no metrics: {exc!r}") from exc
    words = (line.split() for line in lines if line and line[0] != "#" and "{" not in line)
    return {name: float(value) for name, value in words}
