"""What can go wrong with Redis.

RedisAway   it cannot be reached, does not answer in time, refuses us, or answers what is no Redis
"""

from __future__ import annotations


class RedisAway(Exception):
    """The connection cannot be used any more. What was sent on it may have arrived or not."""
