"""Settings, pins, sanctions and `me` over HTTP: a real listener, a real file, real tokens."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest

from tests.integration.writer.moderated_api import ANN, BOB, MODERATOR, SIGNER, V, World
from tests.support import started
from tests.tokens import roles
from wire.rulings import FOREVER

OWNER = SIGNER.token(sub="ow-1", name="Olga", **roles(v="owner"))
OTHER = SIGNER.token(sub="mo-2", name="Max", **roles(w="moderator"))
MEMBER = SIGNER.token(sub="me-1", name="Mem", **roles(v="member"))
DEFAULTS = {
    "slow_mode_s": 0,
    "closed": False,
    "members_only": False,
    "links": True,
    "guests": True,
    "repeats": True,
}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with started(World(tmp_path)) as world:
        yield world


async def author_id(world: World, token: str) -> str:
    _, me = await world.call("GET", f"{V}/me", token)
    return str(me["author_id"])


async def raw(
    world: World, method: str, path: str, token: str, body: object = None, **headers: str
) -> aiohttp.ClientResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    named["Authorization"] = f"Bearer {token}"
    return await world.api.client.request(method, path, json=body, headers=named)


async def test_settings_are_read_and_changed_with_their_etag(world: World) -> None:
    assert await world.call("GET", f"{V}/settings") == (200, DEFAULTS)
    changed = await raw(
        world, "PATCH", f"{V}/settings", MODERATOR, {"closed": True}, If_Match='"0"'
    )
    assert (changed.status, changed.headers["ETag"]) == (200, '"1"')
    assert json.loads(await changed.read()) == DEFAULTS | {"closed": True}
    stale = await world.call("PATCH", f"{V}/settings", MODERATOR, {"links": False}, If_Match='"0"')
    assert stale == (412, "precondition_failed")
    again = await world.call("PATCH", f"{V}/settings", MODERATOR, {"closed": True}, If_Match='"0"')
    assert again == (200, DEFAULTS | {"closed": True})
    for tag in ("1", 'W/"1"', '"x"', '"1", "2"'):
        answer = await world.call(
            "PATCH", f"{V}/settings", MODERATOR, {"links": False}, If_Match=tag
        )
        assert answer == (422, "invalid_field")
    _, page = await world.call("GET", f"{V}/entries")
    assert [entry["type"] for entry in page["entries"]] == ["settings"]
    assert world.count("rulings", kind="settings") == 1


@pytest.mark.parametrize(
    "body",
    [
        *({}, [], {"unknown": 1}, {"slow_mode_s": -1}, {"slow_mode_s": 21_601}),
        *({"slow_mode_s": True}, {"slow_mode_s": 1.0}, {"closed": 1}, {"links": "yes"}),
        {"guests": None},
    ],
)
async def test_settings_that_make_no_sense_change_nothing(world: World, body: object) -> None:
    status, code = await world.call("PATCH", f"{V}/settings", MODERATOR, body)
    assert (status, code) == (422, "invalid_field")
    assert await world.call("GET", f"{V}/settings") == (200, DEFAULTS)


async def test_each_refusal_has_its_code(world: World) -> None:
    async def refused(token: str | None = ANN, **changes: object) -> tuple[int, object]:
        await world.call("PATCH", f"{V}/settings", MODERATOR, DEFAULTS | changes)
        body = {"text": "see https://example.com/"} | ({} if token else {"author": "guest"})
        return await world.call("POST", f"{V}/comments", token, body)

    assert await refused(closed=True) == (403, "closed")
    assert (await refused(MODERATOR, closed=True))[0] == 201
    assert await refused(members_only=True) == (403, "members_only")
    assert (await refused(MEMBER, members_only=True))[0] == 201
    assert await refused(links=False) == (422, "links")
    assert await refused(None, guests=False) == (401, "token_missing")
    assert (await refused(repeats=False))[0] == 201
    assert await refused(repeats=False) == (409, "duplicate")
    assert (await refused(BOB, slow_mode_s=60))[0] == 201
    assert await refused(BOB, slow_mode_s=60) == (429, "slow_mode")
    slowed = await raw(world, "POST", f"{V}/comments", BOB, {"text": "again"})
    assert 0 < int(slowed.headers["Retry-After"]) <= 60
    _, me = await world.call("GET", f"{V}/me", BOB)
    assert (me["may_post"], me["code"]) == (False, "slow_mode")
    assert 0 < me["retry_after_s"] <= 60
    assert (await world.call("GET", f"{V}/me", ANN))[1]["may_post"]


async def test_a_ban_and_its_end(world: World) -> None:
    ann = await author_id(world, ANN)
    path = f"{V}/sanctions/{ann}"
    assert await world.call("GET", path, MODERATOR) == (404, "not_found")
    status, said = await world.call("PUT", path, MODERATOR, {"reason": "spam"})
    assert (status, said["until"], said["reason"]) == (200, FOREVER, "spam")
    assert said["by"] == await author_id(world, MODERATOR)
    assert await world.call("GET", path, MODERATOR) == (200, said)
    assert await world.call("GET", f"{V}/sanctions", MODERATOR) == (
        *(200, {"sanctions": [said], "more": False}),
    )
    rest = await world.call("GET", f"{V}/sanctions?after={ann}", MODERATOR)
    assert rest == (200, {"sanctions": [], "more": False})
    wrong = await world.call("GET", f"{V}/sanctions?after=ann", MODERATOR)
    assert wrong == (422, "invalid_field")
    assert await world.call("POST", f"{V}/comments", ANN, {"text": "x"}) == (403, "banned")
    _, me = await world.call("GET", f"{V}/me", ANN)
    assert (me["may_post"], me["code"], me["name"]) == (False, "banned", "Ann")
    assert (await world.call("POST", f"{V}/comments", BOB, {"text": "x"}))[0] == 201
    assert (await world.call("DELETE", path, MODERATOR))[1]["until"] is None
    assert await world.call("GET", path, MODERATOR) == (404, "not_found")
    assert (await world.call("POST", f"{V}/comments", ANN, {"text": "x"}))[0] == 201


async def test_a_timeout_says_for_how_long(world: World) -> None:
    until = (datetime.now(UTC) + timedelta(minutes=5)).isoformat()
    path = f"{V}/sanctions/{await author_id(world, ANN)}"
    assert (await world.call("PUT", path, MODERATOR, {"until": until}))[0] == 200
    refused = await raw(world, "POST", f"{V}/comments", ANN, {"text": "x"})
    assert (refused.status, (await refused.json(content_type=None))["code"]) == (429, "timed_out")
    assert 0 < int(refused.headers["Retry-After"]) <= 300
    for wrong in ("2020-01-01T00:00:00Z", "2030-01-01T00:00:00", "soon", 5, None):
        answer = await world.call("PUT", path, MODERATOR, {"until": wrong})
        assert answer == (422, "invalid_field")


async def test_a_purge_takes_all_that_was_written(world: World) -> None:
    await world.post("secret 1", "secret 2")
    await world.post("kept", token=BOB)
    await world.post("secret 3")
    path = f"{V}/sanctions/{await author_id(world, ANN)}"
    assert (await world.call("PUT", path, MODERATOR, {"purge": True}))[1]["purge"]
    assert await world.texts() == ["kept"]
    _, page = await world.call("GET", f"{V}/entries")
    types = [entry.get("type", "comment") for entry in page["entries"]]
    assert types == ["tombstone", "tombstone", "comment", "tombstone", "sanctioned", "removed"]
    assert page["entries"][5]["targets"] == [1, 2, 4]
    await world.call("PUT", path, MODERATOR, {"purge": True})
    assert (await world.call("GET", f"{V}/entries"))[1]["entries"] == page["entries"]


async def test_a_pin_is_shown_and_taken_off(world: World) -> None:
    (comment,) = await world.post("look at this")
    status, entry = await world.call("PUT", f"{V}/pin", MODERATOR, {"seq": 1})
    assert (status, entry["type"], entry["comment"]) == (200, "pinned", comment)
    status, entry = await world.call("DELETE", f"{V}/pin", MODERATOR)
    assert (status, entry["type"], entry["comment"]) == (200, "pinned", None)
    assert await world.call("PUT", f"{V}/pin", MODERATOR, {"seq": 9}) == (404, "not_found")
    assert (await world.call("PUT", f"{V}/pin", MODERATOR, {"seq": "1"}))[0] == 422


async def test_only_moderators_of_this_video_rule(world: World) -> None:
    ann = await author_id(world, ANN)
    calls: list[tuple[str, str, object]] = [
        ("PATCH", "settings", {"closed": True}),
        ("PUT", "pin", {"seq": 1}),
        ("DELETE", "pin", None),
        ("GET", "sanctions", None),
        ("GET", f"sanctions/{ann}", None),
        ("PUT", f"sanctions/{ann}", {}),
        ("DELETE", f"sanctions/{ann}", None),
    ]
    for method, path, body in calls:
        assert await world.call(method, f"{V}/{path}", None, body) == (401, "token_missing")
        for token in (ANN, OTHER):
            assert await world.call(method, f"{V}/{path}", token, body) == (403, "forbidden")


async def test_nobody_sanctions_an_equal(world: World) -> None:
    await world.post("I moderate", token=MODERATOR)
    path = f"{V}/sanctions/{await author_id(world, MODERATOR)}"
    rival = SIGNER.token(sub="mo-9", name="Rita", **roles(v="moderator"))
    assert await world.call("PUT", path, rival, {}) == (403, "forbidden")
    assert (await world.call("PUT", path, OWNER, {}))[0] == 200
    assert await world.call("DELETE", path, rival) == (403, "forbidden")
    assert await world.call("POST", f"{V}/comments", MODERATOR, {"text": "x"}) == (403, "banned")


# Capitals, a digit, and letters that are Cyrillic, Greek or made for show.
@pytest.mark.parametrize(
    "name", ["MO", "M0", "\u041c\u043e", "M\u043e", "\u039c\u03bf", "\uff2d\uff4f"]
)
async def test_a_look_alike_of_a_moderator_is_refused(world: World, name: str) -> None:
    await world.post("I moderate", token=MODERATOR)
    body = {"author": name, "text": "trust me"}
    assert await world.call("POST", f"{V}/comments", None, body) == (422, "name_reserved")
    named = SIGNER.token(sub="eve-1", name=name)
    refused = await world.call("POST", f"{V}/comments", named, {"text": "trust me"})
    assert refused == (422, "name_reserved")
    _, me = await world.call("GET", f"{V}/me", named)
    assert (me["may_post"], me["code"]) == (False, "name_reserved")
    assert await world.texts() == ["I moderate"]
