from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

import pytest

from pubsub.channels import Channels
from pubsub.publisher import Publisher
from pubsub.subscriber import Subscriber
from service.outbox import OutboxLimits
from service.tasks import TaskHome
from tests.redis_server import RedisServer
from tests.support import eventually
from wire.internal import Batch

CHANNELS = Channels(8)


class Ear:
    """A subscriber and all that it says."""

    def __init__(self, url: str, tasks: TaskHome, *, always: Sequence[str] = ()) -> None:
        self.subscriber = Subscriber(url, CHANNELS, always=always)
        self.heard: list[tuple[str, int]] = []
        self.announced: list[str] = []
        self.connected: list[bool] = []
        self.subscriber.on_message(self._hear)
        self.subscriber.on_announced(self.announced.append)
        self.subscriber.on_connected(self.connected.append)
        self.tasks = tasks
        self.task = tasks.spawn(self.subscriber.run(), "subscriber")

    def seqs(self, video_id: str) -> list[int]:
        return [seq for heard_id, seq in self.heard if heard_id == video_id]

    async def subscribe(self, video_id: str) -> None:
        """Returns when Redis has confirmed it."""
        self.subscriber.subscribe(video_id)
        await eventually(lambda: self.subscriber.pending == 0 and self.subscriber.connected)

    def _hear(self, batches: Sequence[Batch]) -> None:
        for batch in batches:
            last = batch.first_seq + len(batch.comments)
            self.heard += [(batch.video_id, seq) for seq in range(batch.first_seq, last)]


@pytest.fixture(scope="session")
def shared_redis(tmp_path_factory: pytest.TempPathFactory) -> RedisServer:
    return RedisServer(tmp_path_factory.mktemp("redis"))


@pytest.fixture
async def redis(shared_redis: RedisServer) -> AsyncIterator[RedisServer]:
    """A Redis that runs, without anybody on it."""
    await shared_redis.start()
    yield shared_redis
    await shared_redis.kill()


@pytest.fixture
async def mute_url(redis: RedisServer) -> str:
    """Of a user who may log in and ping, and whom Redis refuses every channel."""
    await redis.ask("ACL", "SETUSER", "mute", "on", ">word", "+@all", "resetchannels")
    return f"redis://mute:word@127.0.0.1:{redis.port}"


async def allow_mute(redis: RedisServer) -> None:
    await redis.ask("ACL", "SETUSER", "mute", "allchannels")


@pytest.fixture
async def tasks() -> AsyncIterator[TaskHome]:
    """None of them may have died at the end."""
    home = TaskHome()
    failed = asyncio.ensure_future(home.wait_failed())
    yield home
    await home.aclose()
    assert not failed.done(), failed.result()
    failed.cancel()


@pytest.fixture
def listen(redis: RedisServer, tasks: TaskHome) -> Callable[..., Ear]:
    def start(url: str = "", always: Sequence[str] = ()) -> Ear:
        return Ear(url or redis.url, tasks, always=always)

    return start


@pytest.fixture
def publisher_on(redis: RedisServer, tasks: TaskHome) -> Callable[..., Publisher]:
    def build(url: str = "", max_age_s: float = OutboxLimits().max_age_s) -> Publisher:
        limits = OutboxLimits(max_age_s=max_age_s)
        return Publisher(url or redis.url, CHANNELS, tasks, limits=limits)

    return build
