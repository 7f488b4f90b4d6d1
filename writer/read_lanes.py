"""Reads by kind: heads, ranges and history each have a lane of their own, in which they wait only
for their like. So viewers that page history, or one slow range, never hold up the heads for which
every new stream waits.

Invariants
- A lane has `at_once` reads at the store; the others wait, first come first served. When the first
  has waited for a third of what is allowed, the lane is overloaded, and the newest goes first:
  whoever came first has most often gone, or is about to, and would be served in vain.
- At most `max_waiting` wait, and none longer than `wait_s`; beyond that Overloaded, and counted.
- A read whose caller has gone gives up its place at once (see `service.caller`).
"""

from __future__ import annotations

import asyncio
import time
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
    def of(cls, *, heads: int, ranges: int, history: int) -> ReadBounds:
        """For a store that is best asked so many things of each kind at a time."""
        return cls(
            heads=LaneBounds(heads, 200, 1.5),
            ranges=LaneBounds(ranges, 500, 1.5),
            history=LaneBounds(history, 2_000, 1.5),
        )


class ReadLane:
    """One kind of read. `on_refused` is told the reason of each refusal: full, late."""

    def __init__(
        self,
        bounds: LaneBounds,
        on_refused: Callable[[str], None],
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._bounds, self._on_refused, self._now = bounds, on_refused, now
        self._free = bounds.at_once  # 0 while anybody waits
        self._turns: dict[asyncio.Future[None], float] = {}  # of those who wait, since when

    @property
    def waiting(self) -> int:
        """How many reads wait for their turn."""
        return len(self._turns)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Hold one of the lane's places; raises Overloaded if none comes free in time."""
        if self._free:
            self._free -= 1
        else:
            await self._wait()
        try:
            yield
        finally:
            self._pass_on()

    async def _wait(self) -> None:
        if len(self._turns) >= self._bounds.max_waiting:
            raise self._refused("full")
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._turns[turn] = self._now()
        try:
            with in_queue():
                async with asyncio.timeout(self._bounds.wait_s):
                    await turn
        except TimeoutError as exc:
            self._leave(turn)
            raise self._refused("late") from exc
        except asyncio.CancelledError:
            self._leave(turn)
            raise

    def _leave(self, turn: asyncio.Future[None]) -> None:
        if self._turns.pop(turn, None) is None and not turn.cancelled():
            self._pass_on()  # it was this one's turn in that very moment

    def _pass_on(self) -> None:
        while self._turns:
            turn = self._next()
            del self._turns[turn]
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1

    def _next(self) -> asyncio.Future[None]:
        first = next(iter(self._turns))
        overloaded = self._now() - self._turns[first] > self._bounds.wait_s / 3
        return next(reversed(self._turns)) if overloaded else first

    def _refused(self, reason: str) -> Overloaded:
        self._on_refused(reason)
        return Overloaded()
