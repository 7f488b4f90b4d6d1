"""One question to Redis, for people: who hears a channel."""

from __future__ import annotations

from pubsub.connection import RedisConnection
from pubsub.errors import RedisAway

_ANSWER_WITHIN_S = 2.0


async def fetch_receivers(url: str, channel: str) -> int:
    """How many connections are subscribed to the channel. Raises RedisAway."""
    connection = RedisConnection(url)
    try:
        await connection.open()
        (answer,) = await connection.ask([("PUBSUB", "NUMSUB", channel)], _ANSWER_WITHIN_S)
    finally:
        await connection.close()
    match answer:
        case [_, int() as count]:
            return count
    raise RedisAway(f"odd answer to NUMSUB: {answer!r:.100}")
