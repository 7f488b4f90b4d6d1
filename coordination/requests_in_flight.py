"""Requests that were sent to ZooKeeper and are not answered yet.

Invariants: at most MAX_IN_FLIGHT are sent at a time, the others wait for their turn. A reply never
outlives its connection: when that goes, every request in flight ends with OutcomeUnknown, whatever
may still come for it. kazoo's errors end here (see `translate.py`). A request has no deadline of
its own: the watchdog cuts a connection whose oldest request is not answered, which ends them all.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from coordination.errors import CoordinationError, NotSent, OutcomeUnknown
from coordination.translate import translated
from coordination.watchdog import Sent

# kazoo writes one byte into a blocking socket pair per request, and while it has no connection
# nobody reads them: the pair holds 278, the next request would freeze the loop.
MAX_IN_FLIGHT = 128


class Client(Protocol):
    """Where requests go; see KazooClient.carry_out."""

    def carry_out(self, request: Any, on_result: Callable[[Any], None], /) -> None:
        """Begin a request; its result comes on the loop, if it comes."""


class RequestsInFlight:
    """`connection` gives the client while there is a connection, else None."""

    def __init__(
        self,
        connection: Callable[[], Client | None],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connection, self._clock = connection, clock
        self._turns = asyncio.Semaphore(MAX_IN_FLIGHT)
        self._numbers = itertools.count()
        self._pending: dict[int, tuple[asyncio.Future[Any], float]] = {}  # the oldest first

    def __len__(self) -> int:
        return len(self._pending)

    @property
    def oldest(self) -> Sent | None:
        """The one that was sent first, None if all are answered."""
        for number, (_, sent_at) in self._pending.items():
            return Sent(number, sent_at)
        return None

    async def carry_out(self, request: Any) -> Any:
        """The value that ZooKeeper answers; `request` as for KazooClient.carry_out.

        Raises NotSent at once while there is no connection, OutcomeUnknown, or a Refused.
        """
        async with self._turns:
            client = self._connection()
            if client is None:
                raise NotSent("no connection")
            future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
            number = next(self._numbers)
            self._pending[number] = (future, self._clock())
            try:
                client.carry_out(request, partial(_settle, future))
                return await future
            except CoordinationError:
                raise
            except Exception as exc:  # also of a reply that kazoo or we cannot read
                raise translated(exc) from exc
            finally:
                del self._pending[number]

    def connection_lost(self) -> None:
        """End all that are in flight with OutcomeUnknown."""
        for future, _ in self._pending.values():
            if not future.done():
                future.set_exception(OutcomeUnknown("the connection was lost"))


def _settle(future: asyncio.Future[Any], result: Any) -> None:
    if future.done():
        return
    if result.successful():
        future.set_result(result.value)
    else:
        future.set_exception(result.exception)
