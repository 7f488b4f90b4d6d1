"""From Redis to a node's rooms.

Invariants
- One connection. While there is none, comments are published that nobody hears: `on_connected` is
  told at once, both ways, and on the way back every video is announced anew.
- Redis is there when it has confirmed all that was wanted at first: a login may be allowed, and a
  channel refused.
- A channel is subscribed with the first viewer of one of its videos, and left when the hub closes
  the room of the last one (which is after its linger).
- Redis is asked every PING_EVERY_S; after MOST_SILENT such turns without a byte the connection is
  cut. Turns are counted, not seconds: a process that was itself stopped must read what waits first.
  A turn ends at its time, however often videos join and leave meanwhile.
- A message is data from outside: what is no message of ours is counted and dropped.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from pubsub.channels import Channels
from pubsub.connection import FIRST_PAUSE_S, Command, RedisAway, RedisConnection
from pubsub.messages import decode_message
from pubsub.subscriptions import Subscriptions
from service.back_off import BackOff
from wire.internal import Batch

log = structlog.get_logger()

CONFIRM_WITHIN_S = 5.0  # all channels of a new connection
PING_EVERY_S = 1.0
MOST_SILENT = 3
_YIELD_EVERY = 64  # messages read before other work of the loop gets its turn
_NAMES_AT_A_TIME = 500  # channels of one SUBSCRIBE


@dataclass(slots=True)
class SubscriberStats:
    """Totals since the start."""

    messages: int = 0
    junk: int = 0
    connections: int = 0
    failures: int = 0  # connections that were lost, refused or too slow


class Subscriber:
    """A `rtms_node.feed.Feed` over Redis Pub/Sub. `run` (a background task) keeps it connected; the
    callbacks must be set before.
    """

    def __init__(self, url: str, channels: Channels, *, always: Iterable[str] = ()) -> None:
        """`always` are channels that are heard whether a video lies on them or not."""
        self._url = url
        self._message_callbacks: list[Callable[[Sequence[Batch]], object]] = []
        self._announced_callbacks: list[Callable[[str], None]] = []
        self._connected_callbacks: list[Callable[[bool], None]] = []
        self._table = Subscriptions(channels, always)
        self._wake = asyncio.Event()
        self._tried = asyncio.Event()
        self._heard = False  # anything since the last turn of `_keep`
        self._answers = 0
        self.connected = False
        self.stats = SubscriberStats()

    @property
    def subscriptions(self) -> int:
        """Channels that Redis has confirmed."""
        return self._table.held

    @property
    def pending(self) -> int:
        """Channels that are still to be subscribed to or left."""
        return self._table.pending

    def on_message(self, callback: Callable[[Sequence[Batch]], object]) -> None:
        """Call `callback(batches)` for every message that is heard."""
        self._message_callbacks.append(callback)

    def on_announced(self, callback: Callable[[str], None]) -> None:
        """Call `callback(video_id)` when a video of ours is heard from now on."""
        self._announced_callbacks.append(callback)

    def on_connected(self, callback: Callable[[bool], None]) -> None:
        """Call `callback` with True when Redis is there, with False when it is away."""
        self._connected_callbacks.append(callback)

    def subscribe(self, video_id: str) -> None:
        """See Feed. On a channel that is heard already nothing will be confirmed, so the video is
        announced by itself: what was published just before had no room, and the head that a writer
        tells first may be older than that.
        """
        self._table.subscribe(video_id)
        if self._table.hears(video_id):
            asyncio.get_running_loop().call_soon(self._announce, [video_id])
        else:
            self._wake.set()

    def unsubscribe(self, video_id: str) -> None:
        """See Feed."""
        if self._table.unsubscribe(video_id):
            self._wake.set()

    async def run(self) -> None:
        """Until cancelled."""
        back_off = BackOff(FIRST_PAUSE_S)
        while True:
            connection = RedisConnection(self._url)
            try:
                await connection.open()
                await self._begin(connection)
                back_off.reset()
                self._came_back()
                await self._serve(connection)
            except RedisAway as exc:
                self._went_away(exc)
            finally:
                await connection.close()
            await asyncio.sleep(back_off.next_s())

    async def wait_tried(self) -> None:
        """Wait until the first attempt to connect has worked or failed."""
        await self._tried.wait()

    async def _begin(self, connection: RedisConnection) -> None:
        """Send what is wanted, and read until Redis has confirmed it: answers come in order."""
        await connection.send([*self._commands(), ("PING",)])
        try:
            async with asyncio.timeout(CONFIRM_WITHIN_S):
                while not _is_pong(await self._read(connection)):
                    pass
        except TimeoutError:
            raise RedisAway("no confirmation in time") from None

    async def _serve(self, connection: RedisConnection) -> None:
        """Until it is lost. Raises RedisAway."""
        # No TaskGroup: a task in which one has failed goes on counting as cancelled, and Python
        # before 3.11.4 then takes its next timeout for a cancellation (python/cpython#102780).
        work = [asyncio.create_task(act(connection)) for act in (self._keep, self._listen)]
        try:
            await asyncio.gather(*work)
        finally:
            for task in work:
                task.cancel()
            await asyncio.gather(*work, return_exceptions=True)

    async def _keep(self, connection: RedisConnection) -> None:
        """Send what is wanted, and see that the other side lives."""
        loop, silent = asyncio.get_running_loop(), 0
        turn_ends_at = loop.time() + PING_EVERY_S
        while True:
            self._wake.clear()
            commands = self._commands()
            if commands:
                await connection.send(commands)
            try:
                # A wait that began anew would never end where rooms open and close all the time.
                async with asyncio.timeout_at(turn_ends_at):
                    await self._wake.wait()
            except TimeoutError:
                silent = 0 if self._heard else silent + 1
                if silent >= MOST_SILENT:
                    raise RedisAway("it is silent") from None
                self._heard = False
                await connection.send([("PING",)])
                turn_ends_at = loop.time() + PING_EVERY_S  # from now: what was slept through is one

    def _commands(self) -> list[Command]:
        new, old = self._table.take_changes()
        return [
            (verb, *names[start : start + _NAMES_AT_A_TIME])
            for verb, names in (("SUBSCRIBE", new), ("UNSUBSCRIBE", old))
            for start in range(0, len(names), _NAMES_AT_A_TIME)
        ]

    async def _listen(self, connection: RedisConnection) -> None:
        while True:
            await self._read(connection)

    async def _read(self, connection: RedisConnection) -> Any:
        """Handle the next answer or message; returns it."""
        answer = await connection.read()
        self._handle(answer)
        self._heard = True
        self._answers += 1
        if self._answers % _YIELD_EVERY == 0:  # reading what is buffered does not yield by itself
            await asyncio.sleep(0)
        return answer

    def _handle(self, answer: Any) -> None:
        match answer:
            case [b"message", bytes(), data]:
                self._handle_message(data)
            case [b"subscribe", bytes() as channel, _]:
                self._announce(self._table.confirm(channel.decode(errors="replace")))
            case [b"unsubscribe", bytes() as channel, _]:
                self._table.confirm_left(channel.decode(errors="replace"))
            case _ if _is_pong(answer):
                pass
            case _:
                self.stats.junk += 1

    def _handle_message(self, data: object) -> None:
        self.stats.messages += 1
        batches = decode_message(data)
        if batches is None:
            self.stats.junk += 1
            return
        for callback in self._message_callbacks:
            callback(batches)

    def _announce(self, videos: Iterable[str]) -> None:
        for video_id in videos:
            for callback in self._announced_callbacks:
                callback(video_id)

    def _came_back(self) -> None:
        self.stats.connections += 1
        log.info("redis_connected", use="subscribe")
        self._note(True)

    def _went_away(self, error: RedisAway) -> None:
        self.stats.failures += 1
        self._table.forget_connection()
        if self.connected or not self._tried.is_set():
            log.warning("redis_away", use="subscribe", error=str(error))
            self._note(False)

    def _note(self, connected: bool) -> None:
        self.connected = connected
        self._tried.set()
        for callback in self._connected_callbacks:
            callback(connected)


def _is_pong(answer: Any) -> bool:
    match answer:
        case b"PONG" | [b"pong", _]:  # without and with subscriptions
            return True
    return False
