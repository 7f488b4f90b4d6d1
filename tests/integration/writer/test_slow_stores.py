"""A purge and an erasure on a store that is too slow for as much as one call asks for: each call
gets further, and the same call again completes it. In SQLite a removal is one transaction.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, cast

import pytest
from prometheus_client import CollectorRegistry

from service.tasks import TaskHome
from tests.contracts.reaching import reached
from tests.contracts.store_backings import DURABLE, Backing
from tests.contracts.test_redactions import AT, log_of, notices
from tests.contracts.test_rules import ANN, written
from tests.integration.writer.cassandra.support import until_served
from wire.entry import MAX_TARGETS, Removed, RemovedBy, is_comment
from wire.errors import StoreUnavailable
from writer.comment_service import CommentService
from writer.metrics import WriterMetrics
from writer.purge import remove_all_of
from writer.store import CommentStore, Item
from writer.testing import ListSink

pytestmark = [pytest.mark.timeout(180), pytest.mark.usefixtures("patient")]

COMMENTS = MAX_TARGETS
AT_ONCE = 10  # comments of one group
TEXTS_IN_TIME = 60  # of one call
MAX_CALLS = 20


class FewTextsInTime:
    """Of what is kept of removed comments, a store writes only so many texts before the deadline
    of a call; the rest of that call fails.
    """

    def __init__(self, removed: Any) -> None:
        self._keep, self._destroy, self._left = removed.keep, removed.destroy, 0
        removed.keep, removed.destroy = self.keep, self.destroy

    def another_call(self) -> None:
        self._left = TEXTS_IN_TIME

    async def keep(self, video_id: str, raws: Mapping[int, bytes], *more: Any) -> bool:
        self._write(len(raws))
        kept: bool = await self._keep(video_id, raws, *more)
        return kept

    async def destroy(self, video_id: str, found: Mapping[int, Any]) -> bool:
        self._write(len(found))
        destroyed: bool = await self._destroy(video_id, found)
        return destroyed

    def _write(self, texts: int) -> None:
        self._left -= texts
        if self._left < 0:
            raise StoreUnavailable("not in time")


@pytest.fixture(params=["cassandra", "dynamodb-dynalite"])
def backing(request: pytest.FixtureRequest) -> Backing:
    return DURABLE[request.param].make(request)


async def fill(store: CommentStore) -> None:
    """Several comments in a group, as when much is posted."""
    for first in range(0, COMMENTS, AT_ONCE):
        names = [f"secret {first + at}" for at in range(AT_ONCE)]
        items = [Item(written(name), name, AT) for name in names]
        await until_served(lambda items=items: store.append("v", items))


async def complete(store: CommentStore, removed: Any, by: RemovedBy) -> None:
    """Make the same call again until it is done. removed: as ports.RemovedRows."""
    metrics = WriterMetrics(CollectorRegistry())
    comments = CommentService(store, ListSink(), TaskHome(), metrics)
    slow = FewTextsInTime(removed)
    for _ in range(MAX_CALLS):
        slow.another_call()
        with suppress(StoreUnavailable):
            await remove_all_of(comments, ANN, "v", by=by)
            return
    pytest.fail("it gets no further")


@pytest.mark.parametrize("by", [RemovedBy.MODERATOR, RemovedBy.ERASURE])
async def test_the_same_call_gets_further_each_time(backing: Backing, by: RemovedBy) -> None:
    async with reached(backing.store()) as store:
        await fill(store)
        removed = cast(Any, store)._redact._removed
        await complete(store, removed, by)
        log = await log_of(store)
        kept = await removed.fetch("v", range(1, COMMENTS + 1))
    assert not any(map(is_comment, log))
    said = [notice for notice in notices(log) if isinstance(notice, Removed)]
    targets = Counter(seq for notice in said for seq in notice.targets)
    assert targets == Counter(range(1, COMMENTS + 1))
    assert len(kept) == COMMENTS
    assert {row.raw is not None for row in kept.values()} == {by is RemovedBy.MODERATOR}
