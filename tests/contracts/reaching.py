"""Stores under test that answer, and that have patience."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.support import TIMEOUT_FACTOR, started
from wire.errors import StoreUnavailable
from writer.dynamodb import removed, rule_rows
from writer.stepwise import append, moderation, redact, ruling
from writer.store import CommentStore

# Modules whose SETTLE_WITHIN_S is the deadline of a call on a store that goes by steps.
SETTLING = (append, moderation, redact, removed, rule_rows, ruling)
_REACHED_WITHIN_S = 60 * TIMEOUT_FACTOR


@asynccontextmanager
async def reached(store: CommentStore) -> AsyncIterator[CommentStore]:
    """Started, and answering: `start` goes on without its place if that takes long, as a new
    Cassandra does on a busy machine.
    """
    async with started(store):
        await until_it_passes(store)
        yield store


async def until_it_passes(store: CommentStore) -> None:
    """Until it passes its check."""
    async with asyncio.timeout(_REACHED_WITHIN_S):
        while True:
            try:
                return await store.check()
            except StoreUnavailable:
                await asyncio.sleep(0.05)


def be_patient(patch: pytest.MonkeyPatch) -> None:
    """Stores of this process go on trying for longer. An emulator on a busy machine is too slow for
    the deadline of a post.
    """
    for module in SETTLING:
        patch.setattr(module, "SETTLE_WITHIN_S", 40 * TIMEOUT_FACTOR)
