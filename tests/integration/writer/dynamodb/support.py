"""What the tests of the DynamoDB store share."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from tests.dynamodb_table import Table
from tests.integration.writer.cassandra.support import Died, until_served
from wire.errors import StoreUnavailable
from writer.dynamodb.store import DynamoStore
from writer.stepwise.errors import Unanswered

_WRITES = ("put_item", "update_item", "delete_item")

Picks = Callable[[str, dict[str, Any]], bool]  # an operation of the SDK, what it is called with


@asynccontextmanager
async def opened(table: Table, *, retention_s: int = 0, **more: Any) -> AsyncIterator[DynamoStore]:
    """A store object on the table, started and linked; stopped at the end."""
    store = DynamoStore(table.config_by(table.port, retention_s), **more)
    await store.start()
    try:
        await until_served(store.epoch)
        yield store
    finally:
        await store.stop()


def nothing(_operation: str, _params: dict[str, Any]) -> bool:
    return False


class Calls:
    """Sees the calls of one store. Those that `hold` picks go out after `release`, those that
    `refuse` picks never.
    """

    def __init__(self, store: DynamoStore) -> None:
        self._call, self._released = store.session._call, asyncio.Event()
        self.hold: Picks = nothing
        self.refuse: Picks = nothing
        self.seen: list[tuple[str, dict[str, Any]]] = []
        self.held = 0
        store.session._call = self  # type: ignore[method-assign, assignment]

    async def __call__(self, operation: str, params: dict[str, Any], within_s: float) -> Any:
        self.seen.append((operation, params))
        if self.refuse(operation, params):
            raise StoreUnavailable("refused")
        if self.hold(operation, params):
            self.held += 1
            await self._released.wait()
        return await self._call(operation, params, within_s)

    def count(self, operation: str) -> int:
        """How often this was called."""
        return sum(name == operation for name, _ in self.seen)

    def release(self) -> None:
        """Hold and refuse nothing any more, and count anew."""
        self.hold = self.refuse = nothing
        self._released.set()
        self.seen.clear()


class Trouble:
    """One write of a store, the `at`-th, is carried out or not, and then the writer dies, or gets
    no answer.
    """

    def __init__(self, store: DynamoStore, at: int, *, carried_out: bool, dies: bool) -> None:
        self._store, self._call = store, store.session._call
        self._at, self._carried_out, self._dies = at, carried_out, dies
        self._count = itertools.count(1)
        self.met = False
        store.session._call = self  # type: ignore[method-assign]

    async def __call__(self, operation: str, params: Any, within_s: float) -> Any:
        if self.met and self._dies:
            raise Died
        if operation not in _WRITES or next(self._count) != self._at:
            return await self._call(operation, params, within_s)
        self.met = True
        if self._carried_out:
            await self._call(operation, params, within_s)
        raise Died if self._dies else Unanswered("lost")

    def end(self) -> None:
        self._store.session._call = self._call  # type: ignore[method-assign]
