"""What a comment costs in DynamoDB: calls and capacity units, counted on an emulator, which rounds
as the service documents it. No time is measured: an emulator's says nothing of the service.

Comments of one video that come while a group is stored are the next group. So how many are in one
follows from the rate and from how many calls are made one after the other, which is counted here
too, by holding each call up. A call is taken to last CALL_S.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
import math
import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from bench import clusters
from bench.child import BenchFailed
from bench.effort import Effort
from bench.figures import Beside, Finding, Measured, Row, measured
from cluster.parts import Kind
from cluster.servers.dynalite import REGION, variables_for
from service.logs import configure_logs
from wire.comment import NewComment
from wire.errors import StoreUnavailable
from writer.dynamodb.config import DynamoConfig
from writer.dynamodb.session import Link
from writer.dynamodb.store import DynamoStore
from writer.store import MAX_GROUP, Item, Outcome

CALL_S = 0.005  # what the service's documents call typical: some milliseconds
_HELD_UP_S = 0.2
_OPEN_WITHIN_S = 40.0
_SETTLED_WITHIN_TRIES = 2_000
_PEOPLE = 1_000
_WORDS, _WORDS_IN_A_TEXT = 800, (4, 16)
_DAY_S = 24 * 3600
_RATES = (1, 100, 5_000)


@dataclass(frozen=True, slots=True)
class Way:
    """How comments are posted. tokens: each by one of _PEOPLE, which is noted of its author."""

    text: str
    keys: bool = False
    tokens: bool = False
    retention: bool = False


_WAYS = (
    Way("plain"),
    Way("with keys", keys=True),
    Way("with keys and tokens", keys=True, tokens=True),
    Way("with keys and retention", keys=True, retention=True),
)


@dataclass(frozen=True, slots=True)
class Cost:
    """For each comment, in groups of `size`."""

    size: int
    calls: float
    written: float
    read: float


class _HeldUp:
    """The SDK's client, each call of which takes longer."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, operation: str) -> Any:
        call = getattr(self._client, operation)

        async def later(**params: Any) -> Any:
            await asyncio.sleep(_HELD_UP_S)
            return await call(**params)

        return later


class _Poster:
    """Stores groups of comments by one store."""

    def __init__(self, store: DynamoStore, way: Way) -> None:
        self._store, self._way = store, way
        self._dice, self._numbers = random.Random(7), itertools.count()
        letters = "etaoinshrdlucmfw"
        self._words = [
            "".join(self._dice.choices(letters, k=self._dice.randint(2, 9))) for _ in range(_WORDS)
        ]

    async def rounds(self) -> int:
        """How many calls one after the other an append takes."""
        session = self._store.session
        await self.append("rounds", 3)
        link = session._link
        assert link is not None
        session._link = Link(_HeldUp(link.client), link.stack)
        began = time.monotonic()
        await self.append("rounds", 3)
        took_s = time.monotonic() - began
        session._link = link
        return max(1, int(took_s / _HELD_UP_S))

    async def cost(self, size: int, groups: int) -> Cost:
        """Of groups of as many comments, on a video that has had some."""
        video, stats = f"video-{size}", self._store.session.stats
        for _ in range(2):
            await self.append(video, size)
        await self._settle()
        calls, units = sum(stats.calls.values()), dict(stats.units)
        for _ in range(groups):
            await self.append(video, size)
        await self._settle()
        comments = size * groups
        return Cost(
            size,
            (sum(stats.calls.values()) - calls) / comments,
            (stats.units["write"] - units["write"]) / comments,
            (stats.units["read"] - units["read"]) / comments,
        )

    async def append(self, video: str, size: int) -> None:
        """Raises BenchFailed unless all are stored, and new."""
        done = await self._store.append(video, [self._item() for _ in range(size)])
        if any(each.outcome is not Outcome.NEW for each in done):
            raise BenchFailed("a comment was not stored")

    async def _settle(self) -> None:
        """What is written in the background belongs to the cost."""
        for _ in range(_SETTLED_WITHIN_TRIES):
            if not self._store.retention.waiting:
                return
            await asyncio.sleep(0.01)
        raise BenchFailed("groups do not get their end")

    def _item(self) -> Item:
        number, dice = next(self._numbers), self._dice
        words = dice.choices(self._words, k=dice.randint(*_WORDS_IN_A_TEXT))
        author_id = f"u_{dice.randrange(_PEOPLE):022x}" if self._way.tokens else ""
        comment = NewComment(author=dice.choice(words), text=" ".join(words), author_id=author_id)
        key = f"{dice.getrandbits(128):032x}-{number}" if self._way.keys else None
        return Item(comment, key, dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds"))


def measure(effort: Effort) -> Iterator[Finding]:
    """The rows of this benchmark. Raises BenchFailed."""
    configure_logs(level="critical", style="json", role="writer", id="writer-1")
    rates = effort.choose(_RATES, (1, 100))
    done = asyncio.run(_measure(rates, effort))
    for way in _WAYS:
        for rate in rates:
            yield from _rows(way, rate, [run[way, rate] for run in done])


async def _measure(rates: tuple[int, ...], effort: Effort) -> list[dict[tuple[Way, int], Cost]]:
    runs: list[dict[tuple[Way, int], Cost]] = []
    async with clusters.only(Kind.DYNALITE, store="dynamodb") as cluster:
        for repeat in range(effort.repeats):
            runs.append({})
            for number, way in enumerate(_WAYS):
                host, port = cluster.address(Kind.DYNALITE, "client")
                with _environment(variables_for(host, port)):
                    table = f"bench-{repeat}-{number}"
                    retention_s = 2 * _DAY_S if way.retention else 0
                    config = DynamoConfig(table, f"http://{host}:{port}", REGION, retention_s)
                    store = await _opened(config)
                try:
                    poster = _Poster(store, way)
                    append_s = await poster.rounds() * CALL_S
                    for rate in rates:
                        size = min(max(1, math.ceil(rate * append_s)), MAX_GROUP)
                        groups = effort.choose(20, 3)
                        runs[-1][way, rate] = await poster.cost(size, groups)
                finally:
                    await store.stop()
    return runs


async def _opened(config: DynamoConfig) -> DynamoStore:
    store = DynamoStore(config)
    await store.start()
    deadline = time.monotonic() + _OPEN_WITHIN_S
    while True:
        try:
            await store.epoch()
            return store
        except StoreUnavailable as exc:
            if time.monotonic() > deadline:
                await store.stop()
                raise BenchFailed(f"the store does not open: {exc.detail}") from exc
        await asyncio.sleep(0.1)


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """Where the SDK looks for credentials."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _rows(way: Way, rate: int, costs: list[Cost]) -> Iterator[Row]:
    what = f"one video, {rate:,} comments/s, {way.text} (groups of {costs[0].size})"
    alone = measured([1.0 + way.keys] * len(costs), "", 2)
    peer = Beside("an item for each comment, and for each key", alone)
    yield Row(f"write units per comment, {what}", _of([c.written for c in costs]), peer=peer)
    yield Row(f"read units per comment, {what}", _of([c.read for c in costs]), peer=peer)
    yield Row(f"calls per comment, {what}", _of([c.calls for c in costs]), peer=peer)


def _of(values: list[float]) -> Measured:
    return measured(values, "", 3)
