"""What only Redis between writers and nodes can do to a cluster."""

from __future__ import annotations

import asyncio
import json
import secrets
from typing import Any

import msgspec
from redis.asyncio.connection import Connection

from cluster.cluster import Cluster
from pubsub import channels_of
from tests.clusters import post_comment
from tests.e2e.contract import watching
from tests.e2e.parts import eventually_in_state, figure, state_of
from tests.support import TIMEOUT_FACTOR, eventually
from wire.internal import Batch, Batches, encode

TOPOLOGIES = ("partitioned",)
SMALL = True


async def ask(cluster: Cluster, *command: str | bytes) -> Any:
    """What Redis answers."""
    host, port = cluster.address("redis", "client")
    connection = Connection(host=host, port=port, protocol=2)
    try:
        await connection.send_command(*command)
        return await connection.read_response()
    finally:
        await connection.disconnect()


async def publish(cluster: Cluster, video_id: str, message: bytes) -> int:
    channel = channels_of(cluster.settings.topology, 64).channel(video_id)
    return int(await ask(cluster, "PUBLISH", channel, message))


async def test_processes_start_without_redis_and_use_it_when_it_comes(cluster: Cluster) -> None:
    video_id = secrets.token_hex(6)
    await asyncio.gather(*(cluster.kill(name) for name in ("redis", "node-1", "writer-1")))
    await asyncio.gather(*(cluster.start(name) for name in ("node-1", "writer-1")))
    assert (await state_of(cluster, "node-1"))["degraded"] == {"redis": "away"}
    async with watching(cluster, video_id, at="node-1") as watch:
        await post_comment(cluster, video_id)
        await eventually(lambda: watch.place == 1)  # by the anti-entropy check
        await cluster.start("redis")
        for name in ("node-1", "node-2", "writer-1", "writer-2"):
            await eventually_in_state(cluster, name, lambda state: not state["degraded"])
        before = await figure(cluster, "node-1", "livecomments_messages_total")
        await post_comment(cluster, video_id)
        await eventually(lambda: watch.place == 2)
        async with asyncio.timeout(20 * TIMEOUT_FACTOR):  # the message may come after the check
            while await figure(cluster, "node-1", "livecomments_messages_total") == before:
                await asyncio.sleep(0.05)


async def test_a_redis_that_stands_still_is_noticed_and_costs_an_antientropy_check(
    cluster: Cluster,
) -> None:
    video_id = secrets.token_hex(6)
    async with watching(cluster, video_id) as watch:
        cluster.pause("redis")
        await post_comment(cluster, video_id)  # the 201 does not wait for it
        await eventually(lambda: watch.place == 1)
        for name in ("node-1", "node-2", "writer-1", "writer-2"):
            await eventually_in_state(cluster, name, lambda state: "redis" in state["degraded"])
        await post_comment(cluster, video_id)
        await eventually(lambda: watch.place == 2)
        cluster.resume("redis")
        for name in ("node-1", "node-2", "writer-1", "writer-2"):
            await eventually_in_state(cluster, name, lambda state: not state["degraded"])
        for seq in range(3, 13):
            await post_comment(cluster, video_id)
            await eventually(lambda seq=seq: watch.place == seq)
    assert [event.type for event in watch.events] == ["hello", *["comment"] * 12]


async def test_what_an_outsider_publishes_harms_nobody(cluster: Cluster) -> None:
    """Junk is dropped; what is of another epoch, or not the next number, is not shown."""
    video_id = secrets.token_hex(6)
    async with watching(cluster, video_id) as watch:
        epoch = (await post_comment(cluster, video_id))["id"].partition("-")[0]
        await eventually(lambda: watch.place == 1)
        while await publish(cluster, video_id, b"") == 0:  # until the node is subscribed
            await asyncio.sleep(0.05)
        forged = msgspec.Raw(json.dumps({"seq": 1, "text": "forged"}).encode())
        for of, seq in (("forgedepoch0", 1), ("forgedepoch0", 2), (epoch, 1), (epoch, 900)):
            batch = Batch(video_id, of, seq, (forged,))
            await publish(cluster, video_id, encode(Batches((batch,))))
        for junk in (b"\xff" * 100, b"{}", b"[" * 50_000, b'{"batches":[{}]}'):
            await publish(cluster, video_id, junk)
        for seq in range(2, 6):
            await post_comment(cluster, video_id)
            await eventually(lambda seq=seq: watch.place == seq)
    assert "forged" not in [event.data.get("text") for event in watch.events]
    assert [event.type for event in watch.events] == ["hello", *["comment"] * 5]
    junk_seen = [
        await figure(cluster, name, "livecomments_junk_messages_total")
        for name in ("node-1", "node-2")
    ]
    assert sum(junk_seen) >= 4


async def test_a_forged_comment_is_taken_back_when_the_stored_one_comes(cluster: Cluster) -> None:
    video_id = secrets.token_hex(6)
    async with watching(cluster, video_id) as watch:
        epoch = (await post_comment(cluster, video_id))["id"].partition("-")[0]
        await eventually(lambda: watch.place == 1)
        forged = msgspec.Raw(json.dumps({"seq": 2, "text": "forged"}).encode())
        message = encode(Batches((Batch(video_id, epoch, 2, (forged,)),)))
        while await publish(cluster, video_id, message) == 0:  # until the node is subscribed
            await asyncio.sleep(0.05)
        # It may be found out, and be gone, at any time.
        await eventually(lambda: "forged" in [event.data.get("text") for event in watch.events])
        await post_comment(cluster, video_id)
        await eventually(lambda: len(watch.events) == 6)
    shown = [event.data.get("text", event.type) for event in watch.events]
    assert shown == ["hello", "hi", "forged", "reset", "hi", "hi"]


async def test_redis_keeps_nothing(cluster: Cluster) -> None:
    await post_comment(cluster, secrets.token_hex(6))
    assert await ask(cluster, "DBSIZE") == 0
    assert await ask(cluster, "CONFIG", "GET", "save") == [b"save", b""]
    assert await ask(cluster, "CONFIG", "GET", "appendonly") == [b"appendonly", b"no"]
