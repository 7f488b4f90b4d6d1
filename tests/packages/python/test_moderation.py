"""What moderators do with either client, against a server in the test's own process."""

from __future__ import annotations

import asyncio
import inspect
import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from livecomments_client import (
    AsyncClient,
    AsyncModeration,
    AsyncVideo,
    Client,
    Comment,
    Held,
    Moderation,
    Posted,
    Problem,
    Removed,
    Term,
    Tombstone,
    Video,
)
from tests.identity_variables import with_keys
from tests.integration.single.conftest import Single
from tests.packages.python.people import comments, readers
from tests.support import eventually
from tests.tokens import Signer, roles

SECRET = "my number is 5551234"


class Site:
    """A server that takes the tokens of `signer`."""

    def __init__(self, single: Single, signer: Signer) -> None:
        self.url = f"http://127.0.0.1:{single.service.public_port}"
        self.video_id = secrets.token_hex(6)
        self._signer = signer

    def token(self, name: str, role: str = "") -> str:
        claims = roles(**{self.video_id: role}) if role else {}
        return self._signer.token(sub=name, name=name, **claims)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    signer = Signer()
    single = Single(tmp_path / "comments.db", **with_keys(tmp_path, signer))
    await single.service.start()
    single.service.health.started = True  # as the runner does
    yield Site(single, signer)
    await single.stop()


def moderate(site: Site) -> None:
    """Every verb of the sync client, one after the other."""
    with (
        Client(site.url, token=site.token("Mo", "moderator")) as moderators,
        Client(site.url, token=site.token("Bob")) as bobs,
    ):
        video, bob = moderators.video(site.video_id), bobs.video(site.video_id)
        one, two, three = (posted(bob.post(f"comment {n}")) for n in (1, 2, 3))
        comments_come_and_go(video, one, two)
        bob_is_told(bob, video, three)
        words_are_held(bob, video)
        (call, *_), more = audit_of(video)
        assert (call.action, more) == ("decision", True)


def posted(result: Posted | Held) -> Comment:
    assert isinstance(result, Posted)
    return result.comment


def comments_come_and_go(video: Video, one: Comment, two: Comment) -> None:
    (removed,) = video.moderation.remove(one.seq, reason="spam")
    assert (removed.targets, removed.by, removed.reason) == ((1,), "moderator", "spam")
    notices = video.moderation.remove([1, 2])
    assert {notice.targets for notice in notices} == {(1,), (2,)}
    assert video.moderation.restore(2) == two
    assert [type(entry) for entry in video.entries().items[:2]] == [Tombstone, Comment]
    with pytest.raises(Problem, match="removed"):
        video.comment(1)
    pinned = video.moderation.pin(2)
    assert pinned.comment == two
    unpinned = video.moderation.unpin()
    assert unpinned is not None
    assert unpinned.comment is None


def bob_is_told(bob: Video, video: Video, his: Comment) -> None:
    before = video.moderation.settings()
    changed = video.moderation.update_settings(slow_mode_s=600, if_match=before.etag)
    assert (changed.slow_mode_s, changed.links) == (600, True)
    with pytest.raises(Problem, match="precondition_failed"):
        video.moderation.update_settings(slow_mode_s=5, if_match=before.etag)
    bob.post("in time")
    with pytest.raises(Problem, match="slow_mode") as caught:
        bob.post("too soon")
    assert caught.value.retry_after is not None
    assert 0 < caught.value.retry_after <= 600
    told = bob.me()
    assert (told.may_post, told.code, told.name) == (False, "slow_mode", "Bob")
    video.moderation.update_settings(slow_mode_s=0)
    assert his.author_id == told.author_id
    until = datetime.now(UTC) + timedelta(hours=1)
    sanction = video.moderation.sanction(str(his.author_id), until=until, reason="rude")
    assert sanction.until is not None
    assert abs(sanction.until - until) < timedelta(seconds=1)
    assert video.moderation.sanctions().sanctions == (sanction,)
    with pytest.raises(Problem, match="timed_out"):
        bob.post("still there")
    lifted = video.moderation.lift(str(his.author_id))
    assert lifted is not None
    assert lifted.until is None
    assert video.moderation.lift("u_" + "x" * 22) is None


def words_are_held(bob: Video, video: Video) -> None:
    terms = [Term("coins"), Term("[0-9]{6,}", "pattern", "hold")]
    kept = video.moderation.set_filters(terms)
    assert list(kept.terms) == terms
    assert video.moderation.filters() == kept
    tested = video.moderation.test_filters("coins 1234567")
    assert (tested.action, tested.terms) == ("block", (0, 1))
    with pytest.raises(Problem, match="blocked"):
        bob.post("buy my coins")
    waits = bob.post(SECRET)
    assert isinstance(waits, Held)
    (held,) = video.moderation.held()
    assert (held.id, held.text) == (waits.held, SECRET)
    decision = video.moderation.decide(held.id, "approve")
    assert decision.state == "approved"
    assert decision.comment is not None
    assert decision.comment.text == SECRET
    with pytest.raises(Problem, match="decided"):
        video.moderation.decide(held.id, "deny")


def audit_of(video: Video) -> Any:
    page = video.moderation.audit(limit=3)
    older = video.moderation.audit(limit=3, before=page.before)
    assert older.calls[0].at <= page.calls[-1].at
    return page.calls, page.more


async def test_a_moderator_does_everything_from_a_thread(site: Site) -> None:
    await asyncio.to_thread(moderate, site)


async def test_a_moderator_does_the_same_on_a_loop(site: Site) -> None:
    async with AsyncClient(site.url, token=site.token("Mo", "moderator")) as client:
        video = client.video(site.video_id)
        await video.post("one")
        (removed,) = await video.moderation.remove(1)
        assert isinstance(removed, Removed)
        assert (await video.moderation.restore(1)).text == "one"
        assert (await video.moderation.update_settings(closed=True)).closed
        assert (await video.me()).badges == ("moderator",)


@pytest.mark.parametrize(
    ("blocking", "awaiting"), [(Video, AsyncVideo), (Moderation, AsyncModeration)]
)
def test_both_clients_have_the_same_methods(blocking: type, awaiting: type) -> None:
    def methods(kind: type) -> dict[str, str]:
        found = inspect.getmembers(kind, inspect.isfunction)
        return {n: str(inspect.signature(f)) for n, f in found if hasattr(f, "__wrapped__")}

    assert methods(blocking) == methods(awaiting)
    assert len(methods(blocking)) >= 5
    for name in methods(blocking):
        assert getattr(blocking, name).__doc__
        assert getattr(blocking, name).__doc__ == getattr(awaiting, name).__doc__


async def test_what_was_removed_while_a_reader_was_away_is_never_shown(site: Site) -> None:
    """By its cursor it gets the notice, or a tombstone; and nothing of it comes from history."""
    async with AsyncClient(site.url, token=site.token("Mo", "moderator")) as client:
        video = client.video(site.video_id)
        async with readers(site.url, site.video_id) as both:
            for text in ("one", SECRET, "three"):
                await video.post(text)
            await eventually(lambda: all(len(comments(reader.events)) == 3 for reader in both))
        cursors = [comments(reader.events)[at].id for reader in both for at in (0, 2)]
        await video.moderation.remove(2)
        await video.post("four")
        ways: list[dict[str, Any]] = [{"cursor": cursor} for cursor in cursors]
        for wishes in [*ways, {"history": 50}, {}]:
            async with readers(site.url, site.video_id, **wishes) as again:
                await eventually(lambda a=again: all(r.video.cursor.endswith("-5") for r in a))
                for reader in again:
                    assert SECRET not in str(reader.events)
                    if "history" not in wishes:
                        notices = [e for e in reader.events if isinstance(e, Removed)]
                        assert [notice.targets for notice in notices] == [(2,)]
