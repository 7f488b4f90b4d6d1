"""Removals and rulings in DynamoDB where each of their writes, one after the other, is the last one
of a writer, or gets no answer. The same call again, at another writer, makes it whole.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import msgspec
import pytest

from tests.contracts.test_redactions import AT, log_of, remove, restore
from tests.contracts.test_rules import ANN, ban, post, rule, written
from tests.dynamodb_table import Table
from tests.integration.writer.cassandra.support import Died, until_served
from tests.integration.writer.dynamodb.support import Trouble, opened
from wire.entry import RemovedBy, entry_type, is_comment
from wire.errors import CommentRemoved, StoreUnavailable
from writer.dynamodb.items import bytes_in
from writer.redaction import Removal
from writer.rules import NewFilters, NewPin
from writer.store import CommentStore

pytestmark = pytest.mark.usefixtures("patient")

EMULATORS = ["dynalite_server", "moto_server"]


@pytest.fixture(params=EMULATORS)
def table(request: pytest.FixtureRequest) -> Table:
    return Table.new(request.getfixturevalue(request.param))


Do = Callable[[CommentStore, str], Awaitable[Any]]


async def in_trouble(
    table: Table, begin: Do, do: Do, check: Do, *, carried_out: bool, dies: bool
) -> int:
    """`do` on a video of its own for each of its writes; returns how many those are."""
    async with opened(table) as store, opened(table) as other:
        for at in itertools.count(1):
            video = f"v{at}"
            await until_served(lambda video=video: begin(store, video))
            trouble = Trouble(store, at, carried_out=carried_out, dies=dies)
            task = asyncio.ensure_future(do(store, video))
            with suppress(Died, StoreUnavailable):
                await task
            trouble.end()
            await until_served(lambda video=video: do(other, video))
            await until_served(lambda video=video: do(store, video))
            await check(other, video)
            if not trouble.met:
                return at - 1
    raise AssertionError("count does not end")


kinds_of_trouble = pytest.mark.parametrize(
    ("carried_out", "dies"), list(itertools.product([True, False], repeat=2))
)


async def three_comments(store: CommentStore, video: str) -> None:
    for text in "abc":
        await post(store, written(text), video=video, key=text)


async def read_log(store: CommentStore, video: str) -> tuple[bytes, ...]:
    log: tuple[bytes, ...] = await until_served(lambda: log_of(store, video))
    return log


def types_of(log: tuple[bytes, ...]) -> list[str]:
    return ["comment" if is_comment(raw) else str(entry_type(raw)) for raw in log]


@kinds_of_trouble
async def test_a_removal(table: Table, carried_out: bool, dies: bool) -> None:
    async def check(store: CommentStore, video: str) -> None:
        assert types_of(await read_log(store, video)) == [
            *("tombstone", "comment", "tombstone", "removed")
        ]
        assert is_comment((await until_served(lambda: restore(store, 3, video))).comment)

    def do(store: CommentStore, video: str) -> Awaitable[Any]:
        return remove(store, 1, 3, video=video)

    writes = await in_trouble(table, three_comments, do, check, carried_out=carried_out, dies=dies)
    assert writes >= 7  # rows, two texts, two groups, the notice, its number


@kinds_of_trouble
async def test_a_removal_for_ever(table: Table, carried_out: bool, dies: bool) -> None:
    """Of one comment that was removed before, and one that is shown."""

    async def begin(store: CommentStore, video: str) -> None:
        await three_comments(store, video)
        await remove(store, 1, video=video)

    async def do(store: CommentStore, video: str) -> None:
        await store.redact(video, Removal((1, 2), RemovedBy.ERASURE), AT)

    async def check(store: CommentStore, video: str) -> None:
        assert types_of(await read_log(store, video)) == [
            *("tombstone", "tombstone", "comment", "removed", "removed")
        ]
        for seq in (1, 2):
            with pytest.raises(CommentRemoved):
                await until_served(lambda seq=seq: restore(store, seq, video))
        kept = await asyncio.to_thread(table.items, f"text|{video}")
        assert [bytes_in(one, "raw") for one in kept] == [None, None]

    assert await in_trouble(table, begin, do, check, carried_out=carried_out, dies=dies) >= 7


@kinds_of_trouble
async def test_a_restoration(table: Table, carried_out: bool, dies: bool) -> None:
    async def begin(store: CommentStore, video: str) -> None:
        await three_comments(store, video)
        await remove(store, 1, 3, video=video)

    async def check(store: CommentStore, video: str) -> None:
        assert types_of(await read_log(store, video)) == [
            *("comment", "comment", "tombstone", "removed", "restored")
        ]

    def do(store: CommentStore, video: str) -> Awaitable[Any]:
        return restore(store, 1, video)

    assert await in_trouble(table, begin, do, check, carried_out=carried_out, dies=dies) >= 4


@kinds_of_trouble
async def test_a_sanction(table: Table, carried_out: bool, dies: bool) -> None:
    async def check(store: CommentStore, video: str) -> None:
        log = await read_log(store, video)
        assert types_of(log) == ["comment", "comment", "comment", "sanctioned"]
        assert [one.notice for one in await store.sanctions(video, 9)] == [4]
        assert (await store.rules(video))[0].sanctions
        (refused,) = await until_served(lambda: post(store, written(), video=video))
        assert refused.refusal is not None

    def do(store: CommentStore, video: str) -> Awaitable[Any]:
        return rule(store, ban(), video)

    writes = await in_trouble(table, three_comments, do, check, carried_out=carried_out, dies=dies)
    assert writes >= 4


@kinds_of_trouble
async def test_filters_and_a_pin(table: Table, carried_out: bool, dies: bool) -> None:
    async def do(store: CommentStore, video: str) -> None:
        await rule(store, NewFilters(b'{"terms":[]}'), video)
        await rule(store, NewPin(2), video)

    async def check(store: CommentStore, video: str) -> None:
        log = await read_log(store, video)
        assert types_of(log) == ["comment", "comment", "comment", "settings", "pinned"]
        assert await store.filters(video) == (1, b'{"terms":[]}')
        rules, _ = await store.rules(video)
        assert (rules.pin, rules.pin_notice, rules.settings_notice) == (2, 5, 4)

    writes = await in_trouble(table, three_comments, do, check, carried_out=carried_out, dies=dies)
    assert writes >= 7


@kinds_of_trouble
async def test_a_sanction_everywhere(table: Table, carried_out: bool, dies: bool) -> None:
    """All others are told: the version moves after what it tells of is there."""
    versions: dict[str, int] = {}

    def author(video: str) -> str:
        return f"{ANN}_{video}"

    async def begin(store: CommentStore, video: str) -> None:
        versions[video] = (await store.rules(""))[0].version

    async def check(store: CommentStore, video: str) -> None:
        rules, said = await store.rules("", author(video))
        assert rules.version > versions[video]
        assert said is not None
        assert author(video) in [one.author_id for one in await store.sanctions("", 99)]
        before = rules.version
        await rule(store, ban(author(video)), "")
        assert (await store.rules(""))[0].version == before

    def do(store: CommentStore, video: str) -> Awaitable[Any]:
        return rule(store, ban(author(video)), "")

    assert await in_trouble(table, begin, do, check, carried_out=carried_out, dies=dies) == 3


async def test_nobody_reads_the_version_before_it_moves_and_what_it_tells_of_after(
    table: Table,
) -> None:
    """A writer dies between the two; whoever reads what it wrote moves the version first."""
    async with opened(table) as store, opened(table) as other:
        trouble = Trouble(store, 1, carried_out=True, dies=True)
        with pytest.raises(Died):
            await rule(store, ban(), "")
        trouble.end()
        assert (await other.rules(""))[0].version == 0
        rules, said = await other.rules("", ANN)
        assert (rules.version, said is None) == (1, False)
        assert (await store.rules(""))[0].version == 1


async def test_a_text_that_comes_late_does_not_come_back(table: Table) -> None:
    """It was sent before the comment was destroyed, and arrives after."""
    async with opened(table) as store, opened(table) as other:
        await three_comments(store, "v")
        released, held = asyncio.Event(), asyncio.Event()
        call = store.session._call

        async def late(operation: str, params: Any, within_s: float) -> Any:
            if "raw" in params.get("Item", {}):
                held.set()
                await released.wait()
            return await call(operation, params, within_s)

        store.session._call = late  # type: ignore[method-assign]
        removing = asyncio.ensure_future(remove(store, 1))
        await held.wait()
        await other.redact("v", Removal((1,), RemovedBy.ERASURE), AT)
        released.set()
        await removing
        (kept,) = await asyncio.to_thread(table.items, "text|v")
        assert bytes_in(kept, "raw") is None
        with pytest.raises(CommentRemoved):
            await restore(store, 1)
        said = [msgspec.json.decode(raw) for raw in await log_of(other)]
        assert [one["targets"] for one in said if one.get("type") == "removed"] == [[1]]
