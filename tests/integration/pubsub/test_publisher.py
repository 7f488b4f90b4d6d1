"""The publisher with a real Redis, and with what is none."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import structlog

from pubsub.channels import Channels
from pubsub.publisher import Publisher
from service.outbox import OutboxLimits
from service.tasks import TaskHome
from tests.integration.pubsub.conftest import CHANNELS, Ear, allow_mute
from tests.redis_server import RedisServer
from tests.support import TIMEOUT_FACTOR, eventually
from tests.tcp_proxy import TcpProxy
from wire.testing import MemoryComments

Build = Callable[..., Publisher]
Listen = Callable[..., Ear]


async def test_what_is_offered_is_heard_in_order(publisher_on: Build, listen: Listen) -> None:
    store, ear, publisher = MemoryComments(), listen(), publisher_on()
    await ear.subscribe("v1")
    await ear.subscribe("v2")
    await publisher.start()
    assert publisher.connected
    for _ in range(200):
        publisher.offer(store.post("v1", 2))
        publisher.offer(store.post("v2"))
    await eventually(lambda: len(ear.heard) == 600)
    assert ear.seqs("v1") == list(range(1, 401))
    assert ear.seqs("v2") == list(range(1, 201))
    assert publisher.stats.batches == 400
    # What gathers during a write is one message for each channel in it.
    assert publisher.stats.messages < 100
    assert publisher.stats.receivers == publisher.stats.messages


async def test_a_redis_that_is_away_delays_neither_start_nor_offer(
    redis: RedisServer, publisher_on: Build
) -> None:
    await redis.kill()
    store, publisher = MemoryComments(), publisher_on()
    await publisher.start()
    assert not publisher.connected
    began = time.monotonic()
    for _ in range(OutboxLimits().max_batches + 100):
        publisher.offer(store.post("v1"))
    assert time.monotonic() - began < 2.0 * TIMEOUT_FACTOR
    assert publisher.stats.dropped == {"queue_full": 100}
    await publisher.stop()  # at once: nobody would take it
    assert publisher.stats.dropped == {"queue_full": 100, "stopped": OutboxLimits().max_batches}
    publisher.offer(store.post("v1"))
    assert publisher.stats.dropped["stopped"] == OutboxLimits().max_batches + 1


async def test_a_redis_that_comes_back_gets_what_waits(
    redis: RedisServer, publisher_on: Build, listen: Listen
) -> None:
    store, ear, publisher = MemoryComments(), listen(), publisher_on(max_age_s=60.0)
    await ear.subscribe("v1")
    await publisher.start()
    await redis.kill()
    publisher.offer(store.post("v1"))
    await eventually(lambda: not publisher.connected)
    await redis.start()
    await eventually(lambda: publisher.connected)
    # Whether the first one was heard depends on who was back earlier; from here on all are.
    await ear.subscribe("v1")
    publisher.offer(store.post("v1"))
    await eventually(lambda: ear.seqs("v1")[-1:] == [2])
    assert publisher.queued == 0


async def test_an_idle_publisher_notices_that_redis_died(
    redis: RedisServer, publisher_on: Build
) -> None:
    publisher = publisher_on()
    await publisher.start()
    await redis.kill()
    await eventually(lambda: not publisher.connected)
    await redis.start()
    await eventually(lambda: publisher.connected)


async def test_a_blackholed_connection_is_given_up(
    redis: RedisServer, publisher_on: Build, listen: Listen
) -> None:
    store, ear = MemoryComments(), listen()
    await ear.subscribe("v1")
    async with TcpProxy(redis.port) as proxy:
        publisher = publisher_on(f"redis://{proxy.address}")
        await publisher.start()
        proxy.blackhole()
        publisher.offer(store.post("v1"))
        await eventually(lambda: not publisher.connected)
        proxy.heal()
        await eventually(lambda: ear.seqs("v1") != [])
        await eventually(lambda: publisher.connected and publisher.queued == 0)
        await publisher.stop()


async def test_stop_publishes_what_waits(publisher_on: Build, listen: Listen) -> None:
    store, ear, publisher = MemoryComments(), listen(), publisher_on()
    await ear.subscribe("v1")
    await publisher.start()
    for _ in range(50):
        publisher.offer(store.post("v1"))
    await publisher.stop()
    await publisher.stop()
    await eventually(lambda: ear.seqs("v1") == list(range(1, 51)))
    assert not publisher.stats.dropped


async def test_what_is_no_redis_is_away(tasks: TaskHome) -> None:
    """Whatever listens there: the task lives on, the queue stays bounded."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answers[len(met) % len(answers)])
        met.append(1)
        await reader.read(100)
        writer.close()

    answers = [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b":notanumber\r\n",
        b"$99999999999999999999\r\n",
        b"*1\r\n" * 2_000,
        b"\x00\xff\xfe\r\n",
        b"-LOADING it is not ready\r\n",
        b"",
    ]
    met: list[int] = []
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    store = MemoryComments()
    publisher = Publisher(f"redis://127.0.0.1:{port}", Channels(8), tasks)
    ear = Ear(f"redis://127.0.0.1:{port}", tasks)
    ear.subscriber.subscribe("v1")
    await publisher.start()
    publisher.offer(store.post("v1"))
    await eventually(lambda: len(met) >= 3 * len(answers), 60)
    assert publisher.stats.batches == 0
    server.close()


async def test_a_password_is_used_and_a_wrong_one_is_told(
    redis: RedisServer, publisher_on: Build, listen: Listen
) -> None:
    await redis.ask("CONFIG", "SET", "requirepass", "secret word")
    wrong = publisher_on()
    await wrong.start()
    assert not wrong.connected
    store = MemoryComments()
    ear = listen(f"redis://:secret%20word@127.0.0.1:{redis.port}")
    await ear.subscribe("v1")
    right = publisher_on(f"redis://:secret%20word@127.0.0.1:{redis.port}")
    await right.start()
    right.offer(store.post("v1"))
    await eventually(lambda: ear.seqs("v1") == [1])


async def test_a_redis_that_refuses_our_channels_is_away_and_tried_less_and_less(
    redis: RedisServer,
    publisher_on: Build,
    listen: Listen,
    mute_url: str,
) -> None:
    store, ear, publisher = MemoryComments(), listen(), publisher_on(mute_url, max_age_s=60.0)
    await ear.subscribe("v1")
    await publisher.start()
    assert publisher.connected  # nothing was refused yet
    with structlog.testing.capture_logs() as logs:
        began = time.monotonic()
        publisher.offer(store.post("v1"))
        await eventually(lambda: publisher.stats.failures >= 7)
        # At least half of 0.05 + 0.1 + 0.2 + 0.4 + 0.8 + 1 s; a first pause six times is 0.3 s.
        assert time.monotonic() - began > 1.2
        assert [line["event"] for line in logs] == ["redis_away"]
    await allow_mute(redis)
    await eventually(lambda: publisher.connected)
    await eventually(lambda: ear.seqs("v1") == [1])


async def test_nobody_hears_a_channel_that_nobody_wants(
    publisher_on: Build, listen: Listen
) -> None:
    """P6 in the partitioned topologies: a channel, not a video, is what a node asks for."""
    store, ear, publisher = MemoryComments(), listen(), publisher_on()
    await ear.subscribe("v1")
    await publisher.start()
    others = [f"o{number}" for number in range(40)]
    for video_id in others:
        publisher.offer(store.post(video_id))
    publisher.offer(store.post("v1"))
    await eventually(lambda: ("v1", 1) in ear.heard)
    mine = CHANNELS.channel("v1")
    heard = {video_id for video_id, _ in ear.heard}
    assert heard == {"v1"} | {name for name in others if CHANNELS.channel(name) == mine}
