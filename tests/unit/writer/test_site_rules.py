from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from identity.revocations import Revocations
from wire.comment import NewComment
from wire.errors import Banned, StoreUnavailable
from wire.rulings import FOREVER_MS
from writer import site_rules
from writer.comment_service import CommentService
from writer.moderation_store import ModerationStore
from writer.rules import Rules, Sanction
from writer.site_rules import SiteRules

ANN = "u_ann"


class Store:
    """What is asked of the service and of the store. A read of sanctions takes as long as `gate` is
    there, and tells what was there when it began.
    """

    def __init__(self) -> None:
        self.version, self.banned = 1, list[str]()
        self.gate: asyncio.Event | None = None
        self.asked = 0

    async def rules(self, _video_id: str) -> tuple[Rules, None]:
        return Rules(version=self.version), None

    async def sanctions(self, _video_id: str, _limit: int, after: str) -> list[Sanction]:
        if after:
            return []
        self.asked += 1
        found = [Sanction(one, FOREVER_MS, "u_mo", 5, "") for one in self.banned]
        if self.gate is not None:
            await self.gate.wait()
        return found

    async def revocations(self, _limit: int, _after: str = "") -> list[tuple[str, int]]:
        return []


def site_of(store: Store) -> SiteRules:
    found: Any = store
    return SiteRules(cast(CommentService, found), cast(ModerationStore, found), Revocations())


async def until_asked(store: Store, count: int) -> None:
    while store.asked < count:
        await asyncio.sleep(0)


async def test_an_older_read_that_would_end_later_does_not_count() -> None:
    store = Store()
    site = site_of(store)
    store.gate = gate = asyncio.Event()
    older = asyncio.create_task(site.refresh())
    await until_asked(store, 1)
    store.version, store.banned, store.gate = 2, [ANN], None
    newer = asyncio.create_task(site.refresh())
    for _ in range(20):  # it would be done by now, if it did not wait for the older one
        await asyncio.sleep(0)
    gate.set()
    await asyncio.gather(older, newer)
    with pytest.raises(Banned):
        site.check(NewComment("Ann", "hi", ANN))


async def test_a_read_that_gets_no_answer_gives_up_and_keeps_nobody_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = Store()
    site = site_of(store)
    store.gate = asyncio.Event()
    with monkeypatch.context() as hasty:
        hasty.setattr(site_rules, "KNOWN_WITHIN_S", 0.05)
        with pytest.raises(StoreUnavailable):
            await site.refresh()
    store.gate, store.banned = None, [ANN]
    await site.refresh()
    assert site.find(ANN) is not None
