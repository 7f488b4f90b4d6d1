"""Sanctions everywhere, erasures and revocations over HTTP: a real listener, a real file."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.integration.writer.moderated_api import ANN, BOB, MODERATOR, SIGNER, V, World
from tests.integration.writer.test_rules_routes import author_id
from tests.support import eventually, started
from wire.errors import StoreUnavailable

ADMIN = SIGNER.token(sub="ad-1", name="Ada", **{"lc.roles": {"*": ["admin"]}})
SERVICE = SIGNER.token(sub="se-1", name="Bot", **{"lc.roles": {"*": ["service"]}})
W = "/v1/videos/w"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with started(World(tmp_path)) as world:
        yield world


async def test_a_ban_everywhere(world: World) -> None:
    ann = await author_id(world, ANN)
    await world.post("secret")
    await world.call("POST", f"{W}/comments", ANN, {"text": "secret too"})
    status, said = await world.call("PUT", f"/v1/sanctions/{ann}", ADMIN, {"purge": True})
    assert (status, said["author_id"]) == (200, ann)
    for video in (V, W):
        assert await world.call("POST", f"{video}/comments", ANN, {"text": "x"}) == (403, "banned")
        assert (await world.call("GET", f"{video}/comments"))[1]["comments"] == []
    assert (await world.call("POST", f"{W}/comments", BOB, {"text": "x"}))[0] == 201
    assert (await world.call("GET", "/v1/sanctions", ADMIN))[1]["sanctions"] == [said]
    assert await world.call("GET", f"/v1/sanctions/{ann}", ADMIN) == (200, said)
    assert (await world.call("DELETE", f"/v1/sanctions/{ann}", ADMIN))[0] == 200
    assert await world.call("GET", f"/v1/sanctions/{ann}", ADMIN) == (404, "not_found")
    assert (await world.call("POST", f"{V}/comments", ANN, {"text": "x"}))[0] == 201


async def test_what_is_done_everywhere_has_an_audit(world: World) -> None:
    ann = await author_id(world, ANN)
    await world.call("PUT", f"/v1/sanctions/{ann}", ADMIN, {"reason": "spam"})
    await world.call("POST", "/v1/erasures", ANN, {"author_id": ann})
    status, page = await world.call("GET", "/v1/audit", ADMIN)
    assert status == 200
    assert [call["action"] for call in page["calls"]] == ["erasure", "sanction"]
    assert page["calls"][0]["by"] == ann
    assert (await world.call("GET", f"{V}/audit", MODERATOR))[1]["calls"] == []
    assert await world.call("GET", "/v1/audit", MODERATOR) == (403, "forbidden")
    assert await world.call("GET", "/v1/audit") == (401, "token_missing")


async def test_only_an_admin_rules_everywhere(world: World) -> None:
    ann = await author_id(world, ANN)
    for method, path in (
        ("GET", ""),
        ("GET", f"/{ann}"),
        ("PUT", f"/{ann}"),
        ("DELETE", f"/{ann}"),
    ):
        for token in (MODERATOR, SERVICE):
            assert await world.call(method, f"/v1/sanctions{path}", token) == (403, "forbidden")
        assert await world.call(method, f"/v1/sanctions{path}") == (401, "token_missing")


async def test_an_author_is_erased(world: World, tmp_path: Path) -> None:
    ann = await author_id(world, ANN)
    await world.post("a VERYSECRET word", "and VERYSECRET again")
    await world.post("kept", token=BOB)
    await world.call("PUT", f"{V}/pin", MODERATOR, {"seq": 1})
    await world.call("DELETE", f"{V}/comments/2", MODERATOR)
    await world.call("POST", f"{W}/comments", ANN, {"text": "VERYSECRET there"})
    asked = await world.call("POST", "/v1/erasures", ANN, {"author_id": ann})
    assert asked == (202, {"author_id": ann, "done": False})
    await world.api.moderation.erasures.finish()
    done = await world.call("GET", f"/v1/erasures/{ann}", SERVICE)
    assert done == (200, {"author_id": ann, "done": True})
    assert await world.texts() == ["kept"]
    assert (await world.call("GET", f"{W}/comments"))[1]["comments"] == []
    restored = await world.call("POST", f"{V}/comments/2/restore", MODERATOR)
    assert restored == (410, "removed")
    assert await world.call("DELETE", f"{V}/comments/1", ANN) == (410, "removed")
    for file in tmp_path.iterdir():
        assert b"VERYSECRET" not in file.read_bytes(), file.name


async def test_an_erasure_that_cannot_be_carried_out_is_counted_as_pending(
    world: World, tmp_path: Path
) -> None:
    def pending() -> float | None:
        return world.api.registry.get_sample_value("livecomments_erasures_pending")

    ann = await author_id(world, ANN)
    await world.post("a word")
    await world.call("POST", "/v1/erasures", ANN, {"author_id": ann})
    with closing(sqlite3.connect(tmp_path / "c.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")  # nobody else writes
        with capture_logs() as logs:
            await world.api.moderation.erasures.finish()
        assert pending() == 1
        assert world.count("erasures_failed") == 1
        (failed,) = [line for line in logs if line["event"] == "erasure_failed"]
        assert failed["author_id"] == ann
        other.execute("ROLLBACK")
    await world.api.moderation.erasures.finish()
    assert pending() == 0
    assert world.count("erasures_failed") == 1


async def test_what_waits_for_a_moderator_is_erased_of_an_author_who_has_posted_nothing(
    world: World, tmp_path: Path
) -> None:
    ann = await author_id(world, ANN)
    terms = {"terms": [{"term": "word", "action": "hold"}]}
    assert (await world.call("PUT", f"{V}/filters", MODERATOR, terms))[0] == 200
    status, waiting = await world.call("POST", f"{V}/comments", ANN, {"text": "a VERYSECRET word"})
    assert status == 202
    (listed,) = (await world.call("GET", f"{V}/held", MODERATOR))[1]["held"]
    assert (listed["id"], listed["author_id"]) == (waiting["held"], ann)
    await world.call("POST", "/v1/erasures", ANN, {"author_id": ann})
    await world.api.moderation.erasures.finish()
    done = await world.call("GET", f"/v1/erasures/{ann}", SERVICE)
    assert done == (200, {"author_id": ann, "done": True})
    assert (await world.call("GET", f"{V}/held", MODERATOR))[1]["held"] == []
    decision = {"decision": "approve"}
    approved = await world.call("POST", f"{V}/held/{waiting['held']}", MODERATOR, decision)
    assert approved == (404, "not_found")
    assert await world.texts() == []
    for file in tmp_path.iterdir():
        assert b"VERYSECRET" not in file.read_bytes(), file.name


async def test_one_that_fails_keeps_no_other_from_being_carried_out(
    world: World, tmp_path: Path
) -> None:
    tokens = {await author_id(world, token): token for token in (ANN, BOB)}
    first, last = sorted(tokens)
    for one, video in ((first, V), (last, W)):
        await world.call("POST", f"{video}/comments", tokens[one], {"text": "x"})
    await world.call("POST", "/v1/erasures", SERVICE, {"author_id": first})
    await world.call("POST", "/v1/erasures", SERVICE, {"author_id": last})
    with closing(sqlite3.connect(tmp_path / "c.db")) as other:  # a row that cannot be read
        other.execute("INSERT INTO held VALUES ('v', 'h_', 0, 'pending', '', 0, 'no JSON')")
        other.commit()
    for _ in range(2):
        await world.api.moderation.erasures.finish()
    assert (await world.call("GET", f"/v1/erasures/{last}", SERVICE))[1]["done"]
    assert not (await world.call("GET", f"/v1/erasures/{first}", SERVICE))[1]["done"]
    assert world.count("erasures_failed") == 2
    assert world.count("authors_erased") == 1


async def test_what_is_posted_before_a_second_erasure_is_destroyed_too(world: World) -> None:
    ann = await author_id(world, ANN)
    for text in ("one", "two"):
        await world.post(text)
        await world.call("POST", "/v1/erasures", ANN, {"author_id": ann})
        assert not (await world.call("GET", f"/v1/erasures/{ann}", SERVICE))[1]["done"]
        await world.api.moderation.erasures.finish()
        assert (await world.call("GET", f"/v1/erasures/{ann}", SERVICE))[1]["done"]
        assert await world.texts() == []


async def test_reads_are_closed_while_it_is_not_known_whether_a_backup_was_put_back(
    world: World, tmp_path: Path
) -> None:
    """Here the store cannot be read; posts go on when it can."""
    await world.post("a word")
    erasures = world.api.moderation.erasures
    ledger = tmp_path / "c.db.erasures"
    ledger.mkdir()  # cannot be read
    await erasures.start()
    closed = (503, "store_unavailable")
    for path in (f"{V}/comments", f"{V}/comments/1", f"{V}/entries"):
        assert await world.call("GET", path) == closed
    assert await world.call("GET", f"{V}/held", MODERATOR) == closed
    assert await world.call("PUT", f"{V}/pin", MODERATOR, {"seq": 1}) == closed
    with pytest.raises(StoreUnavailable):
        await world.api.service.range("v", 0, 10)
    with pytest.raises(StoreUnavailable):
        await world.api.service.heads(["v"])
    assert (await world.call("POST", f"{V}/comments", ANN, {"text": "x"}))[0] == 201
    ledger.rmdir()
    await erasures.start()
    assert await world.texts() == ["a word", "x"]


async def test_only_some_may_erase(world: World) -> None:
    ann = await author_id(world, ANN)
    body = {"author_id": ann}
    assert await world.call("POST", "/v1/erasures", BOB, body) == (403, "forbidden")
    assert await world.call("POST", "/v1/erasures", MODERATOR, body) == (403, "forbidden")
    assert await world.call("POST", "/v1/erasures", None, body) == (401, "token_missing")
    assert await world.call("GET", f"/v1/erasures/{ann}", BOB) == (403, "forbidden")
    assert await world.call("GET", f"/v1/erasures/{ann}", ANN) == (404, "not_found")
    for wrong in ({}, {"author_id": "ann"}, {"author_id": 5}):
        assert await world.call("POST", "/v1/erasures", SERVICE, wrong) == (422, "invalid_field")
    assert (await world.call("POST", "/v1/erasures", SERVICE, body))[0] == 202


async def test_a_revoked_token_does_not_count_and_a_new_one_does(world: World) -> None:
    old = SIGNER.token(sub="ann-1", name="Ann", iat=int(time.time()) - 100)
    ann = await author_id(world, old)
    assert (await world.call("POST", f"{V}/comments", old, {"text": "x"}))[0] == 201
    body = {"author_id": ann, "not_before": int(time.time()) - 50}
    status, said = await world.call("POST", "/v1/revocations", SERVICE, body)
    assert (status, said["author_id"]) == (201, ann)
    refused = await world.call("POST", f"{V}/comments", old, {"text": "x"})
    assert refused == (401, "token_invalid")
    new = SIGNER.token(sub="ann-1", name="Ann", iat=int(time.time()))
    assert (await world.call("POST", f"{V}/comments", new, {"text": "x"}))[0] == 201
    assert await world.call("POST", "/v1/revocations", MODERATOR, body) == (403, "forbidden")


async def test_another_writer_learns_of_it(world: World, tmp_path: Path) -> None:
    ann = await author_id(world, ANN)
    async with started(World(tmp_path)) as other:
        task = other.api.tasks.spawn(other.api.moderation.site.watch(), "site rules")
        assert (await other.call("POST", f"{V}/comments", ANN, {"text": "x"}))[0] == 201
        await world.call("PUT", f"/v1/sanctions/{ann}", ADMIN)

        await eventually(lambda: other.api.moderation.site.find(ann) is not None)
        answer = await other.call("POST", f"{V}/comments", ANN, {"text": "x"})
        assert answer == (403, "banned")
        task.cancel()
