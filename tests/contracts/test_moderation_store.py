"""What `writer.moderation_store.ModerationStore` promises, on every durable store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import cast

import pytest

from identity.roles import Rank
from tests.contracts.reaching import reached
from tests.contracts.store_backings import Backing
from tests.contracts.test_redactions import AT, log_of, restore
from tests.contracts.test_rules import ANN, BOB, authored, post, written
from wire.comment import NewComment
from wire.entry import Removed, RemovedBy, entry_type
from wire.errors import (
    AlreadyDecided,
    CommentRemoved,
    NotFound,
    Overloaded,
    PermissionDenied,
)
from writer.held import HELD_FOR_MS, MAX_HELD, Held, HeldState, hold
from writer.moderation_store import Call, Erasure, ModerationStore
from writer.redaction import Removal
from writer.stores import ProcessStore

NOW = 1_800_000_000_000


@pytest.fixture
async def durable_store(durable: Backing) -> AsyncIterator[ProcessStore]:
    async with reached(durable.store()) as store:
        yield cast(ProcessStore, store)


@pytest.fixture
async def other_durable_store(durable: Backing) -> AsyncIterator[ProcessStore]:
    async with reached(durable.store()) as store:
        yield cast(ProcessStore, store)


@pytest.fixture
def kept(durable_store: ProcessStore) -> ModerationStore:
    return durable_store.moderation


@pytest.fixture
def other(other_durable_store: ProcessStore) -> ModerationStore:
    return other_durable_store.moderation


def held(text: str = "hm", key: str | None = None, held_ms: int = NOW, author: str = ANN) -> Held:
    return hold("v", NewComment(author, text, author, rank=Rank.VIEWER), key, held_ms)


async def test_what_is_held_is_found_and_held_once(
    kept: ModerationStore, other: ModerationStore
) -> None:
    first = held(key="k")
    assert await kept.hold("v", first) == first
    again = held("other words", key="k", held_ms=NOW + 1)
    assert again.id == first.id
    assert await other.hold("v", again) == first
    assert await other.find_held("v", first.id) == first
    assert await other.find_held("w", first.id) is None
    second = await kept.hold("v", held(held_ms=NOW + 5))
    assert await other.list_held("v", 10, NOW - 1) == [first, second]
    assert await other.list_held("v", 1, NOW - 1) == [first]
    assert await other.list_held("v", 10, NOW) == [second]
    assert await other.list_held("w", 10, 0) == []


async def test_the_first_decision_counts(kept: ModerationStore, other: ModerationStore) -> None:
    one = await kept.hold("v", held())
    decided = await kept.decide_held("v", one.id, HeldState.APPROVED, "u_mo", NOW + 1)
    assert (decided.state, decided.by, decided.seq) == (HeldState.APPROVED, "u_mo", 0)
    assert await other.decide_held("v", one.id, HeldState.APPROVED, "u_mo", NOW + 2) == decided
    for state, by in ((HeldState.DENIED, "u_mo"), (HeldState.APPROVED, "u_max")):
        with pytest.raises(AlreadyDecided):
            await other.decide_held("v", one.id, state, by, NOW + 3)
    assert await other.list_held("v", 10, 0) == [decided]  # until it is known to be posted
    await other.note_held_seq("v", one.id, 7)
    found = await kept.find_held("v", one.id)
    assert found is not None
    assert (found.seq, found.state) == (7, HeldState.APPROVED)
    assert await other.list_held("v", 10, 0) == []


async def test_what_is_denied_waits_no_more(kept: ModerationStore, other: ModerationStore) -> None:
    one = await kept.hold("v", held())
    await kept.decide_held("v", one.id, HeldState.DENIED, "u_mo", NOW + 1)
    assert await other.list_held("v", 10, 0) == []


@pytest.mark.usefixtures("patient")
async def test_of_many_decisions_at_once_one_counts(
    kept: ModerationStore, other: ModerationStore
) -> None:
    one = await kept.hold("v", held())
    tries = [
        store.decide_held("v", one.id, state, f"u_{number}", NOW + 1)
        for number, store in enumerate([kept, other] * 5)
        for state in (HeldState.APPROVED, HeldState.DENIED)
    ]
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(one, Held) for one in results) == 1
    assert sum(isinstance(one, AlreadyDecided) for one in results) == len(tries) - 1


async def test_a_decision_that_comes_too_late(kept: ModerationStore) -> None:
    one = await kept.hold("v", held())
    with pytest.raises(AlreadyDecided):
        await kept.decide_held("v", one.id, HeldState.APPROVED, "u_mo", NOW + HELD_FOR_MS)
    with pytest.raises(NotFound):
        await kept.decide_held("v", f"h_{'0' * 32}", HeldState.APPROVED, "u_mo", NOW)


@pytest.mark.usefixtures("patient")
async def test_only_so_many_are_held(kept: ModerationStore) -> None:
    for _ in range(0, MAX_HELD, 20):
        await asyncio.gather(*(kept.hold("v", held()) for _ in range(20)))
    with pytest.raises(Overloaded):
        await kept.hold("v", held())
    await kept.hold("w", held())
    await kept.hold("v", held(held_ms=NOW + HELD_FOR_MS))


async def test_calls_are_kept_newest_first(kept: ModerationStore, other: ModerationStore) -> None:
    calls = [Call(NOW + at, nonce, b'{"n":%d}' % nonce) for at, nonce in ((0, 5), (0, 7), (1, 2))]
    for call in calls:
        await kept.note_call("v", call)
        await kept.note_call("v", call)
    newest = (2**62, 0)
    assert await other.calls("v", 10, newest) == calls[::-1]
    assert await other.calls("v", 1, newest) == [calls[2]]
    assert await other.calls("v", 10, (NOW, 7)) == [calls[0]]
    assert await other.calls("w", 10, newest) == []


async def test_erasures_are_remembered(kept: ModerationStore, other: ModerationStore) -> None:
    await kept.note_erasure(Erasure(ANN, NOW, False))
    await kept.note_erasure(Erasure(BOB, NOW + 1, False))
    await kept.note_erasure(Erasure(BOB, NOW + 1, True))
    both = [Erasure(ANN, NOW, False), Erasure(BOB, NOW + 1, True)]
    assert await other.find_erasure(BOB) == both[1]
    assert await other.find_erasure("u_nobody") is None
    assert await other.open_erasures(10) == both[:1]
    assert await other.open_erasures(10, ANN) == []


async def test_of_two_erasures_of_an_author_the_later_one_counts(
    kept: ModerationStore, other: ModerationStore
) -> None:
    """Also if the end of the earlier one is noted last, by a slower writer."""
    earlier, later = Erasure(ANN, NOW, False), Erasure(ANN, NOW + 1, False)
    await kept.note_erasure(earlier)
    await kept.note_erasure(later)
    await other.note_erasure(earlier._replace(done=True))
    assert await kept.find_erasure(ANN) == later
    assert await kept.open_erasures(10) == [later]
    await other.note_erasure(later._replace(done=True))
    await kept.note_erasure(later)  # a request that comes twice
    await kept.note_erasure(earlier)
    assert await other.find_erasure(ANN) == later._replace(done=True)
    for open_one in await other.open_erasures(10):  # is carried out again, and then it is done
        await other.note_erasure(open_one._replace(done=True))
    assert await kept.open_erasures(10) == []


async def test_open_erasures_are_listed_in_the_order_of_their_authors(
    kept: ModerationStore, other: ModerationStore
) -> None:
    authors = [f"u_{number:022d}" for number in range(5)]
    for number, author in enumerate(reversed(authors)):
        await kept.note_erasure(Erasure(author, NOW + number, False))
    await kept.note_erasure(Erasure(authors[2], NOW + 2, True))
    first = await other.open_erasures(2)
    assert [one.author_id for one in first] == authors[:2]
    rest = await other.open_erasures(10, authors[1])
    assert [one.author_id for one in rest] == authors[3:]
    assert not any(one.restored or one.done for one in (*first, *rest))


async def test_where_somebody_has_only_something_that_waits_is_known(
    durable_store: ProcessStore, kept: ModerationStore
) -> None:
    await kept.hold("v", held())
    await kept.hold("w", hold("w", NewComment("guest", "hm"), None, NOW))
    assert await durable_store.authored_videos(ANN, "", 10) == ["v"]
    assert await authored(durable_store, ANN) == []
    await post(durable_store, written("mine"))
    assert await durable_store.authored_videos(ANN, "", 10) == ["v"]
    assert await authored(durable_store, ANN) == [1]


@pytest.mark.parametrize("by", [RemovedBy.ERASURE, RemovedBy.MODERATOR])
async def test_what_retention_has_taken_keeps_nobody_from_removing_the_rest(
    durable: Backing, durable_store: ProcessStore, by: RemovedBy
) -> None:
    """What is kept of a removed comment may live longer than its number."""
    for text in ("one", "secret 2", "three", "four"):
        await post(durable_store, written(text))
    await durable_store.redact("v", Removal((2,), RemovedBy.MODERATOR), AT)
    durable.remove_oldest("v", 2)
    found = await authored(durable_store, ANN)
    assert {3, 4} <= set(found) <= {2, 3, 4}
    with pytest.raises(NotFound):
        await durable_store.redact("v", Removal((1, 2, 3, 4), by), AT)
    done = await durable_store.redact("v", Removal((1, 2, 3, 4), by, missing_ok=True), AT)
    assert done.notice == Removed((3, 4), by)
    left = await authored(durable_store, ANN)
    assert left == [] if by is RemovedBy.ERASURE else {3, 4} <= set(left)
    with pytest.raises(NotFound):
        await restore(durable_store, 2)


async def test_whether_a_destroyed_comment_was_an_authors_nobody_knows(
    durable_store: ProcessStore,
) -> None:
    await post(durable_store, written("one"))
    mine = Removal((1,), RemovedBy.AUTHOR, author_id=ANN)
    first = await durable_store.redact("v", mine, AT)
    assert (await durable_store.redact("v", mine, AT)).notices == first.notices
    others = Removal((1,), RemovedBy.AUTHOR, author_id=BOB)
    with pytest.raises(PermissionDenied):
        await durable_store.redact("v", others, AT)
    await durable_store.redact("v", Removal((1,), RemovedBy.ERASURE), AT)
    for removal in (mine, others):
        with pytest.raises(CommentRemoved):
            await durable_store.redact("v", removal, AT)


async def test_an_erased_comment_cannot_be_restored(
    durable_store: ProcessStore, other_durable_store: ProcessStore
) -> None:
    store = durable_store
    await post(store, written("secret 1"), written("secret 2"), written("mine", BOB))
    await store.redact("v", Removal((1,), RemovedBy.MODERATOR), AT)
    await store.redact("v", Removal((1, 2), RemovedBy.ERASURE), AT)
    for seq in (1, 2):
        with pytest.raises(CommentRemoved):
            await restore(other_durable_store, seq)
    log = await log_of(other_durable_store)
    assert [entry_type(raw) for raw in log] == [
        "tombstone",
        "tombstone",
        "comment",
        *["removed"] * 2,
    ]
    again = await other_durable_store.redact("v", Removal((1, 2), RemovedBy.ERASURE), AT)
    assert again.notice is None
    assert await log_of(store) == log


async def test_what_is_kept_of_an_author_is_destroyed(
    durable_store: ProcessStore, kept: ModerationStore
) -> None:
    boss = written("hi", "u_boss", rank=Rank.MODERATOR, badges=("moderator",))
    await post(durable_store, boss)
    mine, others = held(author="u_boss"), held(author=BOB)
    for one in (mine, others):
        await kept.hold("v", one)
    await kept.forget_author("u_boss", "v")
    assert await kept.find_held("v", mine.id) is None
    assert await kept.find_held("v", others.id) == others
    rules, _ = await durable_store.rules("v")
    assert rules.staff == ()
    await kept.scrub()


async def test_revocations_move_the_version_and_keep_the_latest(
    durable_store: ProcessStore, kept: ModerationStore
) -> None:
    before = (await durable_store.rules(""))[0].version
    await kept.revoke(ANN, 100)
    await kept.revoke(BOB, 50)
    await kept.revoke(ANN, 70)
    assert (await durable_store.rules(""))[0].version > before
    assert await kept.revocations(10) == [(ANN, 100), (BOB, 50)]
    assert await kept.revocations(10, ANN) == [(BOB, 50)]
