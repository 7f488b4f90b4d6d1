"""The route of a video: the nodes that serve it, the dispatcher that a writer asks first, and where
the gateway sends its posts and streams.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from cluster.cluster import Cluster
from cluster.errors import ClusterError, NotAVideo
from cluster.parts import Kind
from cluster.registered import fetch_way
from pubsub import RedisAway, channels_of, fetch_receivers
from service.config import EnvReader, PubSubConfig
from wire.ids import is_video_id
from wire.topology import PUBSUB, Topology

SERVED_BY = "X-Served-By"
_DEADLINE_S = 5.0


@dataclass(frozen=True, slots=True)
class Route:
    """`serving`: the nodes registered for the video; `dispatcher`: whom a writer tries first.
    `channel`: where it is published on Redis, `heard_by` so many nodes. `writer` and `node`: where
    the gateway sends a post and a stream now; None if nowhere.
    """

    video_id: str
    topology: str
    writer: str | None
    node: str | None
    serving: list[str] = field(default_factory=list)
    dispatcher: str | None = None
    channel: str | None = None
    heard_by: int | None = None


async def fetch_route(cluster: Cluster, video_id: str) -> Route:
    """Ask ZooKeeper or Redis, and the gateway. Raises ClusterError for an impossible id, or when
    one of the former does not answer. The gateway is asked last: to ask it for a stream makes a
    viewer for a moment.
    """
    if not is_video_id(video_id):
        raise NotAVideo(video_id)
    topology = cluster.settings.topology
    way: Mapping[str, Any] = {}
    if topology == Topology.DISPATCHER:
        way = await _ask_zookeeper(cluster, video_id)
    elif topology in PUBSUB:
        way = await _ask_redis(cluster, video_id)
    path = f"{cluster.http_url}/v1/videos/{video_id}"
    writer = await _served_by(f"{path}/comments?limit=1")
    node = await _served_by(f"{path}/stream?replay=0")
    return Route(video_id, topology, writer, node, **way)


async def _ask_redis(cluster: Cluster, video_id: str) -> dict[str, Any]:
    settings = cluster.settings
    known = PubSubConfig.read(EnvReader(settings.variables_for(Kind.WRITER, "writer-1")))
    channel = channels_of(settings.topology, known.channels).channel(video_id)
    host, port = cluster.address(Kind.REDIS, "client")
    try:
        async with asyncio.timeout(_DEADLINE_S):
            heard_by = await fetch_receivers(f"redis://{host}:{port}", channel)
    except (RedisAway, TimeoutError) as exc:
        raise ClusterError(f"Redis does not answer: {str(exc) or 'too slow, or stopped'}") from exc
    return {"channel": channel, "heard_by": heard_by}


async def _ask_zookeeper(cluster: Cluster, video_id: str) -> dict[str, Any]:
    serving, dispatcher = await fetch_way(_connect_string(cluster), video_id)
    return {"serving": serving, "dispatcher": dispatcher}


def _connect_string(cluster: Cluster) -> str:
    servers = [part for part in cluster.parts if part.kind is Kind.ZOOKEEPER]
    hosts = [(cluster.runtime.host(part), part.ports["client"]) for part in servers]
    return ",".join(f"{host}:{port}" for host, port in hosts if host is not None)


async def _served_by(url: str) -> str | None:
    try:
        async with (
            asyncio.timeout(_DEADLINE_S),
            aiohttp.ClientSession() as session,
            session.get(url) as response,
        ):
            return response.headers.get(SERVED_BY)
    except (aiohttp.ClientError, OSError, TimeoutError):
        return None
