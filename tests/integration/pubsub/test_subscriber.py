"""The subscriber with a real Redis, and with a link that a test can cut."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import Callable

import pytest

from pubsub import subscriber
from service.tasks import TaskHome
from tests.integration.pubsub.conftest import CHANNELS, Ear, allow_mute
from tests.redis_server import RedisServer
from tests.support import eventually
from tests.tcp_proxy import TcpProxy
from wire.internal import Batches, encode
from wire.testing import MemoryComments

Listen = Callable[..., Ear]


async def channels_with_ears(redis: RedisServer) -> set[str]:
    return {name.decode() for name in await redis.ask("PUBSUB", "CHANNELS")}


async def publish(redis: RedisServer, store: MemoryComments, video_id: str) -> int:
    message = encode(Batches((store.post(video_id),)))
    return int(await redis.ask("PUBLISH", CHANNELS.channel(video_id), message))


def beside(video_id: str) -> str:
    """Another video on the same channel."""
    others = (f"o{number}" for number in itertools.count())
    return next(name for name in others if CHANNELS.channel(name) == CHANNELS.channel(video_id))


async def test_a_video_is_heard_and_announced_from_its_confirmation_on(
    redis: RedisServer, listen: Listen
) -> None:
    store, ear = MemoryComments(), listen()
    assert await publish(redis, store, "v1") == 0
    await ear.subscribe("v1")
    assert ear.announced == ["v1"]
    assert ear.subscriber.subscriptions == 1
    assert await publish(redis, store, "v1") == 1
    await eventually(lambda: ear.seqs("v1") == [2])


async def test_a_video_that_joins_a_channel_that_is_held_is_announced_soon_after(
    redis: RedisServer, listen: Listen
) -> None:
    """Not inside `join`: its room is not ready for an anti-entropy check."""
    ear = listen()
    await ear.subscribe("v1")
    ear.subscriber.subscribe(beside("v1"))
    assert ear.announced == ["v1"]
    await eventually(lambda: ear.announced == ["v1", beside("v1")])


async def test_a_video_that_leaves_and_joins_at_once_is_announced_again(
    redis: RedisServer, listen: Listen
) -> None:
    """Redis is told nothing of it, and what came between had no room."""
    ear = listen()
    await ear.subscribe("v1")
    ear.subscriber.unsubscribe("v1")
    ear.subscriber.subscribe("v1")
    await eventually(lambda: ear.announced == ["v1", "v1"])


async def test_the_last_video_of_a_channel_ends_its_subscription(
    redis: RedisServer, listen: Listen
) -> None:
    ear = listen()
    await ear.subscribe("v1")
    ear.subscriber.unsubscribe("v1")
    await eventually(lambda: ear.subscriber.subscriptions == 0)
    assert await channels_with_ears(redis) == set()
    await ear.subscribe("v1")
    assert ear.announced == ["v1", "v1"]
    assert await channels_with_ears(redis) == {CHANNELS.channel("v1")}


async def test_some_channels_are_heard_without_any_video(
    redis: RedisServer, listen: Listen
) -> None:
    ear = listen(always=CHANNELS.all())
    await eventually(lambda: ear.subscriber.subscriptions == len(CHANNELS.all()))
    await publish(redis, MemoryComments(), "nobody-asked")
    await eventually(lambda: ear.seqs("nobody-asked") == [1])


async def test_after_a_cut_everything_is_subscribed_and_announced_anew(
    redis: RedisServer, listen: Listen
) -> None:
    store = MemoryComments()
    videos = [f"v{number}" for number in range(30)]
    async with TcpProxy(redis.port) as proxy:
        ear = listen(f"redis://{proxy.address}")
        for video_id in videos:
            ear.subscriber.subscribe(video_id)
        await eventually(lambda: set(ear.announced) == set(videos) and ear.connected == [True])
        proxy.cut()
        await eventually(lambda: ear.connected == [True, False])
        assert ear.subscriber.subscriptions == 0
        ear.subscriber.unsubscribe("v0")
        ear.subscriber.subscribe("while-away")
        ear.announced.clear()
        proxy.heal()
        await eventually(lambda: {*videos[1:], "while-away"} <= set(ear.announced))
        await eventually(lambda: ear.connected == [True, False, True])
        await publish(redis, store, "while-away")
        await eventually(lambda: ear.seqs("while-away") == [1])
        await ear.tasks.aclose()


async def test_a_blackholed_connection_is_noticed_and_replaced(
    redis: RedisServer, listen: Listen
) -> None:
    async with TcpProxy(redis.port) as proxy:
        ear = listen(f"redis://{proxy.address}")
        await ear.subscribe("v1")
        proxy.blackhole()
        await eventually(lambda: ear.connected[-1] is False, 15)
        proxy.heal()
        await eventually(lambda: ear.connected[-1] is True)
        await eventually(lambda: ear.announced.count("v1") >= 2)
        await ear.tasks.aclose()


async def test_a_stopped_redis_is_noticed_and_used_again_when_it_goes_on(
    redis: RedisServer, listen: Listen
) -> None:
    ear = listen()
    await ear.subscribe("v1")
    redis.pause()
    await eventually(lambda: ear.subscriber.stats.failures >= 2, 15)  # it came back in vain, too
    assert ear.connected[-1] is False
    redis.resume()
    await eventually(lambda: ear.connected[-1] is True)
    await eventually(lambda: ear.subscriber.subscriptions == 1)
    assert ear.task.cancelling() == 0  # else a timeout of its own could end it one day


async def test_a_stopped_redis_is_noticed_while_videos_come_and_go(
    redis: RedisServer, listen: Listen
) -> None:
    """On a channel that is held, and on one that is subscribed to and left each time."""
    ear = listen()
    await ear.subscribe("v1")
    held, left = beside("v1"), "v2"
    assert CHANNELS.channel(left) != CHANNELS.channel("v1")

    async def come_and_go() -> None:
        while True:
            for act in (ear.subscriber.subscribe, ear.subscriber.unsubscribe):
                act(held)
                act(left)
                await asyncio.sleep(0.005)

    coming_and_going = asyncio.ensure_future(come_and_go())
    redis.pause()
    await eventually(lambda: ear.connected[-1] is False, 15)
    redis.resume()
    await eventually(lambda: ear.connected[-1] is True)
    coming_and_going.cancel()


async def test_a_redis_that_refuses_our_channels_is_away_and_tried_less_and_less(
    redis: RedisServer, listen: Listen, mute_url: str
) -> None:
    began = time.monotonic()
    ear = listen(mute_url)
    ear.subscriber.subscribe("v1")
    await eventually(lambda: ear.subscriber.stats.failures >= 7)
    # At least half of 0.05 + 0.1 + 0.2 + 0.4 + 0.8 + 1 s; a first pause six times is 0.3 s at most.
    assert time.monotonic() - began > 1.2
    assert ear.connected == [False]
    await allow_mute(redis)
    await eventually(lambda: ear.connected == [False, True])
    assert ear.announced == ["v1"]


async def test_a_redis_is_there_while_nothing_is_wanted_that_it_refuses(
    redis: RedisServer, listen: Listen, mute_url: str
) -> None:
    ear = listen(mute_url)
    await eventually(lambda: ear.connected == [True])
    ear.subscriber.subscribe("v1")
    await eventually(lambda: ear.subscriber.stats.failures >= 4)
    assert ear.connected == [True, False]
    ear.subscriber.unsubscribe("v1")
    await eventually(lambda: ear.connected == [True, False, True])


async def test_a_redis_that_confirms_nothing_is_tried_again(
    tasks: TaskHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It answers the first PING, and then only what nobody has asked for."""
    monkeypatch.setattr(subscriber, "CONFIRM_WITHIN_S", 0.2)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.append(writer)
        answer = b"+PONG\r\n"
        with contextlib.suppress(OSError):
            while await reader.read(1000):
                writer.write(answer)
                answer = b":1\r\n"
        writer.close()
        served.remove(writer)

    served: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    ear = Ear(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}", tasks)
    await ear.subscriber.wait_tried()
    await eventually(lambda: ear.subscriber.stats.failures >= 2)
    assert ear.connected == [False]
    await tasks.aclose()
    await eventually(lambda: not served)
    server.close()


async def test_junk_is_counted_and_dropped(redis: RedisServer, listen: Listen) -> None:
    store, ear = MemoryComments(), listen()
    await ear.subscribe("v1")
    channel = CHANNELS.channel("v1")
    junk = [
        b"", b"x", b"{}", b"[" * 100_000, b"\xff" * 1000, b'{"batches": []}' * 2,
        b"[" + b" " * (4 * 1024 * 1024 - 10) + b"]", encode(Batches((store.post("v1"),)))[:-5],
    ]  # fmt: skip
    for message in junk:
        assert await redis.ask("PUBLISH", channel, message) == 1
    await publish(redis, store, "v1")
    await eventually(lambda: ear.seqs("v1") == [2])
    assert ear.subscriber.stats.junk == len(junk)
    assert ear.connected == [True]


async def test_nobody_can_publish_more_than_a_message(redis: RedisServer, listen: Listen) -> None:
    ear = listen()
    await ear.subscribe("v1")
    with contextlib.suppress(Exception):  # it is cut off while it sends, or told
        await redis.ask("PUBLISH", CHANNELS.channel("v1"), b"x" * (5 * 1024 * 1024))
    store = MemoryComments()
    await publish(redis, store, "v1")
    await eventually(lambda: ear.seqs("v1") == [1])
    assert ear.subscriber.stats.messages == 1


async def test_a_flood_of_messages_leaves_the_loop_to_others(
    redis: RedisServer, listen: Listen
) -> None:
    """Reading what is buffered does not yield by itself."""
    ear = listen()
    await ear.subscribe("v1")
    stats, most_at_once, done = ear.subscriber.stats, 0, False

    async def count() -> None:
        nonlocal most_at_once
        while not done:
            before = stats.messages
            await asyncio.sleep(0)
            most_at_once = max(most_at_once, stats.messages - before)

    counting = asyncio.ensure_future(count())
    script = "for i = 1, 20000 do redis.call('PUBLISH', KEYS[1], '') end"
    await redis.ask("EVAL", script, "1", CHANNELS.channel("v1"))
    await eventually(lambda: stats.messages == 20_000)
    done = True
    await counting
    assert most_at_once <= 2 * subscriber._YIELD_EVERY


async def test_thousands_of_videos_join_and_leave_in_few_commands(
    redis: RedisServer, listen: Listen
) -> None:
    ear = listen()
    videos = [f"v{number}" for number in range(5_000)]
    for video_id in videos:
        ear.subscriber.subscribe(video_id)
    await eventually(lambda: len(ear.announced) == 5_000)
    assert ear.subscriber.subscriptions == len(CHANNELS.all())
    for video_id in videos:
        ear.subscriber.unsubscribe(video_id)
    await eventually(lambda: ear.subscriber.subscriptions == 0)
    assert ear.subscriber.pending == 0


async def test_the_first_attempt_is_waited_for_whatever_comes_of_it(
    redis: RedisServer, listen: Listen
) -> None:
    await redis.kill()
    ear = listen()
    await ear.subscriber.wait_tried()
    assert ear.connected == [False]
    await redis.start()
    await eventually(lambda: ear.connected == [False, True])
