"""Filters, held comments, audit and export over HTTP: a real listener, a real file, real tokens."""

from __future__ import annotations

import asyncio
import io
import json
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from screening.filters import Filters
from tests.integration.writer.moderated_api import ANN, BOB, MODERATOR, SIGNER, V, World
from tests.integration.writer.test_rules_routes import author_id, raw
from tests.support import started
from tests.tokens import roles
from wire.comment import NewComment
from writer.held import MAX_HELD, hold
from writer.rules import NewFilters

RIVAL = SIGNER.token(sub="mo-9", name="Rita", **roles(v="moderator"))
TERMS = {
    "terms": [
        {"term": "badword", "kind": "word", "action": "block"},
        {"term": "hmm", "kind": "word", "action": "hold"},
    ]
}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with started(World(tmp_path)) as world:
        await world.call("PUT", f"{V}/filters", MODERATOR, TERMS)
        yield world


async def post(world: World, text: str, token: str | None = ANN, **headers: str) -> tuple[int, Any]:
    body = {"text": text} | ({} if token else {"author": "guest"})
    return await world.call("POST", f"{V}/comments", token, body, **headers)


async def decide(world: World, held_id: str, decision: str, token: str = MODERATOR) -> Any:
    return await world.call("POST", f"{V}/held/{held_id}", token, {"decision": decision})


async def test_filters_have_versions(world: World) -> None:
    answer = await raw(world, "GET", f"{V}/filters", MODERATOR)
    assert (answer.status, answer.headers["ETag"]) == (200, '"1"')
    assert json.loads(await answer.read()) == TERMS
    stale = await world.call("PUT", f"{V}/filters", MODERATOR, {"terms": []}, If_Match='"0"')
    assert stale == (412, "precondition_failed")
    assert (await world.call("PUT", f"{V}/filters", MODERATOR, {"terms": []}, If_Match='"1"'))[
        0
    ] == 200
    assert (await post(world, "badword"))[0] == 201
    for token, code in ((None, (401, "token_missing")), (ANN, (403, "forbidden"))):
        assert await world.call("GET", f"{V}/filters", token) == code
        assert await world.call("PUT", f"{V}/filters", token, TERMS) == code


async def test_who_is_refused_because_too_many_wait_is_counted(world: World) -> None:
    now_ms = int(time.time() * 1000)
    for number in range(MAX_HELD):
        waiting = hold("v", NewComment("ann", f"hmm {number}"), None, now_ms)
        await world.api.store.moderation.hold("v", waiting)
    assert world.count("comments_refused", reason="held_full") == 0
    assert await post(world, "hmm, one more") == (503, "overloaded")
    assert world.count("comments_refused", reason="held_full") == 1


async def test_ten_megabytes_of_filters_are_refused(world: World) -> None:
    huge = io.BytesIO(b'{"terms":[%s{"term":"x"}]}' % (b'{"term":"x"},' * 800_000))
    headers = {"Authorization": f"Bearer {MODERATOR}", "Content-Type": "application/json"}
    put = world.api.client.put(f"{V}/filters", data=huge, headers=headers)
    with suppress(aiohttp.ClientOSError):  # it may answer and close before all was sent
        async with put as answer:
            assert answer.status == 413
    assert (await world.call("GET", f"{V}/filters", MODERATOR)) == (200, TERMS)


async def test_a_pattern_that_would_hang_others_does_not_hang_us(world: World) -> None:
    terms = {"terms": [{"term": "(a+)+$", "kind": "pattern", "action": "block"}]}
    assert (await world.call("PUT", f"{V}/filters", MODERATOR, terms))[0] == 200
    assert (await post(world, "a" * 499 + "!"))[0] == 201
    assert await post(world, "b" + "a" * 499) == (422, "blocked")


async def test_what_is_blocked_is_not_told_the_term(world: World) -> None:
    answer = await raw(world, "POST", f"{V}/comments", ANN, {"text": "a BadWord here"})
    problem = await answer.text()
    assert (answer.status, json.loads(problem)["code"]) == (422, "blocked")
    assert "badword" not in problem.lower()
    assert (await post(world, "badword", MODERATOR))[0] == 201


@pytest.mark.parametrize("text", ["badword", "hmm"])
async def test_filters_that_were_taken_away_keep_nobody_back(world: World, text: str) -> None:
    """By this writer or by another one, whose change this one has not met yet."""
    assert (await post(world, text))[0] in (202, 422)
    assert (await world.call("PUT", f"{V}/filters", MODERATOR, {"terms": []}))[0] == 200
    assert (await post(world, text))[0] == 201
    await world.call("PUT", f"{V}/filters", MODERATOR, TERMS)
    assert (await post(world, text))[0] in (202, 422)
    without = NewFilters(Filters(()).encode())
    await world.api.store.rule("v", without, "2026-01-01T00:00:00Z")
    assert (await post(world, text))[0] == 201


async def test_filters_can_be_tried(world: World) -> None:
    tried = await world.call("POST", f"{V}/filters/test", MODERATOR, {"text": "hmm, badword"})
    assert tried == (200, {"action": "block", "terms": [0, 1]})
    tried = await world.call("POST", f"{V}/filters/test", MODERATOR, {"text": "fine"})
    assert tried == (200, {"action": None, "terms": []})


async def test_a_held_comment_waits_and_is_approved(world: World) -> None:
    status, answer = await post(world, "hmm, well")
    assert (status, set(answer)) == (202, {"held", "expires_at"})
    assert await world.texts() == []
    _, listed = await world.call("GET", f"{V}/held", MODERATOR)
    (one,) = listed["held"]
    assert (one["id"], one["text"], one["author"]) == (answer["held"], "hmm, well", "Ann")
    assert one["author_id"] == await author_id(world, ANN)
    status, decided = await decide(world, one["id"], "approve")
    assert (status, decided["state"], decided["comment"]["text"]) == (200, "approved", "hmm, well")
    assert await decide(world, one["id"], "approve") == (status, decided)
    assert await decide(world, one["id"], "approve", RIVAL) == (409, "decided")
    assert await decide(world, one["id"], "deny") == (409, "decided")
    assert await world.texts() == ["hmm, well"]
    assert (await world.call("GET", f"{V}/held", MODERATOR))[1] == {"held": []}
    assert (world.count("comments_held"), world.count("comments_accepted")) == (1, 1)


async def test_a_denied_comment_stays_away(world: World) -> None:
    _, answer = await post(world, "hmm", Idempotency_Key="k")
    assert (await decide(world, answer["held"], "deny"))[1]["state"] == "denied"
    assert await post(world, "hmm", Idempotency_Key="k") == (422, "blocked")
    assert await world.texts() == []


async def test_a_retry_finds_what_is_held_or_was_posted(world: World) -> None:
    _, first = await post(world, "hmm", Idempotency_Key="k")
    assert await post(world, "hmm", Idempotency_Key="k") == (202, first)
    assert await post(world, "hmm hmm", Idempotency_Key="k") == (422, "idempotency_key_reused")
    assert await post(world, "hmm", BOB, Idempotency_Key="k") == (422, "idempotency_key_reused")
    _, decided = await decide(world, first["held"], "approve")
    assert await post(world, "hmm", Idempotency_Key="k") == (200, decided["comment"])
    # Also when it would not be held any more.
    await world.call("PUT", f"{V}/filters", MODERATOR, {"terms": []})
    assert await post(world, "hmm", Idempotency_Key="k") == (200, decided["comment"])
    assert await world.texts() == ["hmm"]


async def test_two_moderators_at_once(world: World) -> None:
    for _ in range(5):
        _, answer = await post(world, "hmm")
        both = await asyncio.gather(
            decide(world, answer["held"], "approve"),
            decide(world, answer["held"], "approve", RIVAL),
        )
        assert sorted(status for status, _ in both) == [200, 409]
    assert await world.texts() == ["hmm"] * 5


async def test_nobody_who_is_banned_is_approved(world: World) -> None:
    _, answer = await post(world, "hmm")
    await world.call("PUT", f"{V}/sanctions/{await author_id(world, ANN)}", MODERATOR)
    assert await decide(world, answer["held"], "approve") == (403, "banned")
    assert await world.texts() == []
    _, listed = await world.call("GET", f"{V}/held", MODERATOR)
    assert [one["id"] for one in listed["held"]] == [answer["held"]]
    assert (await decide(world, answer["held"], "deny"))[0] == 200
    assert world.count("comments_decided", decision="approved") == 0
    assert world.count("comments_decided", decision="denied") == 1


async def test_who_could_not_be_posted_anyway_takes_no_place(world: World) -> None:
    """A banned author cannot fill the list of those that wait; what is held already is found."""
    _, first = await post(world, "hmm", Idempotency_Key="k")
    ann, bob = await author_id(world, ANN), await author_id(world, BOB)
    await world.call("PUT", f"{V}/sanctions/{ann}", MODERATOR)
    assert await post(world, "hmm") == (403, "banned")
    assert await post(world, "hmm", Idempotency_Key="other") == (403, "banned")
    assert await post(world, "hmm", Idempotency_Key="k") == (202, first)
    until = {"until": "2999-01-01T00:00:00Z"}
    await world.call("PUT", f"{V}/sanctions/{bob}", MODERATOR, until)
    assert await post(world, "hmm", BOB) == (429, "timed_out")
    await world.call("POST", f"{V}/comments", MODERATOR, {"text": "the name is known now"})
    guest = {"text": "hmm", "author": "M0"}
    assert await world.call("POST", f"{V}/comments", None, guest) == (422, "name_reserved")
    _, listed = await world.call("GET", f"{V}/held", MODERATOR)
    assert [one["id"] for one in listed["held"]] == [first["held"]]
    assert world.count("comments_held") == 1


async def test_an_approved_comment_that_was_removed_is_approved_still(world: World) -> None:
    _, answer = await post(world, "hmm", Idempotency_Key="k")
    _, decided = await decide(world, answer["held"], "approve")
    await world.call("DELETE", f"{V}/comments/{decided['comment']['seq']}", MODERATOR)
    again = await decide(world, answer["held"], "approve")
    assert again == (200, {"id": answer["held"], "state": "approved"})
    assert await post(world, "hmm", Idempotency_Key="k") == (410, "removed")


async def test_a_held_comment_whose_key_is_anothers_is_not_posted(world: World) -> None:
    assert (await post(world, "fine", Idempotency_Key="k"))[0] == 201
    _, answer = await post(world, "hmm", Idempotency_Key="k")
    assert await decide(world, answer["held"], "approve") == (422, "idempotency_key_reused")
    assert await decide(world, answer["held"], "deny", RIVAL) == (409, "decided")
    assert await world.texts() == ["fine"]


async def test_decisions_need_a_moderator_and_sense(world: World) -> None:
    _, answer = await post(world, "hmm")
    assert await decide(world, answer["held"], "approve", ANN) == (403, "forbidden")
    assert await decide(world, answer["held"], "perhaps") == (422, "invalid_field")
    assert await decide(world, f"h_{'0' * 32}", "deny") == (404, "not_found")


async def test_the_audit_says_who_did_what(world: World) -> None:
    await world.post("one")  # number 2, after the filters
    await world.call("DELETE", f"{V}/comments/2", MODERATOR, {"reason": "spam"})
    await world.call("DELETE", f"{V}/comments/9", MODERATOR)
    await world.call("PATCH", f"{V}/settings", RIVAL, {"closed": True})
    _, page = await world.call("GET", f"{V}/audit", MODERATOR)
    shown = [(call["action"], call.get("refused")) for call in page["calls"]]
    assert shown == [
        ("settings", None),
        ("removal", "not_found"),
        ("removal", None),
        ("removal", None),
        ("filters", None),
    ]
    newest, oldest = page["calls"][0], page["calls"][3]
    assert newest["by"] == await author_id(world, RIVAL)
    assert newest["what"]["changes"] == {"closed": True}
    assert (oldest["by"], oldest["what"]["reason"]) == (await author_id(world, MODERATOR), "spam")
    assert "badword" not in json.dumps(page)
    _, first = await world.call("GET", f"{V}/audit?limit=2", MODERATOR)
    _, rest = await world.call("GET", f"{V}/audit?before={first['before']}", MODERATOR)
    assert first["calls"] + rest["calls"] == page["calls"]
    assert (first["more"], rest["more"]) == (True, False)
    assert await world.call("GET", f"{V}/audit?before=x", MODERATOR) == (422, "invalid_field")
    assert await world.call("GET", f"{V}/audit", ANN) == (403, "forbidden")


async def test_the_export_is_the_log(world: World) -> None:
    await world.post(*(f"text {number}" for number in range(450)))
    await world.call("DELETE", f"{V}/comments/3", MODERATOR)
    answer = await raw(world, "GET", f"{V}/export", MODERATOR)
    assert (answer.status, answer.content_type) == (200, "application/x-ndjson")
    lines = (await answer.text()).splitlines()
    entries = [json.loads(line) for line in lines]
    assert [entry["seq"] for entry in entries] == list(range(1, 453))
    assert entries[2]["type"] == "tombstone"
    rest = await raw(world, "GET", f"{V}/export?after={entries[399]['id']}", MODERATOR)
    assert (await rest.text()).splitlines() == lines[400:]
    assert await world.call("GET", f"{V}/export", ANN) == (403, "forbidden")
    assert await world.call("GET", f"{V}/export?after=", MODERATOR) == (422, "invalid_field")
    empty = await raw(world, "GET", "/v1/videos/w/export", SIGNER.token(**roles(w="owner")))
    assert (empty.status, await empty.text()) == (200, "")


async def test_the_head_of_an_export_has_no_body(world: World) -> None:
    """Else its bytes would be read as the next reply on the connection."""
    await world.post("one")
    head = f"HEAD {V}/export HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {MODERATOR}\r\n\r\n"
    then = f"GET {V}/comments/2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    told = await world.api.raw((head + then).encode())
    first, rest = told.split(b"\r\n\r\n", 1)
    assert first.startswith(b"HTTP/1.1 200 ")
    assert b"application/x-ndjson" in first
    assert rest.startswith(b"HTTP/1.1 200 ")
    assert b'"text":"one"' in rest
