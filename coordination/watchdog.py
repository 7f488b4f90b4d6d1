"""What to do about a connection, by time alone. No I/O; time is passed in.

Invariants:
- A connection is cut when its oldest request was found too old in two checks in a row. Once is not
  enough: a process that was itself stopped for a while would blame ZooKeeper for replies that wait
  in its own mailbox. kazoo's own pings do not do it: it sends them only when it has nothing else to
  send, so a busy client on a server that swallows everything would never notice.
- A lost connection is "away" after `away_after_s`, and its session has expired after `timeout_s`;
  each is told once, and not at all if the connection is back before.
- A client whose thread has died is replaced, whatever else is the matter.
Only the session changes a watchdog, and does what it says.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from math import inf
from typing import NamedTuple

CHECKS_IN_A_TIMEOUT = 6
TOO_OLD = 2 / 3  # of a session's timeout without a reply


class Action(Enum):
    """What the session has to do."""

    REPLACE_CLIENT = "replace client"
    DROP_CONNECTION = "drop connection"
    GO_AWAY = "go away"  # tell everybody that ZooKeeper is away
    EXPIRE = "expire"  # the session is over, though nobody can say so yet


class Sent(NamedTuple):
    """A request in flight: its number, which tells it from all others, and when it was sent."""

    number: int
    at: float


class Watchdog:
    """For one session, from `start` on. `timeout_s` is the session's."""

    def __init__(self, timeout_s: float, away_after_s: float) -> None:
        self._timeout_s, self.away_after_s = timeout_s, away_after_s
        self._check_at = self._away_at = self._expired_at = inf
        self._suspect: int | None = None

    @property
    def next_at(self) -> float:
        """When `due` has to be asked next."""
        return min(self._check_at, self._away_at, self._expired_at)

    def start(self, now: float) -> None:
        """A client was started."""
        self._check_at = now + self._timeout_s / CHECKS_IN_A_TIMEOUT

    def connected(self) -> None:
        """There is a connection (again)."""
        self._away_at = self._expired_at = inf

    def lost(self, now: float) -> None:
        """The connection was lost just now."""
        self._away_at = now + self.away_after_s
        self._expired_at = now + self._timeout_s

    def due(self, now: float, *, client_alive: bool, oldest: Sent | None) -> list[Action]:
        """What has to be done now, in this order; `oldest`: of the requests in flight."""
        return list(self._due(now, client_alive, oldest))

    def _due(self, now: float, client_alive: bool, oldest: Sent | None) -> Iterator[Action]:
        if now >= self._away_at:
            self._away_at = inf
            yield Action.GO_AWAY
        if now >= self._expired_at:
            self._expired_at = inf
            yield Action.EXPIRE
        if now >= self._check_at:
            self._check_at = now + self._timeout_s / CHECKS_IN_A_TIMEOUT
            if not client_alive:
                yield Action.REPLACE_CLIENT
            if self._is_silent(now, oldest):
                yield Action.DROP_CONNECTION

    def _is_silent(self, now: float, oldest: Sent | None) -> bool:
        before = self._suspect
        overdue = oldest is not None and now - oldest.at > self._timeout_s * TOO_OLD
        self._suspect = oldest.number if overdue and oldest is not None else None
        return self._suspect is not None and self._suspect == before
