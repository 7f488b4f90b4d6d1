"""The map of a running cluster: what every process shows of all, also when one is killed."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from cluster.cluster import Cluster
from cluster.parts import ROLES
from tests.chaos.event_source import EventSource
from tests.chaos.history import Watch
from tests.clusters import post_comment
from tests.e2e.contract import servers
from tests.support import TIMEOUT_FACTOR, eventually
from wire.topology import Topology

TOPOLOGIES = tuple(Topology)
SMALL = True
PACE_S = 0.02

Map = dict[str, Any]


def ours(cluster: Cluster) -> list[str]:
    return [part.name for part in cluster.parts if part.kind in ROLES]


async def fetch_map(cluster: Cluster, name: str) -> Map:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{cluster.url(name)}/map.json") as reply,
    ):
        assert reply.status == 200
        document: Map = await reply.json()
        return document


async def until(cluster: Cluster, name: str, wanted: Callable[[Map], bool]) -> Map:
    """The map of a process, when it shows that."""
    document: Map = {}
    try:
        async with asyncio.timeout(40 * TIMEOUT_FACTOR):
            while not (document and wanted(document)):
                document = await fetch_map(cluster, name)
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise AssertionError(document) from None
    return document


def states(document: Map) -> dict[str, str]:
    return {member["id"]: member["state"] for member in document["members"]}


@asynccontextmanager
async def watched(cluster: Cluster) -> AsyncIterator[Watch]:
    watch = Watch(secrets.token_hex(6))
    viewer = asyncio.create_task(EventSource(*cluster.address("haproxy", "http"), watch).run())
    await eventually(lambda: watch.place == 0)
    try:
        yield watch
    finally:
        viewer.cancel()
        await asyncio.gather(viewer, return_exceptions=True)


async def test_every_process_shows_all_of_them_and_what_goes_through_them(
    cluster: Cluster,
) -> None:
    async with watched(cluster) as watch:

        async def keep_posting() -> None:
            while True:
                await post_comment(cluster, watch.video_id)
                await asyncio.sleep(PACE_S)

        def shows_the_video(document: Map) -> bool:
            ready = all(states(document).get(name) == "ready" for name in ours(cluster))
            videos = {video["video_id"]: video for video in document["videos"]}
            mine, totals = videos.get(watch.video_id, {"viewers": 0}), document["totals"]
            moving = totals["comments_per_s"] and totals["deliveries_per_s"]
            routed = cluster.settings.topology != Topology.DISPATCHER or any(
                mine.get("routes", {}).values()
            )
            return bool(ready and mine["viewers"] == 1 and moving and routed)

        async with asyncio.TaskGroup() as tasks:  # a post that fails ends it all
            posting = tasks.create_task(keep_posting())
            for name in ours(cluster):
                document = await until(cluster, name, shows_the_video)
                assert document["by"] == name
                assert set(states(document)) == set(ours(cluster)), "nobody else, nobody twice"
                assert document["notes"] == []
            posting.cancel()


def misses_only(shown: dict[str, Any], killed: str, others: list[str]) -> bool:
    """Who answers too late for one document is missed in it too, so it takes one without."""
    found = states(shown)
    there = {found.get(other) for other in others}
    return found.get(killed) == "unreachable" and there <= {"ready", "degraded"}


async def test_a_killed_process_is_missed_by_the_others(cluster: Cluster) -> None:
    killed, *others = reversed(ours(cluster))
    if not others:  # topology single: there is nobody to tell
        assert servers(cluster) == [killed]
        return
    await cluster.kill(killed)
    for name in others:
        document = await until(cluster, name, lambda shown: misses_only(shown, killed, others))
        (member,) = [one for one in document["members"] if one["id"] == killed]
        assert (member["role"], member["viewers"]) == (str(cluster.part(killed).kind), None)
    await cluster.start(killed)
    await until(cluster, others[0], lambda shown: states(shown).get(killed) == "ready")
