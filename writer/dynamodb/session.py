"""The way to DynamoDB: calls, within bounds of number and time, and what they cost.

Invariants: the SDK never repeats a call. Reads, and writes that may be repeated, are repeated here;
a `change` goes out once, for what a second one meets only its caller can tell. A call that was sent
goes on when its caller has gone. At most MAX_AT_ONCE calls are under way. A link (the SDK's client,
with its connections) that was made recovers by itself; if nothing has been answered for a while
another one is made beside it, which looks for credentials anew.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

import structlog

from service.failpoints import Failpoint, reach
from wire.errors import StoreUnavailable
from writer.dynamodb.client import MAX_AT_ONCE, new_client
from writer.dynamodb.config import DynamoConfig
from writer.dynamodb.errors import ConditionFailed, Throttled, code_of, translate
from writer.dynamodb.items import MAX_IN_BATCH_GET, MAX_IN_BATCH_WRITE, Attributes, Item, text_in
from writer.dynamodb.table import IDENTITY, open_table
from writer.stepwise.errors import NotSent, Unanswered
from writer.store import StoreTooNew

log = structlog.get_logger()
_T = TypeVar("_T")

START_WITHIN_S = 15.0  # `start` goes on after this; calls fail until there is a link
STOP_WITHIN_S = 5.0
LINK_ENDS_WITHIN_S = 1.0  # an attempt that is under way at the end
RETRY_S = 0.5
NEW_LINK_AFTER_S = 10.0  # without any answer
MAX_WAITING = 20_000  # calls that wait for their turn; more are NotSent
CHANGE_WITHIN_S = 2.5
TRY_WITHIN_S = 1.2  # one try of what may be repeated
REPEAT_WITHIN_S = 2.5  # all of them
MAX_TRIES = 4
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.025, 0.4
_CONSISTENT = ("get_item", "query")
_READS = (*_CONSISTENT, "batch_get_item")


@dataclass(frozen=True, slots=True)
class Link:
    """The SDK's client, and what closes it."""

    client: Any
    stack: AsyncExitStack


@dataclass(slots=True)
class CallStats:
    """Totals since the start. calls: answered ones, by what was called; units: of capacity that
    they have consumed, as the service says, by "read" and "write"; throttled: calls that it did not
    want; repeated: tries after the first one; failed_conditions: calls that changed nothing, though
    the service counts them as if they had.
    """

    calls: dict[str, int] = field(default_factory=dict)
    units: dict[str, float] = field(default_factory=lambda: {"read": 0.0, "write": 0.0})
    throttled: int = 0
    repeated: int = 0
    failed_conditions: int = 0


class DynamoSession:
    """`on_link` is called with the store's epoch for each new link; if it raises StoreUnavailable,
    the link is not used. `on_too_new` is told, at each attempt, that the store is of a later
    version: the process should end.
    """

    def __init__(
        self,
        config: DynamoConfig,
        on_link: Callable[[str], None],
        on_too_new: Callable[[StoreTooNew], None] = lambda _: None,
    ) -> None:
        self._config, self._on_link, self._on_too_new = config, on_link, on_too_new
        self._link: Link | None = None
        self._stopping = False
        self._tried, self._asked_to_stop = asyncio.Event(), asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self._turns = asyncio.Semaphore(MAX_AT_ONCE)
        self._calls: set[asyncio.Task[Item]] = set()
        self._failing_since: float | None = None
        self.stats = CallStats()
        self.waiting = 0
        self.links = 0

    @property
    def under_way(self) -> int:
        """How many calls are sent and not answered."""
        return len(self._calls)

    async def start(self) -> None:
        """Connect; returns after the first attempt, whatever came of it."""
        loop = asyncio.get_running_loop()
        self._keeper = loop.create_task(self._keep_linked(), name="dynamodb link")
        with suppress(TimeoutError):
            await asyncio.wait_for(self._tried.wait(), START_WITHIN_S)

    async def stop(self) -> None:
        """Wait for calls under way, STOP_WITHIN_S at most, and close the link. Idempotent."""
        self._stopping = True
        if self._calls:
            await asyncio.wait(self._calls, timeout=STOP_WITHIN_S)
        if self._keeper is not None:
            self._asked_to_stop.set()
            # It may be making a link, or closing an old one: the SDK leaves a session open where
            # it is cancelled half-way.
            _, late = await asyncio.wait([self._keeper], timeout=LINK_ENDS_WITHIN_S)
            for task in late:
                task.cancel()
                await asyncio.wait([task])
        link, self._link = self._link, None
        if link is not None:
            await link.stack.aclose()

    async def read_epoch(self) -> str | None:
        """The store's epoch, None if there is none (any more)."""
        return text_in(await self.get(IDENTITY) or {}, "epoch")

    # Calls. All raise NotSent, Refused or Unanswered, which are StoreUnavailable.

    async def read(self, operation: str, **params: Any) -> Item:
        """The reply to a consistent read."""
        if operation in _CONSISTENT:
            params["ConsistentRead"] = True
        return await self._repeat(operation, params)

    async def write(self, operation: str, **params: Any) -> Item:
        """The reply to a write that may be repeated as it is. Raises ConditionFailed too, perhaps
        because an earlier try was carried out.
        """
        return await self._repeat(operation, params)

    async def change(self, operation: str, **params: Any) -> Item:
        """The reply to a write that is sent once. Raises ConditionFailed too."""
        try:
            return await self._call(operation, params, CHANGE_WITHIN_S)
        finally:
            reach(Failpoint.WRITER_IN_COMMIT)  # it may be carried out, and nobody was told

    async def get(self, key: Attributes) -> Item | None:
        """An item, None if it is not there."""
        item: Item | None = (await self.read("get_item", Key=key)).get("Item")
        return item

    async def put(self, item: Attributes) -> None:
        """Store an item, whatever is there."""
        await self.write("put_item", Item=item)

    async def delete(self, key: Attributes) -> None:
        """Remove an item, if it is there."""
        await self.write("delete_item", Key=key)

    async def query_all(self, *, limit: int | None = None, **params: Any) -> list[Item]:
        """The items that a query finds, at most `limit`, over as many replies as that takes."""
        found: list[Item] = []
        while True:
            if limit is not None:
                params["Limit"] = limit - len(found)
            reply = await self.read("query", **params)
            found += reply["Items"]
            last = reply.get("LastEvaluatedKey")
            if last is None or (limit is not None and len(found) >= limit):
                return found
            params["ExclusiveStartKey"] = last

    async def get_all(self, keys: Sequence[Attributes], **params: Any) -> list[Item]:
        """Those of these items that are there, in any order; `params` as of the service's
        BatchGetItem, for instance a projection. The keys must be different ones.
        """
        parts = await asyncio.gather(
            *(self._get_batch(batch, params) for batch in _batches(keys, MAX_IN_BATCH_GET))
        )
        return [item for part in parts for item in part]

    async def put_all(self, items: Sequence[Attributes]) -> None:
        """Store items with different keys, whatever is there; if this raises some may be stored."""
        requests = [{"PutRequest": {"Item": item}} for item in items]
        await asyncio.gather(
            *(self._write_batch(batch) for batch in _batches(requests, MAX_IN_BATCH_WRITE))
        )

    async def _get_batch(self, keys: Sequence[Attributes], params: Mapping[str, Any]) -> list[Item]:
        table, deadline = self._config.table, time.monotonic() + REPEAT_WITHIN_S
        found: list[Item] = []
        asked: dict[str, Any] = {table: {"Keys": keys, "ConsistentRead": True, **params}}
        for attempt in range(1, 1_000):
            reply = await self._repeat("batch_get_item", {"RequestItems": asked})
            found += reply["Responses"].get(table, [])
            asked = reply.get("UnprocessedKeys") or {}
            if not asked:
                return found
            await _pause(attempt, deadline)
        raise AssertionError("the deadline comes first")

    async def _write_batch(self, requests: Sequence[Item]) -> None:
        deadline = time.monotonic() + REPEAT_WITHIN_S
        asked: dict[str, Any] = {self._config.table: requests}
        for attempt in range(1, 1_000):
            reply = await self._repeat("batch_write_item", {"RequestItems": asked})
            asked = reply.get("UnprocessedItems") or {}
            if not asked:
                return
            await _pause(attempt, deadline)
        raise AssertionError("the deadline comes first")

    async def _repeat(self, operation: str, params: Mapping[str, Any]) -> Item:
        deadline, attempt = time.monotonic() + REPEAT_WITHIN_S, 1
        while True:
            within_s = min(TRY_WITHIN_S, deadline - time.monotonic())
            try:
                return await self._call(operation, params, within_s)
            except (NotSent, Unanswered) as exc:
                if attempt == MAX_TRIES or self._link is None or self._stopping:
                    raise
                # The first one may just have met a connection that was closed for being idle.
                if attempt > 1 or isinstance(exc, Throttled):
                    await _pause(attempt, deadline, exc)
            if time.monotonic() >= deadline:
                raise Unanswered("no answer from DynamoDB in time")
            attempt += 1
            self.stats.repeated += 1

    async def _call(self, operation: str, params: Mapping[str, Any], within_s: float) -> Item:
        if self.waiting >= MAX_WAITING:
            raise NotSent("too many calls wait for the store")
        self.waiting += 1
        try:
            await self._turns.acquire()
        finally:
            self.waiting -= 1
        call = asyncio.get_running_loop().create_task(self._send(operation, params, within_s))
        self._calls.add(call)
        call.add_done_callback(self._done)
        return await asyncio.shield(call)

    async def _send(self, operation: str, params: Mapping[str, Any], within_s: float) -> Item:
        link = self._link
        if link is None or self._stopping:
            raise NotSent("the store is closed" if self._stopping else "no link")
        if "RequestItems" not in params:
            params = {"TableName": self._config.table, **params}
        try:
            async with asyncio.timeout(within_s):
                reply: Item = await getattr(link.client, operation)(
                    ReturnConsumedCapacity="TOTAL", **params
                )
        except Exception as exc:
            problem = translate(exc)
            self._note(problem, exc)
            raise problem from exc
        self._note(None, None)
        self._count(operation, reply)
        return reply

    def _done(self, call: asyncio.Task[Item]) -> None:
        self._calls.discard(call)
        self._turns.release()
        if not call.cancelled():
            call.exception()  # seen, also when its caller has gone

    def _note(self, problem: Exception | None, error: BaseException | None) -> None:
        if isinstance(problem, ConditionFailed):
            self.stats.failed_conditions += 1
        if problem is None or isinstance(problem, ConditionFailed):
            if self._failing_since is not None:
                self._failing_since = None
                log.info("store_back")
            return
        if isinstance(problem, Throttled):
            self.stats.throttled += 1
        elif self._failing_since is None:
            assert error is not None
            self._failing_since = time.monotonic()
            log.error("store_failed", error=code_of(error), detail=str(problem))

    def _count(self, operation: str, reply: Item) -> None:
        calls, kind = self.stats.calls, "read" if operation in _READS else "write"
        calls[operation] = calls.get(operation, 0) + 1
        consumed = reply.get("ConsumedCapacity") or []
        for one in consumed if isinstance(consumed, list) else [consumed]:
            self.stats.units[kind] += one.get("CapacityUnits", 0.0)

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
        async with AsyncExitStack() as stack:
            try:
                client = await stack.enter_async_context(new_client(self._config))
                epoch = await open_table(client, self._config)
                self._on_link(epoch)
            except StoreTooNew as exc:
                self._on_too_new(exc)
                return
            except Exception as exc:
                self._note(translate(exc), exc)
                return
            old = self._link
            self._link = Link(client, stack.pop_all())
        self._failing_since = None
        self.links += 1
        log.info("store_linked", links=self.links)
        if old is not None:
            await old.stack.aclose()


async def _pause(attempt: int, deadline: float, error: StoreUnavailable | None = None) -> None:
    """Longer each time, with jitter. Raises `error`, or Throttled, after the deadline."""
    if time.monotonic() >= deadline:
        raise error or Throttled("DynamoDB asks for fewer calls")
    longest_s = min(_FIRST_PAUSE_S * 2**attempt, _LONGEST_PAUSE_S)
    await asyncio.sleep(longest_s * random.random())  # noqa: S311 - jitter


def _batches(them: Sequence[_T], size: int) -> Iterator[Sequence[_T]]:
    return (them[begin : begin + size] for begin in range(0, len(them), size))
