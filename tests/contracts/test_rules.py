"""Rules of a video, as `writer.store.CommentStore` promises them, on every store."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import msgspec
import pytest

from identity.roles import Rank
from tests.contracts.test_redactions import AT, log_of, remove, restore
from wire.comment import NewComment
from wire.entry import entry_type
from wire.errors import NotFound, PermissionDenied, PreconditionFailed
from wire.rulings import FOREVER, FOREVER_MS, Settings
from writer.rules import (
    Code,
    NewFilters,
    NewPin,
    NewSanction,
    Ruled,
    Ruling,
    SettingsChange,
    paces,
)
from writer.store import Appended, CommentStore, Item, Outcome

ANN, BOB, MOD = "u_ann", "u_bob", "u_mod"


def written(text: str = "hi", author_id: str = ANN, **more: Any) -> NewComment:
    more.setdefault("rank", Rank.VIEWER)
    return NewComment(author_id.removeprefix("u_"), text, author_id, **more)


async def post(
    store: CommentStore, *comments: NewComment, video: str = "v", key: str | None = None
) -> list[Appended]:
    return await store.append(video, [Item(comment, key, AT) for comment in comments])


async def post_one(store: CommentStore, comment: NewComment, key: str | None = None) -> Appended:
    (result,) = await post(store, comment, key=key)
    return result


async def rule(store: CommentStore, ruling: Ruling, video: str = "v") -> Ruled:
    return await store.rule(video, ruling, AT)


async def set_to(store: CommentStore, version: int | None = None, **changes: object) -> Ruled:
    return await rule(store, SettingsChange(changes, version))


def ban(author_id: str = ANN, until_ms: int | None = FOREVER_MS, **more: Any) -> NewSanction:
    return NewSanction(author_id, until_ms, MOD, more.pop("by_rank", Rank.MODERATOR), **more)


def code_of(result: Appended) -> str | None:
    assert (result.outcome is Outcome.REFUSED) == (result.refusal is not None)
    assert result.refusal is None or (result.seq, result.raw) == (0, b"")
    return None if result.refusal is None else result.refusal.code.value


async def test_a_video_has_no_rules_at_first(store: CommentStore) -> None:
    rules, said = await store.rules("v", ANN)
    assert (rules.settings, rules.version, rules.pin, said) == (Settings(), 0, 0, None)
    assert await store.sanctions("v", 10) == []
    assert code_of(await post_one(store, written())) is None


async def test_settings_are_an_entry_and_decide_what_comes_after(store: CommentStore) -> None:
    await post(store, written("before"))
    done = await set_to(store, closed=True)
    ((number, raw),) = done.notices
    assert (done.new, number, entry_type(raw)) == (True, 2, "settings")
    said = json.loads(raw)
    settings = Settings(closed=True)
    assert {name: said[name] for name in msgspec.structs.asdict(settings)} == (
        msgspec.structs.asdict(settings)
    )
    assert (said["seq"], said["created_at"]) == (2, AT)
    assert code_of(await post_one(store, written("after"))) == "closed"
    assert code_of(await post_one(store, written("after", rank=Rank.MODERATOR))) is None
    assert len(await log_of(store)) == 3
    rules, _ = await store.rules("v")
    assert (rules.settings, rules.version, rules.settings_notice) == (settings, 1, 2)


async def test_the_same_settings_again_are_no_entry(store: CommentStore) -> None:
    first = await set_to(store, slow_mode_s=5, links=False)
    again = await set_to(store, links=False)
    assert (again.new, again.notices) == (False, first.notices)
    assert again.rules == first.rules
    assert len(await log_of(store)) == 1


async def test_settings_change_only_from_the_version_that_was_read(store: CommentStore) -> None:
    first = await set_to(store, 0, closed=True)
    with pytest.raises(PreconditionFailed):
        await set_to(store, 0, links=False)
    # The same call again, whose answer was lost.
    assert not (await set_to(store, 0, closed=True)).new
    second = await set_to(store, first.rules.version, links=False)
    assert second.rules.settings == Settings(closed=True, links=False)
    assert len(await log_of(store)) == 2


@pytest.mark.parametrize(
    ("change", "comment", "code"),
    [
        ({"members_only": True}, written(), "members_only"),
        ({"members_only": True}, written(rank=Rank.MEMBER), None),
        ({"members_only": True}, written(approved=True), None),
        ({"guests": False}, NewComment("ann", "hi"), "token_missing"),
        ({"guests": False}, written(), None),
        ({"links": False}, written("see https://example.com/a"), "links"),
        ({"links": False}, written("see https://example.com/a", rank=Rank.MODERATOR), None),
        ({"links": False}, written("no link"), None),
    ],
)
async def test_each_setting(
    store: CommentStore, change: dict[str, bool], comment: NewComment, code: str | None
) -> None:
    await set_to(store, **change)
    assert code_of(await post_one(store, comment)) == code


async def test_a_retry_is_not_decided_again(store: CommentStore) -> None:
    first = await post_one(store, written(), key="k")
    await set_to(store, closed=True)
    await rule(store, ban())
    again = await post_one(store, written(), key="k")
    assert (again.outcome, again.raw) == (Outcome.REPLAYED, first.raw)
    assert code_of(await post_one(store, written(), key="other")) == "closed"


async def test_a_refused_comment_takes_no_number_and_no_key(store: CommentStore) -> None:
    await rule(store, ban())
    results = await post(
        store, written("no"), written("yes", BOB), written("no"), written("yes", BOB)
    )
    assert [code_of(one) for one in results] == ["banned", None, "banned", None]
    assert [one.seq for one in results] == [0, 2, 0, 3]
    assert code_of(await post_one(store, written(), key="k")) == "banned"
    await rule(store, ban(until_ms=None))
    assert code_of(await post_one(store, written(), key="k")) is None
    await log_of(store)


async def test_a_ban_is_an_entry_and_can_be_lifted(store: CommentStore) -> None:
    done = await rule(store, ban(reason="spam"))
    ((_, raw),) = done.notices
    said = json.loads(raw)
    assert (entry_type(raw), said["author_id"]) == ("sanctioned", ANN)
    assert (said["until"], said["purge"]) == (FOREVER, False)
    assert "spam" not in raw.decode()
    (listed,) = await store.sanctions("v", 10)
    assert (listed.author_id, listed.reason, listed.by) == (ANN, "spam", MOD)
    assert not (await rule(store, ban())).new
    lifted = await rule(store, ban(until_ms=None))
    assert json.loads(lifted.notices[0][1])["until"] is None
    assert not (await rule(store, ban(until_ms=None))).new
    assert await store.sanctions("v", 10) == []
    assert code_of(await post_one(store, written())) is None
    assert len(await log_of(store)) == 3


async def test_a_sanction_that_never_was_is_lifted_without_a_word(store: CommentStore) -> None:
    done = await rule(store, ban(until_ms=None))
    assert (done.new, done.notices) == (False, ())
    assert await log_of(store) == ()


async def test_a_timeout_ends_by_itself(store: CommentStore) -> None:
    now_ms = int(time.time() * 1000)
    await rule(store, ban(until_ms=now_ms + 60_000))
    refused = await post_one(store, written())
    assert code_of(refused) == "timed_out"
    assert refused.refusal is not None
    assert 0 < refused.refusal.wait_ms <= 60_000
    await rule(store, ban(until_ms=now_ms - 1))
    assert code_of(await post_one(store, written())) is None


async def test_nobody_sanctions_an_equal_or_a_better(store: CommentStore) -> None:
    await post(store, written("hi", MOD, rank=Rank.MODERATOR, badges=("moderator",)))
    with pytest.raises(PermissionDenied):
        await rule(store, ban(MOD))
    await rule(store, ban(MOD, by_rank=Rank.OWNER))
    assert code_of(await post_one(store, written("hi", MOD, rank=Rank.MODERATOR))) == "banned"
    with pytest.raises(PermissionDenied):
        await rule(store, ban(MOD, until_ms=None))
    # Whoever was not seen before is not bound by an equal either.
    await rule(store, ban("u_new"))
    assert code_of(await post_one(store, written("hi", "u_new", rank=Rank.MODERATOR))) is None
    assert code_of(await post_one(store, written("hi", "u_new"))) == "banned"


async def test_the_same_ban_by_a_better_one_binds_more(store: CommentStore) -> None:
    await rule(store, ban())
    moderator = written("hi", rank=Rank.MODERATOR)
    assert code_of(await post_one(store, moderator)) is None
    done = await rule(store, ban(by_rank=Rank.OWNER))
    assert (done.new, len(done.notices)) == (True, 1)
    assert done.sanction is not None
    assert (done.sanction.by_rank, done.sanction.notice) == (Rank.OWNER, done.notices[0][0])
    assert code_of(await post_one(store, moderator)) == "banned"
    with pytest.raises(PermissionDenied):
        await rule(store, ban(until_ms=None))
    assert not (await rule(store, ban(by_rank=Rank.OWNER))).new
    await rule(store, ban(until_ms=None, by_rank=Rank.OWNER))
    assert not (await rule(store, ban(until_ms=None, by_rank=Rank.ADMIN))).new


async def test_who_is_no_moderator_any_more_is_banned_as_others(store: CommentStore) -> None:
    as_moderator = NewComment("Mia", "hi", MOD, ("moderator",), rank=Rank.MODERATOR)
    await post(store, as_moderator, NewComment("Mia", "held before", MOD, approved=True))
    with pytest.raises(PermissionDenied):
        await rule(store, ban(MOD))
    await post(store, NewComment("Mia", "spam", MOD, rank=Rank.MEMBER))
    assert (await store.rules("v"))[0].staff == ()
    assert code_of(await post_one(store, NewComment("mia", "hi"))) is None
    await rule(store, ban(MOD))
    assert code_of(await post_one(store, NewComment("Mia", "spam", MOD))) == "banned"
    # Both in one group: the last one counts.
    await rule(store, ban(MOD, until_ms=None))
    await post(store, as_moderator, NewComment("Mia", "again", MOD, rank=Rank.MEMBER))
    assert (await store.rules("v"))[0].staff == ()


async def test_a_timeout_that_has_ended_guards_nobody(store: CommentStore) -> None:
    now_ms = int(time.time() * 1000)
    await rule(store, ban(until_ms=now_ms + 60_000, by_rank=Rank.OWNER))
    with pytest.raises(PermissionDenied):
        await rule(store, ban())
    await rule(store, ban(until_ms=now_ms - 1, by_rank=Rank.OWNER))
    done = await rule(store, ban())
    assert (done.new, done.sanction and done.sanction.by_rank) == (True, Rank.MODERATOR)
    await rule(store, ban(BOB, until_ms=now_ms - 1, by_rank=Rank.OWNER))
    assert (await rule(store, ban(BOB, until_ms=None))).new


async def test_a_name_of_a_moderator_is_nobody_elses(store: CommentStore) -> None:
    await post(store, NewComment("Mia Mod", "hi", MOD, ("moderator",), rank=Rank.MODERATOR))
    taken = NewComment("mia.mod", "hi", ANN, rank=Rank.VIEWER)
    assert code_of(await post_one(store, taken)) == "name_reserved"
    assert code_of(await post_one(store, NewComment("MIA MOD", "hi"))) == "name_reserved"
    assert code_of(await post_one(store, NewComment("Mia", "hi"))) is None
    mine = NewComment("Mia Mod", "again", MOD, rank=Rank.VIEWER)
    assert code_of(await post_one(store, mine)) is None


async def test_slow_mode_over_two_stores(store: CommentStore, other_store: CommentStore) -> None:
    await set_to(store, slow_mode_s=3600)
    first = await post_one(store, written("one"), key="k")
    assert first.outcome is Outcome.NEW
    refused = await post_one(other_store, written("two"))
    assert code_of(refused) == "slow_mode"
    assert refused.refusal is not None
    assert 0 < refused.refusal.wait_ms <= 3_600_000
    assert (await post_one(other_store, written("one"), key="k")).outcome is Outcome.REPLAYED
    assert code_of(await post_one(other_store, written("two", BOB))) is None
    for exempt in ({"rank": Rank.MODERATOR}, {"approved": True}):
        assert code_of(await post_one(store, written("two", **exempt))) is None
    (pace,) = paces(first_rules := (await store.rules("v"))[0], written())
    assert first_rules.settings.slow_mode_s == 3600
    assert list(await other_store.used_slots("v", [pace.slot, "none"])) == [pace.slot]
    await set_to(store, slow_mode_s=0)
    assert code_of(await post_one(other_store, written("three"))) is None


async def test_slow_mode_counts_within_one_group_and_for_names(store: CommentStore) -> None:
    await set_to(store, slow_mode_s=3600)
    group = [NewComment("Ann", "a"), NewComment("ann ", "b"), NewComment("Bob", "c")]
    assert [code_of(one) for one in await post(store, *group)] == [None, "slow_mode", None]


@pytest.mark.usefixtures("patient")
async def test_one_of_many_writers_at_once_is_in_time(
    store: CommentStore, other_store: CommentStore
) -> None:
    await set_to(store, slow_mode_s=3600)
    tries = [
        post_one(one, written(f"try {number}"), key=f"k{number}")
        for number in range(10)
        for one in (store, other_store)
    ]
    results = await asyncio.gather(*tries)
    assert sum(one.outcome is Outcome.NEW for one in results) == 1
    assert len(await log_of(store)) == 2


async def test_nobody_repeats_oneself_where_that_is_off(store: CommentStore) -> None:
    await set_to(store, repeats=False)
    said = [written("Hello"), written("hello"), written("Hello", BOB), written("bye")]
    assert [code_of(one) for one in await post(store, *said)] == [None, "duplicate", None, None]
    assert code_of(await post_one(store, written("HELLO"))) == "duplicate"


async def test_a_pin_and_its_end(store: CommentStore) -> None:
    (first, second) = await post(store, written("one"), written("two"))
    done = await rule(store, NewPin(1))
    ((number, raw),) = done.notices
    assert (number, entry_type(raw)) == (3, "pinned")
    assert json.loads(raw)["comment"] == json.loads(first.raw)
    assert not (await rule(store, NewPin(1))).new
    assert (await store.rules("v"))[0].pin == 1
    await rule(store, NewPin(2))
    ended = await rule(store, NewPin(None))
    assert json.loads(ended.notices[0][1])["comment"] is None
    assert (await store.rules("v"))[0].pin == 0
    assert len(await log_of(store)) == 5
    assert second.seq == 2


async def test_what_is_no_comment_cannot_be_pinned(store: CommentStore) -> None:
    await post(store, written())
    await remove(store, 1)
    for seq in (1, 2, 3):
        with pytest.raises(NotFound):
            await rule(store, NewPin(seq))
    assert len(await log_of(store)) == 2


async def test_a_removal_takes_the_text_out_of_every_pin(store: CommentStore) -> None:
    await post(store, written("secret word"), written("two"))
    await rule(store, NewPin(1))
    await rule(store, NewPin(2))
    await rule(store, NewPin(1))
    await remove(store, 1)
    log = await log_of(store)
    assert [entry_type(raw) for raw in log] == [
        *("tombstone", "comment", "tombstone", "pinned", "tombstone", "removed")
    ]
    assert b"secret" not in b"".join(log)
    await restore(store, 1)
    await rule(store, NewPin(None))
    await rule(store, NewPin(1))
    await remove(store, 1)
    assert b"secret" not in b"".join(await log_of(store))


async def test_filters_decide_what_was_screened_by_others(
    store: CommentStore, other_store: CommentStore
) -> None:
    assert code_of(await post_one(other_store, written("warm"))) is None
    done = await rule(store, NewFilters(b'{"terms":[]}'))
    assert (done.new, done.rules.filters) == (True, 1)
    assert not (await rule(store, NewFilters(b'{"terms":[]}'))).new
    assert code_of(await post_one(other_store, written("a"))) == Code.UNSCREENED
    assert code_of(await post_one(other_store, written("a", screened=1))) is None
    with pytest.raises(PreconditionFailed):
        await rule(store, NewFilters(b"other", 0))
    await rule(store, NewFilters(b"other", 1))
    assert code_of(await post_one(other_store, written("a", screened=1))) == Code.UNSCREENED
    assert await store.filters("v") == (2, b"other")
    assert await store.filters("w") == (0, b"")


async def test_sanctions_everywhere_are_no_entries(store: CommentStore) -> None:
    done = await rule(store, ban(by_rank=Rank.ADMIN), "")
    assert (done.new, done.notices) == (True, ())
    version = (await store.rules(""))[0].version
    assert not (await rule(store, ban(by_rank=Rank.ADMIN), "")).new
    assert [one.author_id for one in await store.sanctions("", 10)] == [ANN]
    await rule(store, ban(BOB, by_rank=Rank.ADMIN), "")
    assert (await store.rules(""))[0].version == version + 1
    assert [one.author_id for one in await store.sanctions("", 10, ANN)] == [BOB]
    assert await log_of(store) == ()


@pytest.mark.usefixtures("patient")
async def test_no_comment_is_above_a_ban_that_another_writer_numbered(
    store: CommentStore, other_store: CommentStore
) -> None:
    """Posts stream through one writer, the ban goes through the other."""
    ended = asyncio.Event()

    async def stream() -> None:
        count = 0
        while not ended.is_set():
            count += 1
            await post(other_store, written(f"a{count}"), written(f"b{count}", BOB))

    streams = [asyncio.create_task(stream()) for _ in range(3)]
    for _ in range(5):
        await post(store, written("me too"))
    done = await rule(store, ban())
    (number, _) = done.notices[0]
    for _ in range(5):
        await post(store, written("and now", BOB))
    ended.set()
    await asyncio.gather(*streams)
    above = [json.loads(raw) for raw in (await log_of(store))[number:]]
    assert above
    assert {one["author_id"] for one in above} == {BOB}


async def authored(
    store: CommentStore, author_id: str, video: str = "v", after: int = 0, limit: int = 10
) -> list[int]:
    """What a store finds of an author, over as many calls as that takes."""
    found, more = list[int](), True
    while more:
        seqs, last, more = await store.authored(author_id, video, after, limit)
        assert len(seqs) <= limit
        assert last > after or not more
        assert all(after < seq <= last for seq in seqs)
        found, after = [*found, *seqs], last
    return found


async def test_what_an_author_wrote_is_found_again(store: CommentStore) -> None:
    await post(store, written("a"), written("b", BOB), written("c"), NewComment("ann", "d"))
    await post(store, written("e"), video="w")
    await rule(store, NewPin(1))
    await rule(store, ban())
    await remove(store, 3)
    assert await authored(store, ANN) == [1, 3]
    assert await authored(store, ANN, after=1) == [3]
    assert await authored(store, ANN, limit=1) == [1, 3]
    assert (await store.authored(ANN, "v", 0, 1)).seqs == (1,)
    assert await store.authored_videos(ANN, "", 10) == ["v", "w"]
    assert await store.authored_videos(ANN, "v", 10) == ["w"]
    assert await authored(store, "u_nobody") == []
