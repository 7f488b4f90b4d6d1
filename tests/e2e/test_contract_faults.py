"""The contract while parts die: on every topology the history of every client is judged."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from contextlib import nullcontext

import aiohttp

from cluster.cluster import Cluster
from tests.chaos.history import History, Refusal, Trouble, Watch
from tests.chaos.judge import judge
from tests.chaos.judge_times import impact_s
from tests.chaos.load import Load
from tests.chaos.traffic import Shape
from tests.e2e.contract import ANOTHER_WRITER, BUS, Comments, bus, needs, servers, writers
from tests.e2e.parts import busiest, eventually_in_state, figure, served_by, state_of
from tests.raw_http import Reply, exchange_cut, get
from tests.sse_parser import SseParser
from tests.support import TIMEOUT_FACTOR, eventually
from wire.sse import CONTENT_TYPE
from wire.topology import PUBSUB, Topology

TOPOLOGIES = tuple(Topology)
SMALL = True

RATE = 60
SHAPE = Shape(viewers=40, videos=6, rate=RATE, impatient=0)
STAYING = Shape(viewers=40, videos=6, rate=RATE, impatient=0, churn_s=0)
WARM_UP = 60


async def test_a_killed_server_costs_nobody_a_comment(cluster: Cluster) -> None:
    alone = len(servers(cluster)) == 1
    async with Load.on(cluster, SHAPE) as load:
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


async def test_a_killed_writer_costs_nobody_a_comment(cluster: Cluster) -> None:
    needs(cluster, ANOTHER_WRITER)
    async with Load.on(cluster, SHAPE) as load:
        accepted = {name: await accepted_by(cluster, name) for name in writers(cluster)}
        await load.wait_for_posts(WARM_UP)
        taken = {name: await accepted_by(cluster, name) - had for name, had in accepted.items()}
        name = max(taken, key=lambda name: taken[name])
        async with load.trouble(f"{name} killed", 5.0):
            await cluster.kill(name)
        await load.wait_for_posts(2 * RATE)
        await cluster.start(name)
        await load.wait_for_posts(RATE)
        assert judge(await load.finish()).broken == []
    assert (await state_of(cluster, name))["ready"]


async def accepted_by(cluster: Cluster, name: str) -> float:
    return await figure(cluster, name, "livecomments_comments_accepted_total")


async def test_a_key_means_the_same_comment_to_every_writer_and_after_a_kill(
    cluster: Cluster, session: aiohttp.ClientSession
) -> None:
    comments, key = Comments(cluster, session), secrets.token_hex(6)
    name, *others = writers(cluster)
    status, first = await comments.post("once", key, at=name)
    assert (status, first["seq"]) == (201, 1)
    for other in [name, *others]:
        assert await comments.post("once", key, at=other) == (200, first)
    await cluster.kill(name)
    for other in others:
        assert await comments.post("once", key, at=other) == (200, first)
    await cluster.start(name)
    for other in [name, *others]:
        assert await comments.post("once", key, at=other) == (200, first)
        status, problem = await comments.post("something else", key, at=other)
        assert (status, problem["code"]) == (422, "idempotency_key_reused")
    status, second = await comments.post("twice", secrets.token_hex(6), at=name)
    assert (status, second["seq"]) == (201, 2)
    for other in [name, *others]:
        assert (await comments.page(at=other))["comments"] == [first, second]


async def test_a_drained_server_loses_nothing_and_says_bye_to_all(cluster: Cluster) -> None:
    """Where others take over nothing is observed of it: no call and no connect fails."""
    alone = len(servers(cluster)) == 1
    async with Load.on(cluster, STAYING) as load:
        await load.wait_for_posts(WARM_UP)
        name = await busiest(cluster, cluster.part(servers(cluster)[0]).kind, "viewers")
        moving = [watch for watch in load.history.watches if served_by(watch) == name]
        async with load.trouble(f"{name} drained", 5.0) if alone else nullcontext():
            assert await cluster.drain(name)
            if alone:
                await cluster.start(name)
        await load.wait_for_posts(RATE)
        await cluster.start(name)
        history = await load.finish()
    assert judge(history).broken == []
    assert refused(history) == []
    assert moving
    assert all("drain" in byes_of(watch) for watch in moving)
    if not alone:
        assert {bye for watch in history.watches for bye in byes_of(watch)} == {"drain"}


async def test_when_all_servers_die_the_gateway_says_bye_and_all_come_back_whole(
    cluster: Cluster,
) -> None:
    """An EventSource lives on: it is answered with 200 and told when to come again."""
    names = servers(cluster)
    async with Load.on(cluster, STAYING) as load:
        await load.wait_for_posts(WARM_UP)
        request = get(f"/v1/videos/{load.videos[0]}/stream")
        watches = load.history.watches
        async with load.trouble("all servers killed", 10.0):
            await asyncio.gather(*(cluster.kill(name) for name in names))
            replies = [await exchange_cut(cluster.address("haproxy", "http"), request)]
            await eventually(lambda: all(watch.events[-1].type == "bye" for watch in watches), 30)
            replies.append(await exchange_cut(cluster.address("haproxy", "http"), request))
            await asyncio.gather(*(cluster.start(name) for name in names))
        await load.wait_for_posts(RATE)
        history = await load.finish()
    assert judge(history).broken == []
    assert refused(history) == []
    assert {bye for watch in watches for bye in byes_of(watch)} == {"unavailable"}
    for reply in replies:
        is_bye_of_the_gateway(reply)


def is_bye_of_the_gateway(reply: Reply) -> None:
    assert (reply.status, reply.headers["content-type"]) == (200, CONTENT_TYPE)
    parser = SseParser()
    (bye,) = parser.feed(reply.body)
    assert (bye.type, json.loads(bye.data), bye.last_event_id) == (
        "bye",
        {"reason": "unavailable"},
        "",
    )
    assert parser.retry_ms is not None
    assert 1_000 <= parser.retry_ms <= 3_000


def byes_of(watch: Watch) -> list[str]:
    """The reasons of all byes that a viewer was told."""
    return [event.data["reason"] for event in watch.events if event.type == "bye"]


def refused(history: History) -> list[Refusal]:
    return [refusal for watch in history.watches for refusal in watch.refused]


async def test_without_its_bus_a_cluster_delivers_by_antientropy_and_heals(
    cluster: Cluster,
) -> None:
    """201 is about the store, and streams stay: nothing is observed beyond the anti-entropy check's
    few seconds.
    """
    needs(cluster, BUS)
    away = "redis" if cluster.settings.topology in PUBSUB else "zookeeper"
    async with Load.on(cluster, STAYING) as load:
        await load.wait_for_posts(WARM_UP)
        streams = sum(len(watch.streams) for watch in load.history.watches)
        async with load.trouble("no bus", 1.0, only_routes=True):
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
        # What was posted from then on came at once again, not by the anti-entropy check.
        history.troubles = [Trouble("no bus", history.began_at, healed_at + 1.0, 0.0)]
        assert impact_s(history)[0][1] <= 1.0 * TIMEOUT_FACTOR + history.lag_s
