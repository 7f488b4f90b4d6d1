"""The connection to Cassandra, and the bridge between the driver's threads and the event loop.

Invariants: everything here is called, and answers, on the event loop; the driver calls back on
threads of its own, and what it says is put into a mailbox. Connecting blocks, so it has a thread to
itself. A link that was made recovers by itself when a server comes back; if none has answered for a
while a new link is tried beside it, because host names may stand for other addresses by then. At
most MAX_AT_ONCE calls are under way: more would only time out in the server, and the driver would
block the loop.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import structlog
from cassandra.cluster import Cluster, Session

from service.failpoints import Failpoint, reach
from service.mailbox import Mailbox
from wire.errors import StoreUnavailable
from writer.cassandra.config import CassandraConfig
from writer.cassandra.driver import CONDITION, new_cluster
from writer.cassandra.errors import translate
from writer.cassandra.schema import Store, open_store
from writer.cassandra.statements import Statements
from writer.stepwise.errors import NotSent, Unanswered
from writer.store import StoreTooNew

log = structlog.get_logger()

START_WITHIN_S = 15.0  # `start` goes on after this; calls fail until there is a link
STOP_WITHIN_S = 5.0
RETRY_S = 0.5
NEW_LINK_AFTER_S = 10.0  # without any answer
MAX_AT_ONCE = 256  # calls under way
MAX_ROWS = 1_000  # that a statement may ask for: of more than 5,000 the driver gives the first ones
MAX_WAITING = 20_000  # calls that wait for their turn; more are NotSent

Build = Callable[[Statements], Any]


@dataclass(frozen=True, slots=True)
class _Call:
    """A call that is under way, and who waits for it. conditional: see `translate`."""

    future: asyncio.Future[Any]
    conditional: bool


@dataclass(frozen=True, slots=True)
class Link:
    """One driver object with what was prepared on it."""

    cluster: Cluster
    session: Session
    store: Store


class CassandraSession:
    """`on_link` is called on the loop with the store of each new link; if it raises
    StoreUnavailable, the link is not used. `on_too_new` is told, at each attempt, that the store is
    of a later version: the process should end.
    """

    def __init__(
        self,
        config: CassandraConfig,
        on_link: Callable[[Store], None],
        on_too_new: Callable[[StoreTooNew], None] = lambda _: None,
    ) -> None:
        self._config, self._on_link, self._on_too_new = config, on_link, on_too_new
        self._link: Link | None = None
        self._stopping = False
        self._tried, self._asked_to_stop = asyncio.Event(), asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self._turns = asyncio.Semaphore(MAX_AT_ONCE)
        self._calls: set[asyncio.Future[Any]] = set()
        self._failing_since: float | None = None
        self.waiting = 0
        self.links = 0

    @property
    def under_way(self) -> int:
        """How many calls are sent and not answered."""
        return len(self._calls)

    async def start(self) -> None:
        """Connect; returns after the first attempt, whatever came of it."""
        loop = asyncio.get_running_loop()
        self._mailbox = Mailbox(loop)
        self._keeper = loop.create_task(self._keep_linked(), name="cassandra link")
        with suppress(TimeoutError):
            await asyncio.wait_for(self._tried.wait(), START_WITHIN_S)

    async def stop(self) -> None:
        """Wait for calls under way, STOP_WITHIN_S at most, and close the link. Idempotent."""
        self._stopping = True
        deadline = time.monotonic() + STOP_WITHIN_S
        if self._calls:
            await asyncio.wait(self._calls, timeout=STOP_WITHIN_S)
        if self._keeper is not None:  # an attempt that is under way closes its link itself
            self._asked_to_stop.set()
            await asyncio.wait([self._keeper], timeout=max(deadline - time.monotonic(), 0))
        link, self._link = self._link, None
        if link is not None:
            await asyncio.to_thread(link.cluster.shutdown)

    async def call(self, build: Build, *, profile: str) -> list[Any]:
        """Rows of the statement that `build` makes.

        Raises NotSent, Refused or Unanswered, and what `build` raises. A call that was sent goes on
        when its caller is cancelled.
        """
        if self.waiting >= MAX_WAITING:
            raise NotSent("too many calls wait for the store")
        self.waiting += 1
        try:
            await self._turns.acquire()
        finally:
            self.waiting -= 1
        future = self._send(build, profile)
        if profile == CONDITION:
            reach(Failpoint.WRITER_IN_COMMIT)
        return await asyncio.shield(future)

    def _send(self, build: Build, profile: str) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._calls.add(future)
        future.add_done_callback(self._done)
        link = self._link
        if link is None or self._stopping:
            future.set_exception(NotSent("the store is closed" if self._stopping else "no link"))
            return future
        call = _Call(future, conditional=profile == CONDITION)
        try:
            statement = build(link.store.statements)
        except BaseException:
            future.cancel()  # or its turn would never come back
            raise
        try:
            response = link.session.execute_async(statement, execution_profile=profile)
        except Exception as exc:  # the driver is being closed
            self._settle(call, None, exc)
            return future
        post = self._mailbox.post  # the driver calls on its threads: hand over, nothing else
        response.add_callbacks(
            lambda rows: post(self._settle, call, rows, None),
            lambda exc: post(self._settle, call, None, exc),
        )
        return future

    def _done(self, future: asyncio.Future[Any]) -> None:
        self._calls.discard(future)
        self._turns.release()
        if not future.cancelled():
            future.exception()  # seen, also when its caller has gone

    def _settle(self, call: _Call, rows: Any, error: BaseException | None) -> None:
        problem = None if error is None else translate(error, conditional=call.conditional)
        self._note(problem, error)
        if call.future.done():
            return
        if problem is not None:
            problem.__cause__ = error
            call.future.set_exception(problem)
        else:
            call.future.set_result(rows or [])

    def _note(self, problem: StoreUnavailable | None, error: BaseException | None) -> None:
        if problem is None and self._failing_since is not None:
            self._failing_since = None
            log.info("store_back")
        elif isinstance(problem, NotSent | Unanswered) and self._failing_since is None:
            self._failing_since = time.monotonic()
            log.error("store_failed", error=type(error).__name__, detail=str(error)[:500])

    # The link

    async def _keep_linked(self) -> None:
        while not self._stopping:
            if self._needs_link():
                await self._try_link()
            self._tried.set()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._asked_to_stop.wait(), RETRY_S)

    def _needs_link(self) -> bool:
        since = self._failing_since
        return self._link is None or (
            since is not None and time.monotonic() - since > NEW_LINK_AFTER_S
        )

    async def _try_link(self) -> None:
        try:
            link = await asyncio.to_thread(self._make_link)
        except StoreTooNew as exc:
            self._on_too_new(exc)
            return
        except Exception as exc:
            self._note(translate(exc), exc)
            return
        old = self._link
        try:
            self._on_link(link.store)
        except StoreUnavailable:
            await asyncio.to_thread(link.cluster.shutdown)
            return
        self._link, self._failing_since = link, None
        self.links += 1
        log.info("store_linked", links=self.links)
        if old is not None:
            await asyncio.to_thread(old.cluster.shutdown)

    def _make_link(self) -> Link:
        """On a thread."""
        cluster = new_cluster(self._config)
        try:
            session = cluster.connect()
            link = Link(cluster, session, open_store(cluster, session, self._config))
            if self._stopping:
                raise NotSent("the store is closed")
        except BaseException:
            cluster.shutdown()
            raise
        return link
