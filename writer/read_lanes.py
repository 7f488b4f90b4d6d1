"""Reads by kind: heads, ranges and history each have a lane of their own, in which they wait only
for their like. So viewers that page history, or one slow range, never hold up the heads for which
every new stream waits.

Law
- A lane has `at_once` reads at the store; the others wait, first come first served.
- At most `max_waiting` wait, and none longer than `wait_s`; beyond that Overloaded, and counted.
  Waits are short, well below what callers have patience for: else a full lane would serve nobody
  but those who are about to leave.
- A read whose caller has gone gives up its place at once (see `service.caller`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from service.caller import in_queue
from wire.errors import Overloaded


@dataclass(frozen=True, slots=True)
class LaneBounds:
    """`at_once` reads at the store, `max_waiting` before it, each for `wait_s` at most."""

    at_once: int
    max_waiting: int
    wait_s: float


@dataclass(frozen=True, slots=True)
class ReadBounds:
    """Of all lanes; `deadline_s` is for a read that has begun. A node asks another writer for a
    head after 2 s and for a range after 5: by then it should have heard from this one.
    """

    heads: LaneBounds
    ranges: LaneBounds
    history: LaneBounds
    deadline_s: float = 3.5

    @classmethod
    def of(cls, at_once: int) -> ReadBounds:
        """For a store that is best asked `at_once` things of a kind."""
        return cls(
            heads=LaneBounds(at_once, 200, 1.0),
            ranges=LaneBounds(at_once, 500, 1.0),
            history=LaneBounds(at_once, 2_000, 1.0),
        )


class ReadLane:
    """One kind of read. `on_refused` is told the reason of each refusal: full, late."""

    def __init__(self, bounds: LaneBounds, on_refused: Callable[[str], None]) -> None:
        self._bounds, self._on_refused = bounds, on_refused
        self._turns = asyncio.Semaphore(bounds.at_once)
        self.waiting = 0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Hold one of the lane's places; raises Overloaded if none comes free in time."""
        await self._wait()
        try:
            yield
        finally:
            self._turns.release()

    async def _wait(self) -> None:
        if not self._turns.locked():
            await self._turns.acquire()  # at once
            return
        if self.waiting >= self._bounds.max_waiting:
            raise self._refused("full")
        self.waiting += 1
        try:
            with in_queue():
                async with asyncio.timeout(self._bounds.wait_s):
                    await self._turns.acquire()
        except TimeoutError as exc:
            raise self._refused("late") from exc
        finally:
            self.waiting -= 1

    def _refused(self, reason: str) -> Overloaded:
        self._on_refused(reason)
        return Overloaded()
