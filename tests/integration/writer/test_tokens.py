"""Posts with tokens: a real listener, a real https server of keys; every refusal is a problem with
its code.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from identity.authenticator import Authenticator
from identity.author_id import AuthorIds
from identity.claims import TokenRules
from identity.config import Anonymous
from identity.key_ring import KeyRing, KeyTimes
from identity.key_source import KeyUrl
from identity.tokens import TokenVerifier
from tests.integration.writer.public_api import PublicApi
from tests.jwks_server import JwksServer
from tests.support import started
from tests.tokens import (
    AUDIENCE,
    ISSUER,
    SITE_KEY,
    Signer,
    base64url,
    hmac_token,
    jwks,
    raw_token,
    roles,
)

ED, RSA = Signer("ed", "EdDSA"), Signer("rsa", "RS256")
ANN = AuthorIds(SITE_KEY).find(ISSUER, "ann-1")
TIMES = KeyTimes(every_s=1e6, unknown_every_s=30.0, kept_s=1000.0)


class World:
    """A writer's public side and an issuer. `now` is the clock of the keys."""

    def __init__(self, folder: Path, anonymous: Anonymous) -> None:
        self.folder, self.anonymous, self.now = folder, anonymous, 5000.0
        self.issuer = JwksServer(folder)
        self.issuer.reply = jwks(ED, RSA)

    async def start(self) -> None:
        await self.issuer.start()
        self.source = KeyUrl(self.issuer.url, self.issuer.ca_file, deadline_s=60)
        self.ring = KeyRing(self.source, TIMES, clock=lambda: self.now)
        verifier = TokenVerifier(self.ring, TokenRules(ISSUER, AUDIENCE), AuthorIds(SITE_KEY))
        self.authenticator = Authenticator(verifier, self.anonymous)
        self.api = PublicApi(self.folder / "c.db", authenticator=self.authenticator)
        await self.api.start()
        await self.authenticator.start(self.api.tasks)

    async def stop(self) -> None:
        await self.api.stop()
        await self.authenticator.stop()
        await self.issuer.stop()

    async def post(
        self, token: str | None = None, *, key: str = "", video: str = "v", **body: Any
    ) -> tuple[int, dict[str, Any]]:
        """Status and body; a problem has been checked for what every problem has."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        return await self.send(body, headers | ({"Idempotency-Key": key} if key else {}), video)

    async def send(
        self, body: object, headers: Any, video: str = "v"
    ) -> tuple[int, dict[str, Any]]:
        path = f"/v1/videos/{video}/comments"
        async with self.api.client.post(path, json=body, headers=headers) as reply:
            document = await reply.json(content_type=None)
            if reply.status >= 400:
                assert reply.content_type == "application/problem+json"
                assert document["status"] == reply.status
            challenge = reply.headers.get("WWW-Authenticate", "")
            assert challenge.startswith("Bearer") == (reply.status == 401)
            return reply.status, document

    async def refused(self, token: str, detail: str = "") -> tuple[int, str]:
        status, document = await self.post(token, text="hi")
        assert detail in document.get("detail", "")
        assert token not in json.dumps(document)
        return status, document["code"]

    def count(self, code: str) -> float:
        labels = {"code": code}
        found = self.api.registry.get_sample_value("livecomments_requests_refused_total", labels)
        return found or 0.0


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with started(World(tmp_path, Anonymous.NOBODY)) as world:
        yield world


async def test_the_author_is_the_tokens_name(world: World) -> None:
    for body in (
        {"text": "hi"},
        {"text": "hi", "author": "Ann"},
        {"text": "hi", "author": " Ann "},
    ):
        status, comment = await world.post(ED.token(), **body)
        assert status == 201
        assert list(comment) == [
            *("id", "video_id", "seq", "author", "text", "created_at", "author_id")
        ]
        assert (comment["author"], comment["author_id"]) == ("Ann", ANN)


async def test_nobody_posts_under_another_name(world: World) -> None:
    for author in ("Bob", "ann", "\u0410nn", ""):
        status, document = await world.post(ED.token(), text="hi", author=author)
        assert (status, document["code"], document["field"]) == (422, "invalid_field", "author")


@pytest.mark.parametrize("field", ["author_id", "badges", "guest"])
async def test_no_body_says_what_only_a_token_proves(world: World, field: str) -> None:
    status, document = await world.post(ED.token(), text="hi", **{field: ANN})
    assert (status, document["field"]) == (422, field)


async def test_a_name_in_a_token_is_no_tower_of_marks(world: World) -> None:
    status, document = await world.post(ED.token(name="Z" + "\u0301" * 9), text="hi")
    assert (status, document["code"], document["field"]) == (422, "marks", "author")


async def test_badges_are_those_of_the_video(world: World) -> None:
    token = ED.token(**{"lc.roles": {"v*": ["moderator", "member"], "v1": ["owner"]}})
    badges = [
        (await world.post(token, video=v, text="x"))[1].get("badges") for v in ("v1", "v2", "w")
    ]
    assert badges == [["owner", "moderator"], ["moderator"], None]


async def test_a_token_without_a_name_cannot_post(world: World) -> None:
    status, document = await world.post(ED.token(name=None), text="hi", author="Ann")
    assert (status, document["code"], document["field"]) == (422, "invalid_field", "author")


async def test_a_post_needs_a_token(world: World) -> None:
    status, document = await world.post(text="hi", author="ann")
    assert (status, document["code"]) == (401, "token_missing")
    status, document = await world.send(
        {"text": "x", "author": "a"}, {"Authorization": "Basic YTpi"}
    )
    assert (status, document["code"]) == (401, "token_missing")
    assert world.count("token_missing") == 2


@pytest.mark.parametrize("name", ["access_token", "token", "authorization"])
async def test_a_token_in_a_url_is_none(world: World, name: str) -> None:
    """URLs are in logs and histories, so nobody should get used to it (RFC 6750, section 5.3)."""
    path = f"/v1/videos/v/comments?{name}={ED.token()}"
    async with world.api.client.post(path, json={"text": "hi", "author": "Ann"}) as reply:
        document = await reply.json(content_type=None)
    assert (reply.status, document["code"]) == (401, "token_missing")


async def test_guests_are_marked_where_they_may_post(tmp_path: Path) -> None:
    async with started(World(tmp_path, Anonymous.GUESTS)) as world:
        status, comment = await world.post(text="hi", author="ann")
        assert (status, comment["guest"], "author_id" in comment) == (201, True, False)
        assert "guest" not in (await world.post(ED.token(), text="hi"))[1]


async def test_where_tokens_are_optional_one_that_is_sent_counts(tmp_path: Path) -> None:
    async with started(World(tmp_path, Anonymous.ANYBODY)) as world:
        _, comment = await world.post(text="hi", author="ann")
        assert list(comment) == ["id", "video_id", "seq", "author", "text", "created_at"]
        assert (await world.post(ED.token(), text="hi"))[1]["author_id"] == ANN
        assert await world.refused(ED.token(exp=1)) == (401, "token_expired")


async def test_where_there_are_no_keys_a_token_is_refused(tmp_path: Path) -> None:
    async with started(PublicApi(tmp_path / "c.db")) as api:
        headers, body = {"Authorization": f"Bearer {ED.token()}"}, {"text": "hi", "author": "Ann"}
        async with api.client.post("/v1/videos/v/comments", json=body, headers=headers) as reply:
            assert (reply.status, (await reply.json(content_type=None))["code"]) == (
                401,
                "token_invalid",
            )


async def test_a_retry_with_a_renewed_token_is_the_same_comment(world: World) -> None:
    first = await world.post(ED.token(), key="k", text="hi")
    again = await world.post(ED.token(**roles(v="moderator")), key="k", text="hi", author="Ann")
    assert (first[0], again[0]) == (201, 200)
    assert again[1] == first[1]


async def test_a_key_of_another_person_of_the_same_name_is_refused(world: World) -> None:
    assert (await world.post(ED.token(), key="k", text="hi"))[0] == 201
    status, document = await world.post(ED.token(sub="ann-2"), key="k", text="hi")
    assert (status, document["code"]) == (422, "idempotency_key_reused")


CLAIMS = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ann-1", "iat": 1, "exp": 2**40, "name": "Ann"}
# What everybody knows of a key, as the secret of another algorithm.
PUBLIC = RSA.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
HOSTILE = {
    "none": raw_token({"alg": "none", "kid": "ed"}, CLAIMS, b""),
    "none, no key": raw_token({"alg": "none"}, CLAIMS),
    "swapped": hmac_token(PUBLIC, "rsa"),
    "another key": Signer("ed", "EdDSA").token(),
    "another algorithm": ED.token({"kid": "rsa"}),
    "unknown kid": Signer("nobody").token(),
    "foreign aud": ED.token(aud="other"),
    "foreign iss": ED.token(iss="https://other.example"),
    "not yet valid": ED.token(nbf=2**40),
    "issued later": ED.token(iat=2**40),
    "no sub": ED.token(sub=None),
    "no exp": ED.token(exp=None),
    "no iat": ED.token(iat=None),
    "jku": ED.token({"jku": "https://evil.example/keys"}),
    "jwk": ED.token({"jwk": ED.public}),
    "x5u": ED.token({"x5u": "https://evil.example/cert"}),
    "crit": ED.token({"crit": ["b64"], "b64": True}),
    "5 KiB": ED.token(x="y" * 5000),
    "garbage": "a.b.c",
    "not base64": "!!.!!.!!",
    "encrypted": ".".join(base64url(secrets.token_bytes(9)) for _ in range(5)),
    "unknown role": ED.token(**roles(v="god")),
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_token_is_invalid(world: World, name: str) -> None:
    assert await world.refused(HOSTILE[name]) == (401, "token_invalid")
    assert world.count("token_invalid") == 1
    assert world.api.sink.batches == []


async def test_an_expired_token_is_told_so(world: World) -> None:
    assert await world.refused(ED.token(exp=1)) == (401, "token_expired")
    assert world.count("token_expired") == 1


@pytest.mark.parametrize("second", ["Bearer x", "Basic YTpi", ""])
async def test_two_authorization_headers_are_refused(world: World, second: str) -> None:
    headers = [("Authorization", f"Bearer {ED.token()}"), ("Authorization", second)]
    status, document = await world.send({"text": "hi"}, headers)
    assert (status, document["code"]) == (401, "token_invalid")


async def test_a_thousand_unknown_keys_cost_one_fetch(world: World) -> None:
    assert (await world.post(ED.token(), text="hi"))[0] == 201
    world.now += 30
    tokens = [raw_token({"alg": "EdDSA", "kid": f"k{number}"}, CLAIMS) for number in range(1000)]
    for start in range(0, 1000, 50):
        posts = [world.post(token, text="hi") for token in tokens[start : start + 50]]
        for status, document in await asyncio.gather(*posts):
            assert (status, document["code"]) == (401, "token_invalid")
    assert world.issuer.fetches == 2
    assert world.count("token_invalid") == 1000


async def test_keys_that_change_under_load_cut_nobody_off(world: World) -> None:
    """The new key is used from the moment that it is published; the old one counts beside it."""
    new = Signer("new")
    before, after = ED.token(), new.token()
    assert (await world.post(after, text="hi"))[0] == 401
    world.now += 30
    world.issuer.reply = jwks(ED, RSA, new)
    posts = [world.post(token, text="hi") for token in [before, after] * 50]
    assert {status for status, _ in await asyncio.gather(*posts)} == {201}
    assert world.issuer.fetches == 2
    world.now += 30
    world.issuer.reply = jwks(new)
    assert await world.refused(Signer("other").token()) == (401, "token_invalid")
    assert await world.refused(before) == (401, "token_invalid")
    assert (await world.post(after, text="hi"))[0] == 201


@pytest.mark.parametrize("fault", ["down", "slow", "huge", "redirecting", "broken", "junk"])
async def test_known_keys_count_while_their_server_is_ill(world: World, fault: str) -> None:
    token, unknown = ED.token(), Signer("new").token()
    assert (await world.post(token, text="hi"))[0] == 201
    await cause(world.issuer, fault)
    world.source._deadline_s = 0.5 if fault == "slow" else 60
    world.now += 30
    assert await world.refused(unknown) == (503, "keys_unavailable")
    assert (await world.post(token, text="hi"))[0] == 201
    assert (await world.post(RSA.token(), text="hi"))[0] == 201
    assert world.authenticator.problem is not None
    world.now += 1000
    assert await world.refused(token) == (503, "keys_unavailable")
    assert world.count("keys_unavailable") == 2


async def cause(issuer: JwksServer, fault: str) -> None:
    if fault == "down":
        await issuer.stop()
    elif fault == "slow":
        issuer.gate.clear()
    elif fault == "huge":
        issuer.reply = issuer.reply + b" " * (256 * 1024)
    elif fault == "redirecting":
        issuer.status, issuer.headers = 302, {"Location": issuer.url}
    elif fault == "broken":
        issuer.status = 500
    else:
        issuer.reply = b"<html>"
