"""The state of every part of a cluster; all parts are asked at once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from cluster.addresses import join_port
from cluster.cluster import Cluster
from cluster.parts import ROLES, Kind, Part
from cluster.readiness import fetch_readiness, fetch_state
from cluster.runtime import Condition
from cluster.servers import haproxy_socket, zookeeper

_ADDRESS_USES = ("http", "public", "cql", "client", "internal")


@dataclass(frozen=True, slots=True)
class Row:
    """One part. `health` says in words why it is not ready, or what it does without; None where a
    figure makes no sense or nobody answered.
    """

    name: str
    role: str
    pid: int | None
    address: str
    ready: bool
    health: str
    viewers: int | None = None
    videos: int | None = None
    queues: dict[str, int] = field(default_factory=dict)
    zookeeper: str | None = None
    redis: str | None = None


async def fetch_rows(cluster: Cluster) -> list[Row]:
    """All parts, in the order in which they start."""
    return list(await asyncio.gather(*(_fetch_row(cluster, part) for part in cluster.parts)))


def lost_rows(cluster: Cluster) -> list[Row]:
    """What runs of a cluster whose saved state is lost; without it there is no telling where to
    ask.
    """
    runtime = cluster.runtime
    return [
        Row(
            name, name.partition("-")[0], runtime.pid(name), "", False, str(runtime.condition(name))
        )
        for name in runtime.names()
    ]


async def _fetch_row(cluster: Cluster, part: Part) -> Row:
    condition = cluster.condition(part.name)
    host = cluster.runtime.host(part)
    ready, health, figures = False, str(condition), dict[str, Any]()
    if condition is Condition.RUNNING:
        readiness, figures = await asyncio.gather(
            fetch_readiness(part, host), fetch_figures(cluster, part)
        )
        ready, health = readiness.ready, readiness.words
    use = next(use for use in _ADDRESS_USES if use in part.ports)
    return Row(
        name=part.name,
        role=str(part.kind),
        pid=cluster.pid(part.name),
        address=join_port(host, part.ports[use]) if host is not None else "",
        ready=ready,
        health=health,
        viewers=figures.get("viewers"),
        videos=figures.get("videos"),
        queues=figures.get("queues") or {},
        zookeeper=figures.get("zookeeper"),
        redis=figures.get("redis"),
    )


async def fetch_figures(cluster: Cluster, part: Part) -> dict[str, Any]:
    """viewers, videos, queues, zookeeper, redis of one part, as far as it has them and answers."""
    host = cluster.runtime.host(part)
    if part.kind in ROLES:
        return await fetch_state(part, host)
    if part.kind is Kind.ZOOKEEPER and host is not None:
        return _of_srvr(await zookeeper.ask(host, part.ports["client"], "srvr"))
    return await _fetch_gateway_figures(cluster) if part.kind is Kind.HAPROXY else {}


async def _fetch_gateway_figures(cluster: Cluster) -> dict[str, Any]:
    try:
        return _of_stats(await haproxy_socket.fetch_stats(cluster.runtime.control()))
    except (OSError, TimeoutError):
        return {}


def _of_srvr(reply: str) -> dict[str, Any]:
    fields = dict(line.split(": ", 1) for line in reply.splitlines() if ": " in line)
    return {"queues": {"requests": int(fields["Outstanding"])}} if "Outstanding" in fields else {}


def _of_stats(rows: list[dict[str, str]]) -> dict[str, Any]:
    streams = {row["svname"]: row for row in rows if row.get("pxname") == "streams"}
    backends = [row for row in rows if row.get("svname") == "BACKEND"]
    return {
        "viewers": int(streams["BACKEND"]["scur"]) if "BACKEND" in streams else None,
        "queues": {row["pxname"]: int(row["qcur"]) for row in backends},
    }
