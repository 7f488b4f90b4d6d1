from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.contracts.store_backings import BACKINGS, DURABLE, Backing
from tests.support import TIMEOUT_FACTOR, started
from wire.errors import StoreUnavailable
from writer.dynamodb import removed, rule_rows
from writer.stepwise import append, moderation, redact, ruling
from writer.store import CommentStore

_REACHED_WITHIN_S = 60 * TIMEOUT_FACTOR


@pytest.fixture(params=sorted(BACKINGS))
def backing(request: pytest.FixtureRequest) -> Backing:
    return BACKINGS[request.param].make(request)


@pytest.fixture(params=sorted(DURABLE))
def durable(request: pytest.FixtureRequest) -> Backing:
    """Only what other processes can use too, and what survives them."""
    return DURABLE[request.param].make(request)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stores go on trying for longer: for tests of what is stored when very much comes at once. An
    emulator on a busy machine is too slow for the deadline of a post.
    """
    for module in (append, moderation, redact, removed, rule_rows, ruling):
        monkeypatch.setattr(module, "SETTLE_WITHIN_S", 40 * TIMEOUT_FACTOR)


@pytest.fixture
async def store(backing: Backing) -> AsyncIterator[CommentStore]:
    async with reached(backing.store()) as store:
        yield store


@pytest.fixture
async def other_store(backing: Backing) -> AsyncIterator[CommentStore]:
    async with reached(backing.store()) as store:
        yield store


@asynccontextmanager
async def reached(store: CommentStore) -> AsyncIterator[CommentStore]:
    """Started, and answering: `start` goes on without its place if that takes long, as a new
    Cassandra does on a busy machine.
    """
    async with started(store), asyncio.timeout(_REACHED_WITHIN_S) as limit:
        while not await _answers(store):
            await asyncio.sleep(0.05)
        limit.reschedule(None)
        yield store


async def _answers(store: CommentStore) -> bool:
    try:
        await store.check()
    except StoreUnavailable:
        return False
    return True
