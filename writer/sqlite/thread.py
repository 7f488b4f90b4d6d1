"""One thread for one SQLite connection, and the bridge between it and the event loop.

A turn is everything that was submitted while the turn before it ran. `work` gets the turn's first
payload and a function that fetches the others (to be called once it holds the lock), and returns
one result for each. If it raises, the whole turn fails with that error. Results of a turn go back
to the loop in one call, by a mailbox. What nobody waits for any more when its turn comes is left
out.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import structlog

from service.mailbox import Mailbox
from wire.errors import StoreUnavailable

log = structlog.get_logger()

P = TypeVar("P")
R = TypeVar("R")

STOP_DEADLINE_S = 5.0

_Job = tuple[P, "asyncio.Future[R]"]


class SqliteThread(Generic[P, R]):
    """Runs `work` on its own thread. `after` runs between turns, when the results are on their way;
    `close` runs last, on the same thread. The queue is bounded by `max_queued`.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[list[P], Callable[[], None]], list[R]],
        close: Callable[[], None],
        *,
        after: Callable[[], None] = lambda: None,
        max_turn: int = 1,
        max_queued: int = 20_000,
    ) -> None:
        self._work, self._close, self._after = work, close, after
        self._max_turn, self._max_queued = max_turn, max_queued
        self._jobs: queue.SimpleQueue[_Job[P, R] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._mailbox: Mailbox | None = None
        self._ended: asyncio.Future[None] | None = None
        self._stopping = False  # asked to stop; owned by the loop
        self._last_turn = False  # the end of the queue was seen; owned by the thread

    @property
    def queued(self) -> int:
        """How many payloads wait for a turn."""
        return self._jobs.qsize()

    def start(self) -> None:
        """Start the thread; results go to the running loop."""
        loop = asyncio.get_running_loop()
        self._mailbox = Mailbox(loop)
        self._ended = loop.create_future()
        self._thread.start()

    async def submit(self, payload: P) -> R:
        """The result of `payload`; raises what `work` raised, or StoreUnavailable when not running
        or too much is queued. A caller that is cancelled does not stop work that has begun.
        """
        if self._mailbox is None or self._stopping:
            raise StoreUnavailable("the store is closed")
        if self._jobs.qsize() >= self._max_queued:
            raise StoreUnavailable("too many calls wait for the store")
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._jobs.put((payload, future))
        return await future

    async def stop(self) -> None:
        """Finish what is queued, close, end the thread. Idempotent; gives up after a deadline."""
        if self._ended is None:
            return
        if not self._stopping:
            self._stopping = True
            self._jobs.put(None)
        try:
            await asyncio.wait_for(asyncio.shield(self._ended), STOP_DEADLINE_S)
        except TimeoutError:  # stuck in the kernel: the thread is a daemon and dies with us
            log.error("store_thread_stuck", thread=self._thread.name)

    def _run(self) -> None:
        while not self._last_turn and (job := self._jobs.get()) is not None:
            if not _is_dead(job):
                self._turn([job])
                self._tidy_up()
        self._close()
        self._post(self._set_ended)

    def _tidy_up(self) -> None:
        try:
            self._after()
        except Exception:  # or nobody would be answered any more
            log.exception("store_thread_failed")

    def _turn(self, jobs: list[_Job[P, R]]) -> None:
        payloads = [jobs[0][0]]

        def fill() -> None:
            while len(jobs) < self._max_turn and not self._last_turn:
                try:
                    job = self._jobs.get_nowait()
                except queue.Empty:
                    return
                if job is None:
                    self._last_turn = True
                elif not _is_dead(job):
                    jobs.append(job)
                    payloads.append(job[0])

        try:
            results = self._work(payloads, fill)
        except Exception as exc:
            error = exc
            if not isinstance(exc, StoreUnavailable):
                log.exception("store_thread_failed")
                error = StoreUnavailable("internal error")
            self._post(_reject, jobs, error)
        else:
            self._post(_resolve, jobs, results)

    def _post(self, call: Callable[..., None], *args: Any) -> None:
        assert self._mailbox is not None
        if not self._mailbox.post(call, *args):  # the loop is closed: nobody waits any more
            log.warning("store_results_ignored")

    def _set_ended(self) -> None:
        assert self._ended is not None
        if not self._ended.done():
            self._ended.set_result(None)


def _is_dead(job: _Job[P, R]) -> bool:
    """Whether its caller has gone. Read on the thread: one that goes in this very moment is served
    in vain, which does no harm.
    """
    return job[1].done()


def _resolve(jobs: list[_Job[P, R]], results: list[R]) -> None:
    for (_, future), result in zip(jobs, results, strict=True):
        if not future.done():
            future.set_result(result)


def _reject(jobs: list[_Job[P, R]], error: Exception) -> None:
    for _, future in jobs:
        if not future.done():
            future.set_exception(error)
