"""What is registered in a ZooKeeper, also of a cluster that this command did not make.

Invariants: it is only read, no znode is made, changed or watched. What is told is what processes
have announced: a process that is cut off from ZooKeeper is missing, one that just died may still be
there, for as long as its session lasts.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from cluster.addresses import join_port
from cluster.errors import ClusterError, NotAVideo
from coordination import CoordinationError, HashRing, Member, NoNode, Paths, ZooKeeperSession
from coordination.member import decode_member
from coordination.member_watch import MAX_MEMBERS
from coordination.paths import node_ids
from wire.ids import is_service_id, is_video_id
from wire.roles import Role

ANNOUNCED = (Role.WRITER, Role.DISPATCHER, Role.NODE)  # in topology `dispatcher`; no others are
_DEADLINE_S = 5.0
_PATHS = Paths()


@dataclass(frozen=True, slots=True)
class Registered:
    """A process that is a member. `address`: of its internal listener. `since`: when this life of
    it began, by its own clock, as in RFC 3339.
    """

    name: str
    role: Role
    address: str
    since: str


@dataclass(frozen=True, slots=True)
class RegisteredRoute:
    """`serving`: the nodes registered for the video, and their addresses; "" for one that is no
    member. `dispatcher`: whom a writer tries first.
    """

    video_id: str
    serving: Mapping[str, str]
    dispatcher: str | None
    dispatcher_address: str


async def fetch_registered(zookeeper: str) -> list[Registered]:
    """All members, by role. `zookeeper`: `host:port,...`. Raises ClusterError if it does not
    answer.
    """
    async with _reading(zookeeper) as session:
        of_each = [await _members(session, role) for role in ANNOUNCED]
    return [_registered(member) for members in of_each for member in members.values()]


async def fetch_registered_route(zookeeper: str, video_id: str) -> RegisteredRoute:
    """Where a video is served. Raises ClusterError as `fetch_registered` does, or for an impossible
    id.
    """
    if not is_video_id(video_id):
        raise NotAVideo(video_id)
    async with _reading(zookeeper) as session:
        nodes, dispatcher = await _way(session, video_id)
        known = await _members(session, Role.NODE)
        dispatchers = await _members(session, Role.DISPATCHER)
    serving = {name: _address(known.get(name)) for name in nodes}
    return RegisteredRoute(video_id, serving, dispatcher, _address(dispatchers.get(dispatcher)))


async def fetch_way(zookeeper: str, video_id: str) -> tuple[list[str], str | None]:
    """The nodes that serve a video, and the dispatcher that a writer tries first. Raises
    ClusterError.
    """
    async with _reading(zookeeper) as session:
        return await _way(session, video_id)


@asynccontextmanager
async def _reading(zookeeper: str) -> AsyncIterator[ZooKeeperSession]:
    session = ZooKeeperSession(zookeeper)
    try:
        async with asyncio.timeout(_DEADLINE_S):
            await session.start()
            yield session
    except (CoordinationError, TimeoutError, OSError) as exc:
        why = str(exc) or "too slow, or stopped"
        raise ClusterError(f"ZooKeeper does not answer: {why}") from exc
    finally:
        await session.stop()


async def _way(session: ZooKeeperSession, video_id: str) -> tuple[list[str], str | None]:
    nodes = node_ids(await _children(session, _PATHS.video(video_id)))[0]
    names = await _children(session, _PATHS.role(Role.DISPATCHER))
    order = HashRing(filter(is_service_id, names)).order(video_id)
    return sorted(nodes), order[0] if order else None


async def _members(session: ZooKeeperSession, role: Role) -> dict[str | None, Member]:
    names = await _children(session, _PATHS.role(role))
    ids = sorted(filter(is_service_id, names))[:MAX_MEMBERS]
    found = await session.get_many([_PATHS.member(role, name) for name in ids]) if ids else []
    read = zip(ids, found, strict=True)
    members = [decode_member(role, name, each[0]) for name, each in read if each is not None]
    return {member.id: member for member in members if member is not None}


async def _children(session: ZooKeeperSession, path: str) -> Sequence[str]:
    try:
        return await session.get_children(path)
    except NoNode:
        return ()


def _registered(member: Member) -> Registered:
    began = dt.datetime.fromtimestamp(int(member.boot_id.partition("-")[0]) // 1000, dt.UTC)
    since = began.isoformat().replace("+00:00", "Z")
    return Registered(member.id, member.role, _address(member), since)


def _address(member: Member | None) -> str:
    return "" if member is None else join_port(member.host, member.port)
