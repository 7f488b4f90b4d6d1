"""Removing and restoring comments, as `writer.store.CommentStore` promises it, on every store."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec
import pytest

from tests.contracts.reaching import reached
from tests.contracts.store_backings import Backing
from wire.comment import NewComment
from wire.entry import (
    MAX_TARGETS,
    Removed,
    RemovedBy,
    Restored,
    decode_notice,
    encode_tombstone,
    entry_type,
    is_comment,
)
from wire.errors import NotFound, PermissionDenied
from writer.redaction import Redacted, Removal, Restoration
from writer.store import MAX_GROUP, CommentStore, Item, Outcome

AT = "2030-01-01T00:00:00.000Z"


def item(text: str, key: str | None = None) -> Item:
    return Item(NewComment("ann", text), key, AT)


async def post(store: CommentStore, *texts: str, video: str = "v") -> list[bytes]:
    """Store one comment for each text; their public JSON."""
    return [one.raw for one in await store.append(video, [item(text) for text in texts])]


async def remove(
    store: CommentStore, *seqs: int, video: str = "v", reason: str | None = None
) -> Redacted:
    return await store.redact(video, Removal(seqs, RemovedBy.MODERATOR, reason), AT)


async def restore(store: CommentStore, seq: int, video: str = "v") -> Redacted:
    return await store.redact(video, Restoration(seq), AT)


async def log_of(store: CommentStore, video: str = "v") -> tuple[bytes, ...]:
    """The whole log, and a check that it is dense."""
    page = await store.range(video, 0, 10**9)
    assert page.first_seq == 1 or not page.comments
    assert page.head == len(page.comments)
    for seq, raw in enumerate(page.comments, 1):
        assert msgspec.json.decode(raw)["seq"] == seq
    return page.comments


def notices(log: Sequence[bytes]) -> list[object]:
    """What the notices in a log say, in order."""
    return [notice for raw in log if (notice := decode_notice(raw)) is not None]


async def test_a_removed_comment_is_a_tombstone_in_every_answer(store: CommentStore) -> None:
    first, second, third = await post(store, "one", "secret word", "three")
    done = await remove(store, 2, reason="spam")
    assert done.notice == Removed((2,), RemovedBy.MODERATOR, "spam")
    ((seq, notice),) = done.notices
    assert seq == 4
    assert msgspec.json.decode(notice)["created_at"] == AT
    assert await log_of(store) == (first, encode_tombstone(second), third, notice)
    history = await store.range("v", 1, 2, for_history=True)
    recent = await store.recent("v", 10)
    for page in (history, recent):
        assert b"secret" not in b"".join(page.comments)
    assert await store.heads(["v"]) == {"v": 4}


async def test_several_are_removed_by_one_notice(store: CommentStore) -> None:
    await post(store, *map(str, range(120)))
    targets = tuple(range(3, 118, 2))
    done = await remove(store, *targets)
    log = await log_of(store)
    assert notices(log) == [Removed(targets, RemovedBy.MODERATOR)] == [done.notice]
    assert [seq for seq, raw in enumerate(log, 1) if entry_type(raw) == "tombstone"] == list(
        targets
    )


@pytest.mark.usefixtures("patient")
async def test_as_many_as_are_allowed_are_removed_at_once(store: CommentStore) -> None:
    await post(store, *map(str, range(MAX_GROUP)))
    done = await remove(store, *range(1, MAX_TARGETS + 1))
    assert isinstance(done.notice, Removed)
    assert len(done.notice.targets) == MAX_TARGETS
    assert not any(map(is_comment, await log_of(store)))


async def test_to_remove_again_numbers_nothing_and_gives_the_notice(store: CommentStore) -> None:
    await post(store, "one", "two", "three")
    first = await remove(store, 2)
    again = await remove(store, 2, reason="another")
    assert (again.notice, again.notices) == (None, first.notices)
    both = await remove(store, 2, 3)
    assert both.notice == Removed((3,), RemovedBy.MODERATOR)
    assert [seq for seq, _ in both.notices] == [5, 4]
    assert len(await log_of(store)) == 5


@pytest.mark.parametrize("target", [4, 5, 999])
async def test_what_is_no_comment_is_not_found_and_nothing_changes(
    store: CommentStore, target: int
) -> None:
    await post(store, "one", "two", "three")
    await remove(store, 1)  # number 4
    before = await log_of(store)
    with pytest.raises(NotFound):
        await remove(store, 2, target)
    with pytest.raises(NotFound):
        await restore(store, target)
    with pytest.raises(NotFound):
        await remove(store, 1, video="another")
    assert await log_of(store) == before


async def test_nobody_removes_what_another_author_wrote(store: CommentStore) -> None:
    await post(store, "one")
    before = await log_of(store)
    with pytest.raises(PermissionDenied):
        await store.redact("v", Removal((1,), RemovedBy.AUTHOR, author_id="u_other"), AT)
    assert await log_of(store) == before


async def test_a_restored_comment_is_back_under_its_number(store: CommentStore) -> None:
    first, second = await post(store, "one", "two")
    await remove(store, 1)
    done = await restore(store, 1)
    assert done.comment == first
    assert done.notice == Restored(msgspec.Raw(first))
    ((seq, notice),) = done.notices
    assert seq == 4
    assert (await log_of(store))[:2] == (first, second)
    assert notices(await log_of(store)) == [Removed((1,), RemovedBy.MODERATOR), done.notice]
    again = await restore(store, 1)
    assert (again.notice, again.notices, again.comment) == (None, (), first)
    assert (await log_of(store))[3] == notice


async def test_a_restored_comment_can_be_removed_again(store: CommentStore) -> None:
    (first,) = await post(store, "secret")
    await remove(store, 1)
    shown = await restore(store, 1)
    assert shown.notices
    done = await remove(store, 1)
    assert done.notice == Removed((1,), RemovedBy.MODERATOR)
    assert [seq for seq, _ in done.notices] == [4]
    log = await log_of(store)
    assert log[0] == encode_tombstone(first)
    # The entry that had shown it again has its text too.
    assert [entry_type(raw) for raw in log] == ["tombstone", "removed", "tombstone", "removed"]
    assert b"secret" not in b"".join(log)
    again = await restore(store, 1)
    assert again.comment == first
    assert notices(await log_of(store))[-1] == Restored(msgspec.Raw(first))


async def test_what_was_never_removed_is_restored_already(store: CommentStore) -> None:
    (first,) = await post(store, "one")
    done = await restore(store, 1)
    assert (done.notice, done.notices, done.comment) == (None, (), first)


async def test_a_key_of_a_removed_comment_does_not_give_its_text(store: CommentStore) -> None:
    await store.append("v", [item("one", "key")])
    await remove(store, 1)
    (again,) = await store.append("v", [item("one", "key")])
    assert (again.outcome, again.seq, again.raw) == (Outcome.REMOVED, 1, b"")
    (other,) = await store.append("v", [item("two", "key")])
    assert other.outcome is Outcome.CONFLICT
    assert len(await log_of(store)) == 2
    await restore(store, 1)
    (again,) = await store.append("v", [item("one", "key")])
    assert (again.outcome, again.seq) == (Outcome.REPLAYED, 1)


@pytest.mark.usefixtures("patient")
async def test_removals_on_two_stores_at_once_give_one_notice(
    store: CommentStore, other_store: CommentStore
) -> None:
    await post(store, *map(str, range(60)))
    stores = (store, other_store) * 3
    done = await asyncio.gather(*(remove(one, 7, 55) for one in stores))
    assert [one.notice for one in done].count(None) == len(stores) - 1
    assert len({one.notices for one in done}) == 1
    assert notices(await log_of(store)) == [Removed((7, 55), RemovedBy.MODERATOR)]


@pytest.mark.usefixtures("patient")
async def test_removals_among_posts_on_two_stores_leave_dense_numbers(
    store: CommentStore, other_store: CommentStore
) -> None:
    await post(store, *map(str, range(40)))

    async def posts(one: CommentStore) -> None:
        for number in range(20):
            await one.append("v", [item(f"{number}")])

    async def removals(one: CommentStore, first: int) -> None:
        for seq in range(first, first + 10):
            await remove(one, seq)

    await asyncio.gather(
        posts(store), posts(other_store), removals(store, 1), removals(other_store, 21)
    )
    log = await log_of(store)
    assert len(log) == 40 + 40 + 20
    said = [notice for notice in notices(log) if isinstance(notice, Removed)]
    targets = [seq for notice in said for seq in notice.targets]
    assert sorted(targets) == [*range(1, 11), *range(21, 31)]
    assert [seq for seq, raw in enumerate(log, 1) if entry_type(raw) == "tombstone"] == sorted(
        targets
    )


async def test_what_was_removed_stays_so_after_a_restart(durable: Backing) -> None:
    async with reached(durable.store()) as store:
        await store.append("v", [item("one", "key"), item("two")])
        first = await remove(store, 1)
    async with reached(durable.store()) as store:
        assert entry_type((await log_of(store))[0]) == "tombstone"
        assert (await remove(store, 1)).notices == first.notices
        assert (await restore(store, 1)).notice is not None
