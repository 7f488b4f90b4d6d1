"""What rules need in Cassandra only: lost answers, deaths between two steps, edges of buckets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise
from typing import Any

import pytest

from identity.roles import Rank
from tests.integration.writer.cassandra.support import SMALL, Doubt
from tests.keyspace import Keyspace
from tests.support import eventually
from wire.comment import NewComment
from wire.entry import RemovedBy, entry_type
from wire.errors import NotFound, PreconditionFailed, StoreUnavailable
from wire.rulings import FOREVER_MS
from writer.cassandra.driver import CONDITION, READ
from writer.cassandra.store import CassandraStore
from writer.redaction import Removal
from writer.rules import NewFilters, NewPin, NewSanction, Ruling, SettingsChange
from writer.store import Appended, Item, Outcome

pytestmark = pytest.mark.usefixtures("patient")

AT = "2030-01-01T00:00:00.000Z"
LATER = "2030-01-01T00:00:01.000Z"
CLOSED = SettingsChange({"closed": True})
OPEN = SettingsChange({"closed": False})
BAN = NewSanction("u_ann", FOREVER_MS, "u_mod", Rank.MODERATOR)
RULINGS: dict[str, Ruling] = {
    "settings": CLOSED,
    "sanctioned": BAN,
    "pinned": NewPin(2),
    "filters": NewFilters(b'{"terms":[]}'),
}


def written(text: str = "hi", author_id: str = "u_ann", **more: Any) -> NewComment:
    more.setdefault("rank", Rank.VIEWER)
    return NewComment(author_id.removeprefix("u_"), text, author_id, **more)


async def post(store: CassandraStore, *comments: NewComment) -> list[Appended]:
    return await store.append("v", [Item(comment, None, AT) for comment in comments])


async def post_one(store: CassandraStore, author_id: str = "u_ann", **more: Any) -> str:
    (result,) = await post(store, written(author_id=author_id, **more))
    return "new" if result.refusal is None else result.refusal.code.value


async def remove(store: CassandraStore, *seqs: int) -> None:
    await store.redact("v", Removal(seqs, RemovedBy.MODERATOR), AT)


async def log_of(store: CassandraStore) -> list[bytes]:
    page = await store.range("v", 0, 10**9)
    assert len(page.comments) == page.head
    assert [json.loads(raw)["seq"] for raw in page.comments] == list(range(1, page.head + 1))
    return list(page.comments)


async def kinds(store: CassandraStore) -> list[str]:
    return [entry_type(raw) for raw in await log_of(store)]


class Calls:
    """Counts the calls of one store by kind, and holds the conditional ones that `hold` picks,
    by their count, until `release`.
    """

    def __init__(self, store: CassandraStore, *hold: int) -> None:
        self._call, self._hold, self._released = store._session.call, set(hold), asyncio.Event()
        self.reads = self.conditions = 0
        self.held = False
        store._session.call = self  # type: ignore[method-assign]

    async def __call__(self, build: Any, *, profile: str) -> Any:
        self.reads += profile == READ
        self.conditions += profile == CONDITION
        if profile == CONDITION and self.conditions in self._hold:
            self.held = True
            await self._released.wait()
        return await self._call(build, profile=profile)

    def release(self) -> None:
        self._hold.clear()
        self._released.set()


@pytest.mark.parametrize("applied", [True, False])
@pytest.mark.parametrize("step", range(3))
@pytest.mark.parametrize("name", RULINGS)
async def test_a_ruling_that_ends_at_any_step_is_completed_by_the_same_call(
    store: CassandraStore, other: CassandraStore, name: str, step: int, applied: bool
) -> None:
    """Its row, its entry, the number of that: each answer is lost in turn."""
    await post(store, *[written(str(number)) for number in range(6)])
    Doubt(store, [None] * step + [applied])
    with suppress(StoreUnavailable):
        await store.rule("v", RULINGS[name], AT)
    done = await other.rule("v", RULINGS[name], LATER)
    ((number, raw),) = done.notices
    kind = {"filters": "settings"}.get(name, name)
    assert (await kinds(other)).count(kind) == 1
    assert (await log_of(other))[number - 1] == raw
    again = await store.rule("v", RULINGS[name], LATER)
    assert (again.new, again.notices) == (False, done.notices)
    assert (await kinds(other)).count(kind) == 1


@pytest.mark.parametrize("name", RULINGS)
async def test_a_ruling_that_died_before_its_entry_is_completed_by_another_writer(
    store: CassandraStore, other: CassandraStore, name: str
) -> None:
    await post(store, written(), written())
    calls = Calls(store, 2)
    dying = asyncio.create_task(store.rule("v", RULINGS[name], AT))
    await eventually(lambda: calls.held)
    dying.cancel()
    done = await other.rule("v", RULINGS[name], LATER)
    assert done.new
    assert json.loads(done.notices[0][1])["created_at"] == AT  # of the call that decided it
    assert len(await log_of(other)) == 3
    assert not (await other.rule("v", RULINGS[name], LATER)).new


@pytest.mark.parametrize("ruling", [CLOSED, BAN], ids=["settings", "sanctioned"])
async def test_no_comment_is_decided_by_what_has_no_number(
    store: CassandraStore, other: CassandraStore, ruling: Ruling
) -> None:
    """Whoever is to be decided by a row numbers its entry first, and what lifts it as well."""
    await post(store, written())
    calls = Calls(store, 2)
    slow = asyncio.create_task(store.rule("v", ruling, AT))
    await eventually(lambda: calls.held)
    assert await post_one(other) in ("closed", "banned")
    assert await post_one(other, rank=Rank.OWNER) == "new"
    assert (await kinds(other))[1] in ("settings", "sanctioned")
    calls.release()
    assert (await slow).notices[0][0] == 2
    assert len(await log_of(store)) == 3


async def test_a_slow_ruling_is_not_numbered_above_a_newer_one(
    store: CassandraStore, other: CassandraStore
) -> None:
    calls = Calls(store, 2)
    slow = asyncio.create_task(store.rule("v", CLOSED, AT))
    await eventually(lambda: calls.held)
    await other.rule("v", OPEN, LATER)
    calls.release()
    await slow
    said = [json.loads(raw)["closed"] for raw in await log_of(other)]
    assert said == [True, False]
    assert await post_one(store) == "new"


async def test_a_stale_version_leaves_nothing_without_a_number(
    store: CassandraStore, other: CassandraStore
) -> None:
    calls = Calls(store, 2)
    slow = asyncio.create_task(store.rule("v", SettingsChange({"closed": True}, 0), AT))
    await eventually(lambda: calls.held)
    with pytest.raises(PreconditionFailed):
        await other.rule("v", SettingsChange({"links": False}, 0), AT)
    assert await kinds(other) == ["settings"]
    slow.cancel()


async def test_rulings_of_two_writers_at_once_are_each_numbered_once(
    store: CassandraStore, other: CassandraStore
) -> None:
    for turn in range(8):
        one, two = (CLOSED, OPEN) if turn % 2 else (OPEN, CLOSED)
        await asyncio.gather(
            store.rule("v", one, AT),
            other.rule("v", two, AT),
            store.rule("v", one, LATER),
            post(other, written()),
        )
    rules, _ = await store.rules("v")
    said = [json.loads(raw)["closed"] for raw in await log_of(store) if b'"settings"' in raw]
    assert len(said) == rules.version
    assert all(before != after for before, after in pairwise(said))
    assert (said or [False])[-1] == rules.settings.closed


async def test_what_another_writer_lifted_is_not_refused_any_more(
    store: CassandraStore, other: CassandraStore
) -> None:
    """A group of nothing but refused comments meets no condition that would tell it."""
    await store.rule("v", BAN, AT)
    assert await post_one(other, "u_bob") == "new"
    assert await post_one(other) == "banned"
    await store.rule("v", NewSanction("u_ann", None, "u_mod", Rank.MODERATOR), AT)
    assert await post_one(other) == "new"


async def test_slow_mode_holds_over_edges_of_buckets(
    store: CassandraStore, other: CassandraStore
) -> None:
    await store.rule("v", SettingsChange({"slow_mode_s": 3600}), AT)
    assert await post_one(store) == "new"
    for number in range(3 * SMALL):
        assert await post_one(other, f"u_{number}") == "new"
    assert await post_one(other) == "slow_mode"
    assert await post_one(store) == "slow_mode"
    assert len(await log_of(store)) == 2 + 3 * SMALL


async def test_a_slot_expires_with_its_pace(keyspace: Keyspace, store: CassandraStore) -> None:
    await store.rule("v", SettingsChange({"slow_mode_s": 100, "repeats": False}), AT)
    assert await post_one(store) == "new"
    rows = await asyncio.to_thread(
        keyspace.run,
        "SELECT key, TTL(stands_for) FROM {k}.comments WHERE video_id = ? AND bucket = ?"
        " AND seq = 0",
        "v",
        0,
    )
    assert sorted((ttl_s - 1) // 30 for _, ttl_s in rows) == [2, 5]  # 30 and 100, and 60 more


async def test_staff_is_written_once_for_each_author(store: CassandraStore) -> None:
    assert await post_one(store, rank=Rank.MODERATOR) == "new"
    calls = Calls(store)
    for _ in range(3):
        assert await post_one(store, rank=Rank.MODERATOR) == "new"
    assert (calls.conditions, calls.reads) == (3, 0)


async def test_a_video_without_rules_pays_one_read_when_others_have_written(
    store: CassandraStore, other: CassandraStore
) -> None:
    await post_one(store)
    calls = Calls(store)
    await post_one(store)
    assert (calls.conditions, calls.reads) == (1, 0)
    await post_one(other)
    await post_one(store)
    # The race that was lost, and what settles it; then the rules.
    assert calls.conditions == 3
    assert calls.reads <= 2


@pytest.mark.parametrize("step", range(1, 4))
async def test_a_pin_and_a_removal_at_once_leave_no_text(
    store: CassandraStore, other: CassandraStore, step: int
) -> None:
    """The pin waits before its row, its entry, its note; the removal is whole meanwhile."""
    await post(store, written("secret"), written("two"))
    calls = Calls(store, step)
    pinning = asyncio.create_task(store.rule("v", NewPin(1), AT))
    await eventually(lambda: calls.held)
    await remove(other, 1)
    calls.release()
    with suppress(NotFound):
        await pinning
    assert b"secret" not in b"".join(await log_of(other))
    with pytest.raises(NotFound):
        await other.rule("v", NewPin(1), AT)
    assert b"secret" not in b"".join(await log_of(other))
    assert (await other.rule("v", NewPin(2), AT)).new


@pytest.mark.parametrize("step", range(1, 5))
async def test_a_removal_that_a_pin_overtakes_finds_it(
    store: CassandraStore, other: CassandraStore, step: int
) -> None:
    """The removal waits before each of its steps; the pin is whole meanwhile, or not found."""
    await post(store, written("secret"), written("two"))
    calls = Calls(store, step)
    removing = asyncio.create_task(remove(store, 1))
    await eventually(lambda: calls.held)
    with suppress(NotFound):
        await other.rule("v", NewPin(1), AT)
    calls.release()
    await removing
    assert b"secret" not in b"".join(await log_of(other))


async def test_pins_and_removals_of_two_writers_leave_no_text(
    store: CassandraStore, other: CassandraStore
) -> None:
    for turn in range(6):
        (posted,) = await post(store, written(f"secret {turn}"))
        seq = posted.seq
        done = await asyncio.gather(
            other.rule("v", NewPin(seq), AT),
            remove(store, seq),
            other.rule("v", NewPin(seq), LATER),
            return_exceptions=True,
        )
        problems = [one for one in done if isinstance(one, BaseException)]
        assert all(isinstance(one, NotFound) for one in problems), problems
        assert b"secret" not in b"".join(await log_of(other)), turn


async def test_sanctions_are_listed_over_lifted_ones(store: CassandraStore) -> None:
    names = [f"u_{number:02}" for number in range(12)]
    for name in names:
        await store.rule("v", NewSanction(name, FOREVER_MS, "u_mod", Rank.MODERATOR), AT)
    for name in names[::2]:
        await store.rule("v", NewSanction(name, None, "u_mod", Rank.MODERATOR), AT)
    await store.rule("v", NewFilters(b"{}"), AT)
    listed = [one.author_id for one in await store.sanctions("v", 3)]
    assert listed == names[1:6:2]
    listed = [one.author_id for one in await store.sanctions("v", 99, listed[-1])]
    assert listed == names[7::2]


async def test_a_writer_that_wins_every_race_makes_room(
    store: CassandraStore, other: CassandraStore
) -> None:
    """Posts of one writer, group after group; those of the other one get in between."""
    ended = asyncio.Event()

    async def stream() -> Sequence[Appended]:
        results: list[Appended] = []
        while not ended.is_set():
            results = await post(other, written("theirs", "u_bob"))
        return results

    streaming = asyncio.create_task(stream())
    for _ in range(5):
        (result,) = await post(store, written("mine"))
        assert result.outcome is Outcome.NEW
    ended.set()
    await streaming
