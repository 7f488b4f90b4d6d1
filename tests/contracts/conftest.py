from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.contracts.reaching import be_patient, reached
from tests.contracts.store_backings import BACKINGS, DURABLE, Backing
from writer.store import CommentStore


@pytest.fixture(params=sorted(BACKINGS))
def backing(request: pytest.FixtureRequest) -> Backing:
    return BACKINGS[request.param].make(request)


@pytest.fixture(params=sorted(DURABLE))
def durable(request: pytest.FixtureRequest) -> Backing:
    """Only what other processes can use too, and what survives them."""
    return DURABLE[request.param].make(request)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests of what is stored when very much comes at once."""
    be_patient(monkeypatch)


@pytest.fixture
async def store(backing: Backing) -> AsyncIterator[CommentStore]:
    async with reached(backing.store()) as store:
        yield store


@pytest.fixture
async def other_store(backing: Backing) -> AsyncIterator[CommentStore]:
    async with reached(backing.store()) as store:
        yield store
