from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contracts.store_backings import BACKINGS, DURABLE, Backing
from writer.store import CommentStore


@pytest.fixture(params=sorted(BACKINGS))
def backing(request: pytest.FixtureRequest, tmp_path: Path) -> Backing:
    return BACKINGS[request.param].make(tmp_path)


@pytest.fixture(params=sorted(DURABLE))
def durable(request: pytest.FixtureRequest, tmp_path: Path) -> Backing:
    """Only what other processes can use too, and what survives them."""
    return DURABLE[request.param].make(tmp_path)


@pytest.fixture
async def store(backing: Backing) -> AsyncIterator[CommentStore]:
    store = backing.store()
    await store.start()
    yield store
    await store.stop()


@pytest.fixture
async def other_store(backing: Backing) -> AsyncIterator[CommentStore]:
    store = backing.store()
    await store.start()
    yield store
    await store.stop()
