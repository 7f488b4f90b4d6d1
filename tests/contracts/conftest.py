from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.contracts.store_backings import BACKINGS, DURABLE, Backing
from tests.support import TIMEOUT_FACTOR
from wire.errors import StoreUnavailable
from writer.store import CommentStore

_STARTED_WITHIN_S = 60 * TIMEOUT_FACTOR


@pytest.fixture(params=sorted(BACKINGS))
def backing(request: pytest.FixtureRequest) -> Backing:
    return BACKINGS[request.param].make(request)


@pytest.fixture(params=sorted(DURABLE))
def durable(request: pytest.FixtureRequest) -> Backing:
    """Only what other processes can use too, and what survives them."""
    return DURABLE[request.param].make(request)


@pytest.fixture
async def store(backing: Backing) -> AsyncIterator[CommentStore]:
    async with _running(backing.store()) as store:
        yield store


@pytest.fixture
async def other_store(backing: Backing) -> AsyncIterator[CommentStore]:
    async with _running(backing.store()) as store:
        yield store


@asynccontextmanager
async def _running(store: CommentStore) -> AsyncIterator[CommentStore]:
    """Started, and in reach of its place: `start` goes on without if that takes long, as a new
    Cassandra does on a busy machine.
    """
    await store.start()
    try:
        async with asyncio.timeout(_STARTED_WITHIN_S):
            while not await _is_reached(store):
                await asyncio.sleep(0.05)
        yield store
    finally:
        await store.stop()


async def _is_reached(store: CommentStore) -> bool:
    try:
        await store.epoch()
    except StoreUnavailable:
        return False
    return True
