"""Waiting for parts: until one is ready, until the gateway reaches all of them.

Invariants: every wait has a bound, and ends early when a part that it depends on has died; both
raise StepFailed with the end of that part's log.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from cluster.errors import StepFailed
from cluster.parts import Kind, Part
from cluster.readiness import Readiness, fetch_readiness
from cluster.runtime import RUNNING, Condition, Runtime
from cluster.servers import haproxy_socket
from cluster.servers.haproxy_servers import Server

READY_WITHIN_S = 60.0
CASSANDRA_READY_WITHIN_S = 180.0  # it takes 10 to 20 s, or several times that on a busy machine
LOG_LINES_SHOWN = 25
_POLL_EVERY_S = 0.05


class Waiting:
    """Waits for the parts of one cluster."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def until_ready(self, part: Part, timeout_s: float | None = None) -> None:
        """Until the part says that it is ready. Raises StepFailed."""
        timeout_s = timeout_s or _ready_within_s(part)
        deadline = time.monotonic() + timeout_s
        while True:
            readiness = await self._ask(part)
            condition = self._runtime.condition(part.name)
            if readiness.ready and condition is Condition.RUNNING:
                return
            if condition is not Condition.RUNNING:
                raise self._failed(part, f"{part.name} is {condition}")
            if time.monotonic() > deadline:
                what = f"{part.name} was not ready within {timeout_s:.0f} s ({readiness.words})"
                raise self._failed(part, what)
            await asyncio.sleep(_POLL_EVERY_S)

    async def until_all_ready(self, parts: Sequence[Part], needed: Sequence[Part] = ()) -> None:
        """Until all are. The first one that fails ends the wait, and so does a `needed` part that
        ends. Raises StepFailed.
        """
        await self._unless_one_ends(needed, self._all_ready(parts))

    async def _all_ready(self, parts: Sequence[Part]) -> None:
        waits = [asyncio.ensure_future(self.until_ready(part)) for part in parts]
        try:
            await asyncio.gather(*waits)
        finally:
            for wait in waits:
                wait.cancel()

    async def until_posts_accepted(self, writers: Sequence[Part]) -> None:
        """Until every writer reaches its store: a writer is ready without it, but refuses posts.
        Raises StepFailed.
        """
        await self._unless_one_ends(writers, self._posts_accepted(writers))

    async def _posts_accepted(self, writers: Sequence[Part]) -> None:
        deadline = time.monotonic() + READY_WITHIN_S
        for writer in writers:
            while not (readiness := await self._ask(writer)).ready or "store" in readiness.without:
                if time.monotonic() > deadline:
                    raise self._failed(writer, f"{writer.name} is {readiness.words}")
                await asyncio.sleep(_POLL_EVERY_S)

    async def fill_slots(self, haproxy: Part, servers: Mapping[str, Server]) -> None:
        """Tell the gateway about every node and writer, once it answers; those that it knows
        already stay as they are. Raises StepFailed.
        """
        with self._gateway_answers(haproxy):
            async with asyncio.timeout(READY_WITHIN_S):
                filled = haproxy_socket.fill_slots(self._runtime.control(), servers)
                await self._unless_one_ends([haproxy], filled)

    async def until_gateway_sees(self, haproxy: Part, behind: Sequence[Part]) -> None:
        """Until the gateway's checks of all parts `behind` it succeed, which is later than a part
        is ready. Raises StepFailed.
        """
        with self._gateway_answers(haproxy):
            await self._unless_one_ends([haproxy, *behind], self._seen(haproxy, behind))

    async def _seen(self, haproxy: Part, behind: Sequence[Part]) -> None:
        deadline = time.monotonic() + READY_WITHIN_S
        control, names = self._runtime.control(), [part.name for part in behind]
        while missing := await haproxy_socket.fetch_not_up(control, names):
            if time.monotonic() > deadline:
                what = f"the gateway does not reach {', '.join(missing)}"
                raise self._failed(haproxy, what)
            await asyncio.sleep(_POLL_EVERY_S)

    async def _unless_one_ends(
        self, parts: Sequence[Part], work: Coroutine[Any, Any, None]
    ) -> None:
        """Do the work, or raise StepFailed as soon as one of the parts is seen to have ended."""
        task = asyncio.create_task(work)
        try:
            while not (await asyncio.wait({task}, timeout=_POLL_EVERY_S))[0]:
                for part in parts:
                    condition = self._runtime.condition(part.name)
                    if condition not in RUNNING:
                        raise self._failed(part, f"{part.name} is {condition}")
            await task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _ask(self, part: Part) -> Readiness:
        return await fetch_readiness(part, self._runtime.host(part))

    @contextmanager
    def _gateway_answers(self, haproxy: Part) -> Iterator[None]:
        try:
            yield
        except (OSError, TimeoutError) as exc:
            why = str(exc) or "too slow"
            raise self._failed(haproxy, f"haproxy does not answer: {why}") from exc

    def _failed(self, part: Part, what: str) -> StepFailed:
        tail = self._runtime.log_tail(part.name, LOG_LINES_SHOWN, this_life=True)
        return StepFailed(what, part.name, tail)


def _ready_within_s(part: Part) -> float:
    return CASSANDRA_READY_WITHIN_S if part.kind is Kind.CASSANDRA else READY_WITHIN_S
