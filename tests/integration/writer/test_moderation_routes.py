"""Removing and restoring over HTTP: a real listener, a real file, real tokens."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.writer.moderated_api import ANN, BOB, MODERATOR, NUMBERS, SIGNER, V, World
from tests.support import started
from tests.tokens import roles


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with started(World(tmp_path)) as world:
        yield world


async def test_a_moderator_removes_a_comment(world: World) -> None:
    await world.post("one", "secret", "three")
    status, notice = await world.call("DELETE", f"{V}/comments/2", MODERATOR, {"reason": "spam"})
    assert status == 200
    wanted = {"type": "removed", "seq": 4, "targets": [2], "by": "moderator", "reason": "spam"}
    assert {name: notice[name] for name in wanted} == wanted
    assert set(notice) == set(wanted) | NUMBERS
    assert await world.texts() == ["one", "three"]
    assert await world.call("GET", f"{V}/comments/2") == (410, "removed")
    assert await world.call("GET", f"{V}/comments/4") == (404, "not_found")
    assert world.count("comments_removed", by="moderator") == 1


async def test_the_notice_goes_the_way_of_a_comment(world: World) -> None:
    await world.post("one")
    _, notice = await world.call("DELETE", f"{V}/comments/1", MODERATOR, X_Request_Id="the-removal")
    batch = world.api.sink.batches[-1]
    assert (batch.first_seq, batch.request_id) == (2, "the-removal")
    _, page = await world.call("GET", f"{V}/entries?after={notice['id'][:13]}1")
    assert page["entries"] == [notice]
    # What may have died with another writer is handed over again.
    assert (await world.call("DELETE", f"{V}/comments/1", MODERATOR))[1] == notice
    assert world.api.sink.batches[-1].comments == batch.comments


async def test_the_log_shows_what_happened(world: World) -> None:
    first, second = await world.post("one", "two")
    await world.call("DELETE", f"{V}/comments/1", MODERATOR)
    await world.call("POST", f"{V}/comments/1/restore", MODERATOR)
    await world.call("DELETE", f"{V}/comments/2", MODERATOR)
    _, page = await world.call("GET", f"{V}/entries")
    types = [entry.get("type", "comment") for entry in page["entries"]]
    assert types == ["comment", "tombstone", "removed", "restored", "removed"]
    assert page["entries"][0] == page["entries"][3]["comment"] == first
    tombstone = page["entries"][1]
    assert tombstone == {name: second[name] for name in NUMBERS} | {"type": "tombstone"}
    assert world.count("comments_restored") == 1


async def test_an_author_removes_the_own_comment_and_no_other(world: World) -> None:
    await world.post("mine")
    await world.post("bobs", token=BOB)
    await world.post("guests", token=None)
    status, notice = await world.call("DELETE", f"{V}/comments/1", ANN)
    assert (status, notice["by"]) == (200, "author")
    assert (await world.call("DELETE", f"{V}/comments/1", ANN))[1] == notice
    for seq in (2, 3):
        assert await world.call("DELETE", f"{V}/comments/{seq}", ANN) == (403, "forbidden")
    assert await world.texts() == ["bobs", "guests"]


async def test_an_author_gives_no_reason(world: World) -> None:
    """It would be public words that no rule has decided, and that nobody could take away."""
    await world.post("one")
    said = await world.call("DELETE", f"{V}/comments/1", ANN, {"reason": "buy my coins"})
    assert said == (422, "invalid_field")
    assert await world.texts() == ["one"]
    status, notice = await world.call("DELETE", f"{V}/comments/1", ANN, {})
    assert (status, notice["by"], "reason" in notice) == (200, "author", False)


async def test_an_author_does_not_undo_what_a_moderator_did(world: World) -> None:
    await world.post("mine")
    await world.call("DELETE", f"{V}/comments/1", MODERATOR)
    assert await world.call("POST", f"{V}/comments/1/restore", ANN) == (403, "forbidden")
    assert await world.call("GET", f"{V}/comments/1") == (410, "removed")


async def test_many_are_removed_by_one_call(world: World) -> None:
    await world.post(*map(str, range(6)))
    await world.call("DELETE", f"{V}/comments/2", MODERATOR)
    status, reply = await world.call("POST", f"{V}/removals", MODERATOR, {"seqs": [5, 2, 3, 5]})
    assert status == 200
    assert [notice["targets"] for notice in reply["notices"]] == [[3, 5], [2]]
    assert await world.texts() == ["0", "3", "5"]


async def test_history_pages_across_what_is_gone(world: World) -> None:
    await world.post(*map(str, range(1, 31)))
    await world.call("POST", f"{V}/removals", MODERATOR, {"seqs": [*range(4, 28)]})
    _, newest = await world.call("GET", f"{V}/comments?limit=4")
    assert [comment["text"] for comment in newest["comments"]] == ["3", "28", "29", "30"]
    assert newest["more"] is True
    _, oldest = await world.call("GET", f"{V}/comments?limit=4&before={newest['first']}")
    assert [comment["text"] for comment in oldest["comments"]] == ["1", "2"]
    assert oldest["more"] is False
    read, cursor, more = [], newest["head"].split("-")[0] + "-0", True
    while more:
        _, page = await world.call("GET", f"{V}/comments?limit=2&after={cursor}")
        read += [comment["text"] for comment in page["comments"]]
        cursor, more = page["last"], page["more"]
    assert read == ["1", "2", "3", "28", "29", "30"]
    assert cursor == page["head"]


async def test_what_was_restored_and_removed_again_is_in_no_reply(world: World) -> None:
    await world.post("secret")
    for _ in range(2):
        await world.call("DELETE", f"{V}/comments/1", MODERATOR)
        await world.call("POST", f"{V}/comments/1/restore", MODERATOR)
    await world.call("DELETE", f"{V}/comments/1", MODERATOR)
    _, page = await world.call("GET", f"{V}/entries")
    assert "secret" not in str(page)
    kinds = [entry["type"] for entry in page["entries"]]
    assert kinds == ["tombstone", "removed", "tombstone", "removed", "tombstone", "removed"]


async def test_a_restored_comment_is_in_the_history_again(world: World) -> None:
    (first,) = await world.post("one")
    await world.call("DELETE", f"{V}/comments/1", MODERATOR)
    assert await world.call("POST", f"{V}/comments/1/restore", MODERATOR) == (200, first)
    assert await world.call("POST", f"{V}/comments/1/restore", MODERATOR) == (200, first)
    assert await world.call("GET", f"{V}/comments/1") == (200, first)


async def test_a_retried_post_does_not_bring_a_removed_comment_back(world: World) -> None:
    async def retry() -> tuple[int, Any]:
        return await world.call("POST", f"{V}/comments", ANN, {"text": "one"}, Idempotency_Key="k")

    assert (await retry())[0] == 201
    await world.call("DELETE", f"{V}/comments/1", MODERATOR)
    assert await retry() == (410, "removed")


CALLS = [
    ("DELETE", f"{V}/comments/1", None),
    ("POST", f"{V}/removals", {"seqs": [1]}),
    ("POST", f"{V}/comments/1/restore", None),
]


@pytest.mark.parametrize(("method", "path", "body"), CALLS)
async def test_only_a_moderator_of_this_video_may(
    world: World, method: str, path: str, body: object
) -> None:
    await world.post("bobs", token=BOB)
    member = SIGNER.token(**roles(v="member", w="moderator"))
    assert await world.call(method, path, None, body) == (401, "token_missing")
    assert await world.call(method, path, "rubbish", body) == (401, "token_invalid")
    viewer = SIGNER.token(**roles(v="viewer"))
    for token in (ANN, viewer, member):
        assert await world.call(method, path, token, body) == (403, "forbidden")
    assert await world.texts() == ["bobs"]


@pytest.mark.parametrize("number", ["2", "999999999999999"])
async def test_what_is_no_comment_is_404(world: World, number: str) -> None:
    await world.post("one")
    await world.call("DELETE", f"{V}/comments/1", MODERATOR)
    for method, path in (("DELETE", ""), ("POST", "/restore")):
        reply = await world.call(method, f"{V}/comments/{number}{path}", MODERATOR)
        assert reply == (404, "not_found")
    body = {"seqs": [1, int(number)]}
    assert await world.call("POST", f"{V}/removals", MODERATOR, body) == (404, "not_found")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"seqs": []},
        {"seqs": list(range(1, 502))},
        {"seqs": [0]},
        {"seqs": [-1]},
        {"seqs": [10**15]},
        {"seqs": [1.0]},
        {"seqs": [True]},
        {"seqs": ["1"]},
        {"seqs": "1"},
        {"seqs": [1], "reason": ""},
        {"seqs": [1], "reason": "x" * 201},
        {"seqs": [1], "reason": "a\u0007b"},
        {"seqs": [1], "by": "erasure"},
        [1],
    ],
)
async def test_a_body_that_breaks_a_rule_is_422(world: World, body: object) -> None:
    await world.post("one")
    reply = await world.call("POST", f"{V}/removals", MODERATOR, body)
    assert reply == (422, "invalid_field")
    assert await world.texts() == ["one"]


async def test_a_body_that_is_no_json_is_refused(world: World) -> None:
    await world.post("one")
    for method, path in (("DELETE", f"{V}/comments/1"), ("POST", f"{V}/removals")):
        for data, kind, wanted in (
            (b"{", "application/json", (400, "not_json")),
            (b"{}", "text/plain", (415, "unsupported_media_type")),
            (b"x" * 20_000, "application/json", (413, "body_too_large")),
        ):
            async with world.api.client.request(
                method,
                path,
                data=data,
                headers={"Content-Type": kind, "Authorization": f"Bearer {MODERATOR}"},
            ) as reply:
                assert (reply.status, (await reply.json(content_type=None))["code"]) == wanted
    assert await world.texts() == ["one"]
