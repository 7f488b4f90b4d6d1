"""What the tests of the Cassandra store share."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import msgspec

from tests.keyspace import Keyspace
from tests.support import TIMEOUT_FACTOR
from wire.comment import Comment, NewComment
from wire.errors import StoreUnavailable
from writer.cassandra.driver import CONDITION, READ
from writer.cassandra.layout import BUCKET_SIZE
from writer.cassandra.store import CassandraStore
from writer.stepwise.errors import NotSent, Unanswered
from writer.store import CommentStore, Item

SMALL = 5  # of a bucket, so that there are many


def item(text: str, key: str | None = None, author_id: str = "") -> Item:
    return Item(NewComment("ann", text, author_id), key, "2030-01-01T00:00:00.000Z")


def keyed(*names: str) -> list[Item]:
    """Each with its text as its key."""
    return [item(name, name) for name in names]


@asynccontextmanager
async def opened(keyspace: Keyspace, *, bucket_size: int = BUCKET_SIZE, **config: Any) -> Any:
    """A store object on the keyspace, started and linked; stopped at the end."""
    store = CassandraStore(replace(keyspace.config, **config), bucket_size=bucket_size)
    await store.start()
    try:
        await until_served(store.epoch)  # on a busy machine a connect may have to be tried again
        yield store
    finally:
        await store.stop()


async def texts(store: CommentStore, video_id: str = "v") -> list[str]:
    """All comments from 1 to the head; their numbers must be dense."""
    page = await store.range(video_id, 0, 10**9)
    comments = [msgspec.json.decode(raw, type=Comment) for raw in page.comments]
    assert [comment.seq for comment in comments] == list(range(1, page.head + 1))
    return [comment.text for comment in comments]


async def until_served(call: Callable[..., Any], timeout_s: float = 60.0) -> Any:
    """The result of `call()` as soon as the store is there."""
    async with asyncio.timeout(timeout_s * TIMEOUT_FACTOR):
        while True:
            try:
                return await call()
            except StoreUnavailable:
                await asyncio.sleep(0.1)


class Doubt:
    """Loses the answer of chosen conditional batches of one store: `applied` says whether the
    server carried the batch out before; None lets one pass.
    """

    def __init__(self, store: CassandraStore, applied: Sequence[bool | None]) -> None:
        self._call, self._turns = store._session.call, iter(applied)
        self.between: Callable[[], Any] | None = None  # awaited once, before the doubt is told
        store._session.call = self  # type: ignore[method-assign]

    async def __call__(self, build: Any, *, profile: str) -> Any:
        applied = next(self._turns, None) if profile == CONDITION else None
        if applied is None:
            return await self._call(build, profile=profile)
        if applied:
            await self._call(build, profile=profile)
        between, self.between = self.between, None
        if between is not None:
            await between()
        raise Unanswered("lost")


class Died(BaseException):
    """The writer is no more."""


class Death:
    """A writer dies at the `at`-th conditional batch of its store, which is carried out or not."""

    def __init__(self, store: CassandraStore, at: int, *, carried_out: bool) -> None:
        self._store, self._call = store, store._session.call
        self._at, self._carried_out, self._count = at, carried_out, itertools.count(1)
        self.met = False
        store._session.call = self  # type: ignore[method-assign]

    async def __call__(self, build: Any, *, profile: str) -> Any:
        if self.met:
            raise Died
        if profile != CONDITION or next(self._count) != self._at:
            return await self._call(build, profile=profile)
        self.met = True
        if self._carried_out:
            await self._call(build, profile=profile)
        raise Died

    def end(self) -> None:
        """It is back."""
        self._store._session.call = self._call  # type: ignore[method-assign]


_Picks = Callable[[str, Sequence[Any]], bool]  # the name of a statement, its values


def _none(_name: str, _values: Sequence[Any]) -> bool:
    return False


class Reads:
    """Sees what one store reads; the answers that `hold` picks do not come before `release`, those
    that `refuse` picks never.

    key_buckets: where it looked for keys; held: how many answers are held; most_held: at a time.
    """

    def __init__(self, store: CassandraStore) -> None:
        self._call, self._released = store._session.call, asyncio.Event()
        self.hold: _Picks = _none
        self.refuse: _Picks = _none
        self.key_buckets: list[int] = []
        self.held = self.most_held = 0
        store._session.call = self  # type: ignore[method-assign]

    async def __call__(self, build: Any, *, profile: str) -> Any:
        said = build(_Said()) if profile == READ else None
        if said is not None and said[0] == "keys":
            self.key_buckets.append(said[1][1])
        if said is not None and self.refuse(*said):
            raise NotSent("refused")
        if said is not None and self.hold(*said):
            self.held += 1
            self.most_held = max(self.most_held, self.held)
            try:
                await self._released.wait()
            finally:
                self.held -= 1
        return await self._call(build, profile=profile)

    def release(self) -> None:
        """Hold and refuse nothing any more."""
        self.hold = self.refuse = _none
        self._released.set()


class _Said:
    """Stands for the statements: tells which one was asked for."""

    def read(self, name: str, *values: object, serial: bool = False) -> tuple[str, Sequence[Any]]:
        return name, values

    def write_key_buckets(self, *_: object) -> None:
        return None


_names = itertools.count(1)


def names(count: int) -> list[str]:
    """Texts that nobody else uses."""
    return [f"n{next(_names)}" for _ in range(count)]
