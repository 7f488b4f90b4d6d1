"""One connection to Redis, and nothing that happens behind its user's back.

redis-py's client and its PubSub connect, retry and subscribe again by themselves. Here a lost
connection matters at once (comments were published that nobody heard), so its user has to be told:
this is the library's bare connection with deadlines, and its errors in our words. RESP2, because
there the answers to subscriptions and the messages come in one order.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from redis.asyncio.connection import Connection, parse_url
from redis.exceptions import RedisError

CONNECT_WITHIN_S = 2.0
SEND_WITHIN_S = 2.0
FIRST_PAUSE_S = 0.05  # before a Redis that was away is tried again
_RECEIVERS_WITHIN_S = 2.0
Command = tuple[str | bytes, ...]


class RedisAway(Exception):
    """Redis cannot be reached, does not answer in time, refuses us, or answers what is no Redis.
    The connection cannot be used any more; what was sent on it may have arrived or not.
    """


class RedisConnection:
    """`url`: redis://[[user]:password@]host:port, or rediss:// for TLS. Raises ValueError if it is
    neither. Any error leaves it of no use: `close` it and make another.
    """

    def __init__(self, url: str) -> None:
        options: dict[str, Any] = dict(parse_url(url))
        kind = options.pop("connection_class", Connection)
        limits = {"socket_timeout": None, "socket_connect_timeout": CONNECT_WITHIN_S}
        self._connection = kind(**options | limits, protocol=2, driver_info=None)

    async def open(self) -> None:
        """Connect, log in, and see that it serves us. Raises RedisAway."""
        async with _deadline(CONNECT_WITHIN_S, "no connection in time"):
            await self._connection.connect()
            await self._connection.send_command("PING", check_health=False)
            await self._connection.read_response()

    async def send(self, commands: Sequence[Command]) -> None:
        """Send commands in one write, without waiting for the answers. Raises RedisAway."""
        packed = self._connection.pack_commands(commands)
        async with _deadline(SEND_WITHIN_S, "takes no bytes"):
            await self._connection.send_packed_command(packed, check_health=False)

    async def read(self) -> Any:
        """The next answer or message, however long it takes. Raises RedisAway, also for an answer
        that is an error.
        """
        try:
            return await self._connection.read_response()
        except Exception as exc:
            raise _away(exc) from exc

    async def ask(self, commands: Sequence[Command], deadline_s: float) -> list[Any]:
        """Send commands and read their answers. Raises RedisAway."""
        await self.send(commands)
        async with _deadline(deadline_s, "no answer in time"):
            return [await self._connection.read_response() for _ in commands]

    async def close(self) -> None:
        """Drop the connection at once. Idempotent, never raises."""
        with suppress(RedisError, OSError):
            await self._connection.disconnect(nowait=True)


async def fetch_receivers(url: str, channel: str) -> int:
    """How many connections are subscribed to the channel. Raises RedisAway."""
    connection = RedisConnection(url)
    try:
        await connection.open()
        (answer,) = await connection.ask([("PUBSUB", "NUMSUB", channel)], _RECEIVERS_WITHIN_S)
    finally:
        await connection.close()
    match answer:
        case [_, int() as count]:
            return count
    raise RedisAway(f"odd answer to NUMSUB: {answer!r:.100}")


@asynccontextmanager
async def _deadline(seconds: float, late: str) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as exc:
        raise RedisAway(late) from exc
    except Exception as exc:
        raise _away(exc) from exc


def _away(exc: Exception) -> RedisAway:
    """Whatever listens there may send anything, and the library's parser fails on it in many ways
    (ValueError, RecursionError ...): they all mean that this is no Redis we can use.
    """
    return RedisAway(f"{type(exc).__name__}: {exc}".rstrip())
