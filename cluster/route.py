"""Where a video goes: who serves it, who would be asked, whom the gateway picks."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import aiohttp

from cluster.cluster import Cluster
from cluster.errors import ClusterError
from cluster.parts import Kind
from coordination import CoordinationError, HashRing, NoNode, Paths, ZooKeeperSession
from coordination.paths import node_ids
from wire.ids import is_service_id, is_video_id
from wire.roles import Role

SERVED_BY = "X-Served-By"
_DEADLINE_S = 5.0


@dataclass(frozen=True, slots=True)
class Route:
    """`serving`: the nodes registered for the video. `dispatcher`: whom a writer tries first.
    `writer` and `node`: where the gateway sends a post and a stream now; None if nowhere.
    """

    video_id: str
    serving: list[str]
    dispatcher: str | None
    writer: str | None
    node: str | None


async def fetch_route(cluster: Cluster, video_id: str) -> Route:
    """Ask ZooKeeper and the gateway. Raises ClusterError for an impossible id, or when ZooKeeper
    does not answer. The gateway is asked last: to ask it for a stream makes a viewer for a moment.
    """
    if not is_video_id(video_id):
        raise ClusterError(f"{video_id!r} cannot be a video id: 1 to 64 letters, digits, _ or -")
    serving, dispatchers = await _ask_zookeeper(cluster, video_id)
    order = HashRing(dispatchers).order(video_id)
    path = f"{cluster.http_url}/v1/videos/{video_id}"
    return Route(
        video_id=video_id,
        serving=serving,
        dispatcher=order[0] if order else None,
        writer=await _served_by(f"{path}/comments?limit=1"),
        node=await _served_by(f"{path}/stream?replay=0"),
    )


async def _ask_zookeeper(cluster: Cluster, video_id: str) -> tuple[list[str], list[str]]:
    session = ZooKeeperSession(_connect_string(cluster))
    paths = Paths()
    try:
        async with asyncio.timeout(_DEADLINE_S):
            await session.start()
            nodes = node_ids(await _children(session, paths.video(video_id)))[0]
            dispatchers = await _children(session, paths.role(Role.DISPATCHER))
    except (CoordinationError, TimeoutError, OSError) as exc:
        raise ClusterError(f"ZooKeeper does not answer: {exc or 'too slow'}") from exc
    finally:
        await session.stop()
    return sorted(nodes), [name for name in dispatchers if is_service_id(name)]


def _connect_string(cluster: Cluster) -> str:
    servers = [part for part in cluster.parts if part.kind is Kind.ZOOKEEPER]
    hosts = [(cluster.runtime.host(part), part.ports["client"]) for part in servers]
    return ",".join(f"{host}:{port}" for host, port in hosts if host is not None)


async def _children(session: ZooKeeperSession, path: str) -> list[str]:
    try:
        return list(await session.get_children(path))
    except NoNode:
        return []


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
