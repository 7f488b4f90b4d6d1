"""A writer that dies in the middle of an erasure: what all writers do in the background completes
it, without anybody's call. Where a store does it in steps: in SQLite it is one transaction.
"""

from __future__ import annotations

import asyncio
import itertools
from typing import Any, cast

import pytest
from prometheus_client import CollectorRegistry

from service.tasks import TaskHome
from tests.contracts.reaching import reached
from tests.contracts.store_backings import DURABLE, Backing
from tests.contracts.test_redactions import log_of, remove, restore
from tests.contracts.test_rules import BOB, post, rule, written
from tests.integration.writer.cassandra.support import Death, Died
from tests.integration.writer.dynamodb.support import Trouble
from tests.support import eventually
from wire.entry import Removed, Restored, decode_notice, decode_seq, entry_type
from wire.errors import CommentRemoved
from writer.cassandra.store import CassandraStore
from writer.comment_service import CommentService
from writer.dynamodb.store import DynamoStore
from writer.erasures import Erasures
from writer.metrics import WriterMetrics
from writer.moderation_store import Erasure
from writer.rules import NewPin
from writer.stepwise.store import StepwiseStore
from writer.stores import ProcessStore
from writer.testing import ListSink

pytestmark = pytest.mark.usefixtures("patient")

PLAIN, PINNED, RESTORED, HIDDEN, UNTOLD = THEIRS = (1, 2, 3, 4, 5)
OTHERS = 6


@pytest.fixture(params=["cassandra", "dynamodb-dynalite"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def backing(kind: str, request: pytest.FixtureRequest) -> Backing:
    return DURABLE[kind].make(request)


class Writer:
    """Its store, and what it does in the background."""

    def __init__(self, store: ProcessStore) -> None:
        metrics = WriterMetrics(CollectorRegistry())
        self.store = store
        self.comments = CommentService(store, ListSink(), TaskHome(), metrics)
        self.erasures = Erasures(self.comments, store.moderation, metrics)

    def dies(self, at: int, *, carried_out: bool) -> Death | Trouble:
        """At the `at`-th write of the store."""
        if isinstance(self.store, CassandraStore):
            return Death(self.store, at, carried_out=carried_out)
        assert isinstance(self.store, DynamoStore)
        return Trouble(self.store, at, carried_out=carried_out, dies=True)

    async def begin(self, video: str, author_id: str) -> None:
        """Comments of all kinds that leave their text in more than one place."""
        store = self.store
        for number in THEIRS:
            await post(store, written(f"secret {number}", author_id), video=video)
        await post(store, written("kept", BOB), video=video)
        await rule(store, NewPin(PINNED), video)
        await remove(store, RESTORED, video=video)
        await restore(store, RESTORED, video)
        await remove(store, HIDDEN, video=video)

    async def hide_untold(self, video: str) -> None:
        """A moderator's removal that dies before its notice is numbered."""
        texts = isinstance(self.store, DynamoStore)  # items of their own
        trouble = self.dies(4 if texts else 3, carried_out=False)
        with pytest.raises(Died):
            await remove(self.store, UNTOLD, video=video)
        trouble.end()

    async def erase_and_die(self, at: int, *, carried_out: bool) -> bool:
        """Whether there was an `at`-th write."""
        trouble = self.dies(at, carried_out=carried_out)
        erasing = asyncio.ensure_future(self.erasures.finish())
        await eventually(lambda: trouble.met or erasing.done())
        erasing.cancel()  # or it would wait for whoever died
        await asyncio.gather(erasing, return_exceptions=True)
        trouble.end()
        return trouble.met

    async def check(self, video: str, author_id: str) -> None:
        log = await log_of(self.store, video)
        assert [seq for seq, raw in enumerate(log, 1) if b"secret" in raw] == []
        kinds = [entry_type(raw) for raw in log[:OTHERS]]
        assert kinds == ["tombstone"] * len(THEIRS) + ["comment"]
        page = await self.comments.entries(video, 100)
        assert page.entries == log
        said = dict.fromkeys(THEIRS, 0)
        for notice in map(decode_notice, log):
            if isinstance(notice, Removed):
                for seq in notice.targets:
                    said[seq] += 1
            assert not isinstance(notice, Restored), decode_seq(bytes(notice.comment))
        assert said == {**dict.fromkeys(THEIRS, 1), RESTORED: 2}
        await self._check_kept(video)
        erasure = await self.erasures.find(author_id)
        assert erasure is not None
        assert erasure.done

    async def _check_kept(self, video: str) -> None:
        assert isinstance(self.store, StepwiseStore)
        kept = await self.store._redact._removed.fetch(video, THEIRS)
        assert {seq: row.raw for seq, row in kept.items()} == dict.fromkeys(THEIRS)
        for seq in THEIRS:
            with pytest.raises(CommentRemoved):
                await restore(self.store, seq, video)


@pytest.mark.parametrize("carried_out", [True, False])
async def test_what_is_done_in_the_background_completes_it(
    backing: Backing, carried_out: bool
) -> None:
    async with reached(backing.store()) as one, reached(backing.store()) as two:
        second = Writer(cast(ProcessStore, two))
        for at in itertools.count(1):
            first = Writer(cast(ProcessStore, one))
            video, author_id = f"v{at}", f"u_ann_{at}"
            await first.begin(video, author_id)
            if at % 2:  # where the erasure finds one of these
                await first.hide_untold(video)
            await first.erasures.ask(author_id)
            met = await first.erase_and_die(at, carried_out=carried_out)
            await second.erasures.finish()
            await second.check(video, author_id)
            if not met:
                break
    assert at > 6  # kept, rewritten, what repeats them too, numbered, noted, destroyed


async def test_a_restoration_meanwhile_does_not_bring_the_text_back(backing: Backing) -> None:
    """It has read the text, and goes on when that was destroyed."""
    async with reached(backing.store()) as one, reached(backing.store()) as two:
        first, second = (Writer(cast(ProcessStore, store)) for store in (one, two))
        await first.begin("v", "u_ann")
        removed: Any = cast(StepwiseStore, first.store)._redact._removed
        begin = removed.begin_restoring

        async def late(*args: Any) -> Any:
            removed.begin_restoring = begin
            await second.store.moderation.note_erasure(Erasure("u_ann", 1, False))
            await second.erasures.finish()
            return await begin(*args)

        removed.begin_restoring = late
        with pytest.raises(CommentRemoved):
            await restore(first.store, HIDDEN, "v")
        assert not any(b"secret" in raw for raw in await log_of(second.store, "v"))
