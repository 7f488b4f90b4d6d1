"""The promises of `writer.store.CommentStore`, run on every store there is."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from pathlib import Path
from statistics import median

import msgspec
import pytest

from tests.contracts.reaching import reached, until_it_passes
from tests.contracts.store_backings import Backing
from wire.comment import Comment, NewComment
from wire.errors import StoreUnavailable
from wire.ids import is_epoch
from writer.store import MAX_GROUP, CommentStore, Item, Outcome

ROOT = Path(__file__).resolve().parents[2]


def item(text: str, key: str | None = None, author: str = "ann") -> Item:
    return Item(NewComment(author, text), key, "2030-01-01T00:00:00.000Z")


def items(count: int, prefix: str = "c") -> list[Item]:
    return [item(f"{prefix}{number}") for number in range(count)]


def decode(raw: bytes) -> Comment:
    return msgspec.json.decode(raw, type=Comment)


async def seqs(store: CommentStore, video_id: str) -> list[int]:
    page = await store.range(video_id, 0, 10**9)
    return [decode(raw).seq for raw in page.comments]


async def spawn(
    backing: Backing, video: str, prefix: str, count: int
) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.contracts.store_process"),
        *(backing.kind, backing.target, video, prefix, str(count)),
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


async def test_numbers_start_at_one_and_follow_the_order_of_the_group(store: CommentStore) -> None:
    first = await store.append("v", items(3))
    second = await store.append("v", items(2))
    assert [result.seq for result in first + second] == [1, 2, 3, 4, 5]
    assert {result.outcome for result in first} == {Outcome.NEW}


async def test_a_write_that_is_only_tried_changes_nothing(store: CommentStore) -> None:
    await store.append("v", items(2))
    await store.try_write()
    assert await store.heads(["v"]) == {"v": 2}
    assert [result.seq for result in await store.append("v", items(1))] == [3]


async def test_the_stored_comment_is_the_public_json(store: CommentStore) -> None:
    (result,) = await store.append("v", [item("hé\n🎉")])
    epoch = await store.epoch()
    assert decode(result.raw) == Comment(
        f"{epoch}-1", "v", 1, "ann", "hé\n🎉", "2030-01-01T00:00:00.000Z"
    )
    assert (await store.range("v", 0, 1)).comments == (result.raw,)


async def test_videos_are_numbered_apart(store: CommentStore) -> None:
    await store.append("a", items(3))
    (result,) = await store.append("b", items(1))
    assert result.seq == 1
    assert await store.heads(["a", "b", "never"]) == {"a": 3, "b": 1, "never": 0}


async def test_an_empty_group_stores_nothing(store: CommentStore) -> None:
    assert await store.append("v", []) == []
    assert await store.heads(["v"]) == {"v": 0}


async def test_a_whole_group_of_the_largest_size_is_numbered(store: CommentStore) -> None:
    results = await store.append("v", items(MAX_GROUP))
    assert [result.seq for result in results] == list(range(1, MAX_GROUP + 1))


async def test_a_key_used_again_gives_the_first_comment(store: CommentStore) -> None:
    (first,) = await store.append("v", [item("x", "k")])
    again = await store.append("v", [item("y"), item("x", "k"), item("z")])
    assert [result.seq for result in again] == [2, 1, 3]
    assert (again[1].outcome, again[1].raw) == (Outcome.REPLAYED, first.raw)


@pytest.mark.parametrize("other", [item("other", "k"), item("x", "k", author="bob")])
async def test_a_key_with_another_body_is_a_conflict_and_stores_nothing(
    store: CommentStore, other: Item
) -> None:
    await store.append("v", [item("x", "k")])
    results = await store.append("v", [other, item("y")])
    assert [result.outcome for result in results] == [Outcome.CONFLICT, Outcome.NEW]
    assert (results[0].seq, results[0].raw, results[1].seq) == (0, b"", 2)


async def test_author_and_text_cannot_trade_characters_under_one_key(store: CommentStore) -> None:
    await store.append("v", [item("bc", "k", author="a")])
    (result,) = await store.append("v", [item("c", "k", author="ab")])
    assert result.outcome is Outcome.CONFLICT


async def test_what_a_token_proved_is_stored_and_belongs_to_the_key(store: CommentStore) -> None:
    """Badges may change between a post and its retry, the author may not."""

    def by(author_id: str, *badges: str, guest: bool = False) -> Item:
        return Item(NewComment("ann", "hi", author_id, badges, guest), "k", "now")

    (first,) = await store.append("v", [by("u_1", "owner", "moderator")])
    again, other, anonymous = await store.append("v", [by("u_1"), by("u_2"), by("", guest=True)])
    assert (again.outcome, again.raw) == (Outcome.REPLAYED, first.raw)
    assert [other.outcome, anonymous.outcome] == [Outcome.CONFLICT] * 2
    (raw,) = (await store.range("v", 0, 9)).comments
    assert (decode(raw).author_id, decode(raw).badges) == ("u_1", ("owner", "moderator"))


async def test_equal_keys_within_a_group_fold_into_one(store: CommentStore) -> None:
    results = await store.append("v", [item("x", "k"), item("x", "k"), item("y", "k"), item("z")])
    assert [r.outcome.value for r in results] == ["new", "replayed", "conflict", "new"]
    assert [r.seq for r in results] == [1, 1, 0, 2]
    assert results[0].raw == results[1].raw


async def test_a_key_belongs_to_one_video(store: CommentStore) -> None:
    results = await store.append("a", [item("x", "k")]) + await store.append("b", [item("y", "k")])
    assert {result.outcome for result in results} == {Outcome.NEW}


async def test_a_key_holds_across_stores_and_restarts(
    backing: Backing, store: CommentStore, other_store: CommentStore
) -> None:
    (first,) = await store.append("v", [item("x", "k")])
    (elsewhere,) = await other_store.append("v", [item("x", "k")])
    await store.stop()
    await other_store.stop()
    async with reached(backing.store()) as reopened:
        (later,) = await reopened.append("v", [item("x", "k")])
    assert elsewhere.raw == later.raw == first.raw
    assert (elsewhere.outcome, later.outcome) == (Outcome.REPLAYED, Outcome.REPLAYED)


@pytest.mark.usefixtures("patient")
async def test_two_stores_at_once_leave_dense_numbers(
    store: CommentStore, other_store: CommentStore
) -> None:
    async def post(target: CommentStore, name: str) -> list[int]:
        return [(await target.append("v", [item(f"{name}{n}")]))[0].seq for n in range(50)]

    mine, theirs = await asyncio.gather(post(store, "a"), post(other_store, "b"))
    assert sorted(mine + theirs) == list(range(1, 101))
    assert mine == sorted(mine)
    assert await seqs(store, "v") == list(range(1, 101))


@pytest.mark.usefixtures("patient")
async def test_equal_keys_at_once_on_two_stores_give_one_comment(
    store: CommentStore, other_store: CommentStore
) -> None:
    for number in range(20):
        both = await asyncio.gather(
            store.append("v", [item("x", f"k{number}")]),
            other_store.append("v", [item("x", f"k{number}")]),
        )
        assert both[0][0].raw == both[1][0].raw
        assert {both[0][0].outcome, both[1][0].outcome} == {Outcome.NEW, Outcome.REPLAYED}


async def test_two_processes_at_once_leave_dense_numbers(durable: Backing) -> None:
    async with reached(durable.store()) as store:
        processes = [await spawn(durable, "v", prefix, 300) for prefix in "ab"]
        outputs = [(await process.communicate())[0] for process in processes]
        acked = [int(line.split()[1]) for output in outputs for line in output.splitlines()]
        assert sorted(acked) == list(range(1, 601)) == await seqs(store, "v")


async def test_a_killed_process_loses_nothing_it_acknowledged(durable: Backing) -> None:
    """Three times in a row, on the same video: numbers stay dense, and its keys are still known."""
    async with reached(durable.store()) as store:
        for turn in range(3):
            process = await spawn(durable, "v", f"p{turn}", 1_000_000)
            assert process.stdout is not None
            lines = [await process.stdout.readline() for _ in range(200)]
            process.send_signal(signal.SIGKILL)
            lines += (await process.stdout.read()).splitlines(keepends=True)
            await process.wait()
            acked = [line.split() for line in lines if line.endswith(b"\n")]
            for key, seq in acked:
                (raw,) = (await store.range("v", int(seq) - 1, int(seq))).comments
                assert decode(raw).text == key.decode()
            last_key = acked[-1][0].decode()
            (again,) = await store.append("v", [item(last_key, last_key, author=f"p{turn}")])
            assert (again.outcome, again.seq) == (Outcome.REPLAYED, int(acked[-1][1]))
        stored = await seqs(store, "v")
        assert stored == list(range(1, len(stored) + 1))


async def test_epoch_is_made_once_even_when_stores_race(backing: Backing) -> None:
    stores = [backing.store() for _ in range(4)]
    await asyncio.gather(*(each.start() for each in stores))
    await asyncio.gather(*map(until_it_passes, stores))
    epochs = {await each.epoch() for each in stores}
    await asyncio.gather(*(each.stop() for each in stores))
    assert len(epochs) == 1
    assert is_epoch(epochs.pop())


async def test_epoch_survives_a_restart(backing: Backing) -> None:
    epochs = []
    for _ in range(2):
        async with reached(backing.store()) as store:
            epochs.append(await store.epoch())
    assert epochs[0] == epochs[1]


async def test_range_gives_what_lies_between_and_the_bounds(store: CommentStore) -> None:
    await store.append("v", items(10))
    page = await store.range("v", 3, 6)
    assert [decode(raw).seq for raw in page.comments] == [4, 5, 6]
    assert (page.first_seq, page.oldest, page.head) == (4, 1, 10)
    assert (await store.range("v", 10, 20)).comments == ()
    assert (await store.range("v", 6, 3)).comments == ()


async def test_recent_gives_the_newest_oldest_first(store: CommentStore) -> None:
    await store.append("v", items(10))
    page = await store.recent("v", 3)
    assert [decode(raw).seq for raw in page.comments] == [8, 9, 10]
    assert (page.first_seq, page.oldest, page.head) == (8, 1, 10)
    earlier = await store.recent("v", 3, before=8)
    assert [decode(raw).seq for raw in earlier.comments] == [5, 6, 7]
    assert (await store.recent("v", 50, before=3)).first_seq == 1
    assert (await store.recent("v", 50, before=0)).comments == ()


async def test_a_video_without_comments_is_an_empty_page(store: CommentStore) -> None:
    for page in (await store.range("v", 0, 10), await store.recent("v", 10)):
        assert (page.comments, page.oldest, page.head) == ((), 1, 0)


async def test_oldest_follows_retention_and_the_head_stays(
    backing: Backing, store: CommentStore
) -> None:
    await store.append("v", items(10))
    backing.remove_oldest("v", 4)
    page = await store.range("v", 0, 6)
    assert [decode(raw).seq for raw in page.comments] == [5, 6]
    assert (page.first_seq, page.oldest, page.head) == (5, 5, 10)
    backing.remove_oldest("v", 10)
    page = await store.recent("v", 5)
    assert (page.comments, page.oldest, page.head) == ((), 11, 10)
    assert (await store.append("v", items(1)))[0].seq == 11


async def test_the_last_of_a_hundred_thousand_comments_are_paged_as_quickly_as_the_first(
    store: CommentStore,
) -> None:
    for _ in range(200):
        await store.append("v", items(MAX_GROUP))
    took_s, seen = list[float](), 0
    while seen < 100_000:
        begun = time.monotonic()
        page = await store.range("v", seen, seen + 200)
        took_s.append(time.monotonic() - begun)
        assert page.first_seq == seen + 1
        assert decode(page.comments[-1]).seq == seen + 200
        seen += len(page.comments)
    # A store that counted its way to a page would be some hundred times slower at the end.
    assert median(took_s[-100:]) < 10 * median(took_s[:100])
    assert (await store.recent("v", 200)).head == 100_000


async def test_a_caller_that_goes_away_stops_nothing(store: CommentStore) -> None:
    gone = asyncio.ensure_future(store.append("v", items(1)))
    stays = asyncio.ensure_future(store.append("v", items(1)))
    await asyncio.sleep(0)
    gone.cancel()
    assert (await stays)[0].outcome is Outcome.NEW
    assert await seqs(store, "v") in ([1], [1, 2])


async def test_a_store_that_answers_passes_its_check(store: CommentStore) -> None:
    await store.check()
    await store.append("v", items(1))
    await store.check()
    assert await store.heads(["v"]) == {"v": 1}


async def test_a_store_that_is_away_fails_its_check_until_it_is_back(backing: Backing) -> None:
    async with backing.outage() as outage:
        for _ in range(2):
            with pytest.raises(StoreUnavailable):
                await outage.store.check()
        outage.end()
        await until_it_passes(outage.store)


async def test_a_stopped_store_fails_its_check(store: CommentStore) -> None:
    await store.check()
    await store.stop()
    with pytest.raises(StoreUnavailable):
        await store.check()


async def test_a_stopped_store_says_so(store: CommentStore) -> None:
    await store.append("v", items(1))
    await store.stop()
    await store.stop()
    with pytest.raises(StoreUnavailable):
        await store.append("v", items(1))
    with pytest.raises(StoreUnavailable):
        await store.range("v", 0, 1)
