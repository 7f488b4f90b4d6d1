"""The contract: what is promised holds on every topology, and these are the same tests for all.

What a topology has no part for is named in `LACKS`, and nowhere else.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from cluster.cluster import Cluster
from cluster.parts import Kind
from tests.chaos.event_source import EventSource
from tests.chaos.history import Trouble, Watch
from tests.chaos.judge import judge
from tests.chaos.judge_times import felt_s
from tests.chaos.load import Load
from tests.chaos.traffic import Shape
from tests.e2e.parts import busiest, eventually_in_state, figure, served_by, state_of
from tests.e2e.raw_http import exchange, get
from tests.support import TIMEOUT_FACTOR, eventually
from wire.topology import PUBSUB, Topology

TOPOLOGIES = tuple(Topology)
SMALL = True
ANOTHER_NODE, BUS = "another node", "a bus"
LACKS = {
    (Topology.SINGLE, ANOTHER_NODE): "there is one process, so nobody to go to meanwhile",
    (Topology.SINGLE, BUS): "nothing lies between the writer and the viewers",
}

RATE = 60
SHAPE = Shape(viewers=40, videos=6, rate=RATE, impatient=0)
STAYING = Shape(viewers=40, videos=6, rate=RATE, impatient=0, churn_s=0)
WARM_UP = 60


def needs(cluster: Cluster, part: str) -> None:
    why = LACKS.get((Topology(cluster.settings.topology), part))
    if why is not None:
        pytest.skip(f"{cluster.settings.topology} has not {part}: {why}")


def servers(cluster: Cluster) -> list[str]:
    """Whoever has viewers."""
    return [part.name for part in cluster.parts if part.kind in (Kind.NODE, Kind.SINGLE)]


def bus(cluster: Cluster) -> list[str]:
    """What lies between writers and nodes, in the order in which it starts."""
    kinds = (Kind.ZOOKEEPER, Kind.REDIS, Kind.DISPATCHER)
    return [part.name for part in cluster.parts if part.kind in kinds]


@asynccontextmanager
async def watching(cluster: Cluster, video_id: str, cursor: str = "") -> AsyncIterator[Watch]:
    """A viewer through the gateway that has its hello."""
    watch = Watch(video_id)
    query = f"?last_event_id={cursor}" if cursor else ""
    source = EventSource(*cluster.address("haproxy", "http"), watch, query)
    task = asyncio.create_task(source.run())
    try:
        await eventually(lambda: watch.place is not None)
        yield watch
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class Comments:
    """The public endpoints of one video."""

    def __init__(self, cluster: Cluster, session: aiohttp.ClientSession) -> None:
        self.video_id = secrets.token_hex(6)
        self._session = session
        self._url = f"{cluster.http_url}/v1/videos/{self.video_id}/comments"

    async def post(self, text: str, **headers: str) -> tuple[int, dict[str, str]]:
        body = {"author": "ann", "text": text}
        async with self._session.post(self._url, json=body, headers=headers) as reply:
            return reply.status, await reply.json()

    async def told(self, text: str) -> dict[str, str]:
        status, comment = await self.post(text)
        assert status == 201
        return comment

    async def page(self, query: str = "") -> dict[str, object]:
        async with self._session.get(self._url + query) as reply:
            assert reply.status == 200
            page: dict[str, object] = await reply.json()
            return page


async def test_what_is_posted_is_stored_numbered_shown_and_found_again(
    cluster: Cluster, session: aiohttp.ClientSession
) -> None:
    comments = Comments(cluster, session)
    async with watching(cluster, comments.video_id) as watch:
        told = [await comments.told(f"comment {number}") for number in range(5)]
        assert [comment["seq"] for comment in told] == [1, 2, 3, 4, 5]
        await eventually(lambda: watch.place == 5)
    assert [event.data for event in watch.events[1:]] == told
    assert await comments.page() == {"comments": told, "head": told[-1]["id"]}
    after = await comments.page(f"?after={told[1]['id']}&limit=2")
    assert after["comments"] == told[2:4]


async def test_a_key_gives_one_comment_and_a_bad_body_none(
    cluster: Cluster, session: aiohttp.ClientSession
) -> None:
    comments, key = Comments(cluster, session), {"Idempotency-Key": secrets.token_hex(6)}
    status, first = await comments.post("once", **key)
    assert status == 201
    assert await comments.post("once", **key) == (200, first)
    status, problem = await comments.post("something else", **key)
    assert (status, problem["code"]) == (422, "idempotency_key_reused")
    status, problem = await comments.post(" ")
    assert (status, problem["code"]) == (422, "invalid_field")
    assert (await comments.page())["comments"] == [first]


async def test_a_cursor_is_continued_by_every_server(
    cluster: Cluster, session: aiohttp.ClientSession
) -> None:
    comments = Comments(cluster, session)
    told = [await comments.told(f"comment {number}") for number in range(5)]
    for name in servers(cluster):
        watch = Watch(comments.video_id)
        query = f"?last_event_id={told[1]['id']}"
        task = asyncio.create_task(
            EventSource(*cluster.address(name, "public"), watch, query).run()
        )
        await eventually(lambda watch=watch: watch.place == 5)
        assert [event.data for event in watch.events[1:]] == told[2:]
        assert watch.events[0].data["node_id"] == name
        task.cancel()


@pytest.mark.parametrize("cursor", ["-1", "abcdefghijkl-1", "EPOCH-999999", "%00"])
async def test_a_cursor_that_cannot_be_is_reset_and_never_refused(
    cluster: Cluster, session: aiohttp.ClientSession, cursor: str
) -> None:
    comments = Comments(cluster, session)
    epoch = (await comments.told("only"))["id"].partition("-")[0]
    async with watching(cluster, comments.video_id, cursor.replace("EPOCH", epoch)) as watch:
        await eventually(lambda: watch.place == 1)
    assert [event.type for event in watch.events] == ["hello", "reset", "comment"]
    assert watch.fatal is None


async def test_what_is_no_stream_is_told_in_a_problem_document(cluster: Cluster) -> None:
    gateway = cluster.address("haproxy", "http")
    for path in ("/v1/videos/a.b/stream", "/v1/videos/a/comments/9", "/v1/other"):
        reply = await exchange(gateway, get(path))
        assert (reply.status, json.loads(reply.body)["status"]) == (404, 404)


async def test_comments_come_to_the_nodes_that_the_topology_says(
    cluster: Cluster, session: aiohttp.ClientSession
) -> None:
    """P6 where it is promised; in `broadcast` its opposite."""
    needs(cluster, ANOTHER_NODE)
    comments = Comments(cluster, session)
    async with watching(cluster, comments.video_id) as watch:
        mine = served_by(watch)
        (other,) = set(servers(cluster)) - {mine}
        if cluster.settings.topology != Topology.BROADCAST:
            # A channel carries many videos: one that was watched there before would let it hear.
            await eventually_in_state(cluster, other, lambda state: state["registered"] == 0)
        # Until the node is heard of, the probe delivers: then nobody was called.
        before = await figure(cluster, mine, "livecomments_received_total")
        while await figure(cluster, mine, "livecomments_received_total") == before:
            await comments.told("early")
        start = await figure(cluster, other, "livecomments_received_total")
        for _ in range(10):
            seq = (await comments.told("live"))["seq"]
            await eventually(lambda seq=seq: watch.place == seq)
    heard = await figure(cluster, other, "livecomments_received_total") - start
    assert heard == (10 if cluster.settings.topology == Topology.BROADCAST else 0)


async def test_a_killed_server_costs_nobody_a_comment(cluster: Cluster) -> None:
    alone = len(servers(cluster)) == 1
    async with Load(cluster.http_url, SHAPE) as load:
        await load.wait_for_posts(WARM_UP)
        name = await busiest(cluster, cluster.part(servers(cluster)[0]).kind, "viewers")
        async with load.trouble(f"{name} killed", 5.0):
            await cluster.kill(name)
            if alone:
                await cluster.start(name)
        await load.wait_for_posts(4 * RATE)
        await cluster.start(name)
        await load.wait_for_posts(RATE)
        assert judge(await load.finish()).broken == []


async def test_a_drained_server_loses_nothing_and_says_bye_to_all(cluster: Cluster) -> None:
    alone = len(servers(cluster)) == 1
    async with Load(cluster.http_url, STAYING) as load:
        await load.wait_for_posts(WARM_UP)
        name = await busiest(cluster, cluster.part(servers(cluster)[0]).kind, "viewers")
        moving = [watch for watch in load.history.watches if served_by(watch) == name]
        async with load.trouble(f"{name} drained", 5.0 if alone else 2.0):
            assert await cluster.drain(name)
            if alone:
                await cluster.start(name)
        await load.wait_for_posts(RATE)
        await cluster.start(name)
        assert judge(await load.finish()).broken == []
    assert moving
    for watch in moving:
        assert "drain" in [event.data["reason"] for event in watch.events if event.type == "bye"]


async def test_without_its_bus_a_cluster_delivers_by_probe_and_heals(cluster: Cluster) -> None:
    """201 is about the store, and streams stay: nothing is felt beyond the probe's few seconds."""
    needs(cluster, BUS)
    away = "redis" if cluster.settings.topology in PUBSUB else "zookeeper"
    async with Load(cluster.http_url, STAYING) as load:
        await load.wait_for_posts(WARM_UP)
        streams = sum(len(watch.streams) for watch in load.history.watches)
        await asyncio.gather(*(cluster.kill(name) for name in bus(cluster)))
        for name in [*servers(cluster), "writer-1", "writer-2"]:
            await eventually_in_state(cluster, name, lambda state: away in state["degraded"])
            assert (await state_of(cluster, name))["ready"]
        await load.wait_for_posts(4 * RATE)
        for name in bus(cluster):
            await cluster.start(name)
        for name in [*servers(cluster), "writer-1", "writer-2"]:
            await eventually_in_state(cluster, name, lambda state: not state["degraded"])
        healed_at = time.monotonic()
        await load.wait_for_posts(2 * RATE)
        history = await load.finish()
        assert judge(history).broken == []
        assert sum(len(watch.streams) for watch in history.watches) == streams
        # What was posted from then on came at once again, not by the probe.
        history.troubles = [Trouble("no bus", history.began_at, healed_at + 1.0, 0.0)]
        assert felt_s(history)[0][1] <= 1.0 * TIMEOUT_FACTOR


async def test_a_viewer_that_stalls_is_cut_and_delays_nobody(
    cluster: Cluster, session: aiohttp.ClientSession
) -> None:
    comments = Comments(cluster, session)
    stalled = socket.socket()
    stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    stalled.connect(cluster.address("haproxy", "http"))
    stalled.sendall(get(f"/v1/videos/{comments.video_id}/stream"))
    async with watching(cluster, comments.video_id) as watch:
        byes = await sum_of(cluster, "livecomments_byes_total")
        posted = 0
        while await sum_of(cluster, "livecomments_byes_total") == byes:
            batch = [comments.told("👍" * 500) for _ in range(50)]
            await asyncio.gather(*batch)
            posted += len(batch)
            await eventually(lambda: watch.place == posted, 5)  # noqa: B023 - this round's
            assert posted < 5_000
        # One that reads goes on as if nothing had been.
        seq = (await comments.told("after"))["seq"]
        await eventually(lambda: watch.place == seq)
    assert [event.data["seq"] for event in watch.events[1:]] == list(range(1, posted + 2))
    stalled.close()


async def sum_of(cluster: Cluster, metric: str) -> float:
    return sum([await figure(cluster, name, metric) for name in servers(cluster)])


async def test_the_table_of_what_is_lacking_is_true(cluster: Cluster) -> None:
    topology = Topology(cluster.settings.topology)
    assert ((topology, ANOTHER_NODE) in LACKS) == (len(servers(cluster)) == 1)
    assert ((topology, BUS) in LACKS) == (not bus(cluster))
