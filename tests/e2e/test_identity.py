"""Tokens in a whole cluster, through the gateway and at each writer: the same on every topology."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from typing import Any

import aiohttp

from cluster.cluster import Cluster
from cluster.issuer import DevelopmentIssuer
from cluster.parts import WITH_STORE, Kind
from tests.e2e.contract import watching, writers
from tests.support import eventually
from tests.tokens import Signer
from wire.topology import Topology

TOPOLOGIES = tuple(Topology)
SMALL = True
ANN = {"sub": "ann", "name": "Ann"}
ALL_LINES = 100_000


def minted(cluster: Cluster, life_s: int = 600, moderates: str = "") -> str:
    issuer = DevelopmentIssuer.load(cluster.folder.issuer)
    return issuer.token(ANN, {moderates: ["moderator"]} if moderates else {}, life_s)


def logs_of(cluster: Cluster, *names: str) -> str:
    return "".join(cluster.runtime.log_tail(name, ALL_LINES) for name in names)


async def post(
    cluster: Cluster, session: aiohttp.ClientSession, video: str, token: str, *, at: str = ""
) -> tuple[int, dict[str, Any], str]:
    """Status, body and challenge."""
    base = cluster.url(at, "public") if at else cluster.http_url
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    # Not "ann": where Ann moderates, that name is hers.
    body = {"text": "hi"} if token else {"text": "hi", "author": "bob"}
    url = f"{base}/v1/videos/{video}/comments"
    async with session.post(url, json=body, headers=headers) as reply:
        challenge = reply.headers.get("WWW-Authenticate", "")
        return reply.status, await reply.json(content_type=None), challenge


async def test_a_viewer_sees_who_wrote_it_whichever_writer_took_it(
    cluster: Cluster, session: aiohttp.ClientSession
) -> None:
    video = secrets.token_hex(6)
    token = minted(cluster, moderates=video)
    async with watching(cluster, video) as watch:
        for at in ("", *writers(cluster)):
            assert (await post(cluster, session, video, token, at=at))[0] == 201
        assert (await post(cluster, session, video, ""))[0] == 201
        count = len(writers(cluster)) + 2
        await eventually(lambda: watch.head == count)
    comments = [event.data for event in watch.events if event.type == "comment"]
    plain = comments.pop()
    assert list(plain) == ["id", "video_id", "seq", "author", "text", "created_at"]
    assert len({comment["author_id"] for comment in comments}) == 1
    assert {comment["author"] for comment in comments} == {"Ann"}
    assert all(comment["badges"] == ["moderator"] for comment in comments)


async def test_a_refusal_passes_the_gateway_and_no_token_is_in_a_log(
    cluster: Cluster, session: aiohttp.ClientSession
) -> None:
    video = secrets.token_hex(6)
    good, over, foreign = minted(cluster), minted(cluster, -60), Signer().token()
    assert (await post(cluster, session, video, good))[0] == 201
    for token, code in ((over, "token_expired"), (foreign, "token_invalid")):
        status, problem, challenge = await post(cluster, session, video, token)
        assert (status, problem["code"]) == (401, code)
        assert challenge == 'Bearer error="invalid_token"'
    await eventually(lambda: video in logs_of(cluster, *writers(cluster)))
    parts = {part for token in (good, over, foreign) for part in token.split(".")}
    for part in cluster.parts:
        text = cluster.runtime.log_tail(part.name, ALL_LINES)
        assert not [one for one in parts if one in text], part.name


async def test_a_token_in_a_url_is_none_and_in_no_log(
    cluster: Cluster, session: aiohttp.ClientSession
) -> None:
    """Whoever sends one there all the same does not find it in a log (RFC 6750, section 5.3); also
    where requests fail, which the gateway writes down.
    """
    video, token, body = secrets.token_hex(6), minted(cluster), {"text": "hi", "author": "bob"}
    asked = [
        ("POST", "comments", 201),  # as of somebody without a token
        *(("GET", path, 200) for path in ("comments", "entries", "settings")),
        *(("POST", path, 401) for path in ("tickets", "removals")),
        *(("PATCH", "settings", 401), ("DELETE", "comments/1", 401), ("HEAD", "stream", 200)),
    ]

    async def ask(base: str) -> list[int]:
        found = []
        for method, path, _ in asked:
            url = f"{base}/v1/videos/{video}/{path}?access_token={token}"
            async with session.request(method, url, json=body) as reply:
                found.append(reply.status)
        return found

    for base in (cluster.http_url, *(cluster.url(name, "public") for name in writers(cluster))):
        # A writer has no streams.
        assert (await ask(base))[:-1] == [status for _, _, status in asked[:-1]], base
    for name in writers(cluster):
        await cluster.kill(name)
    async with asyncio.timeout(60):
        # A connection that was open to a container which is gone may end without a reply.
        while True:
            with contextlib.suppress(aiohttp.ClientError):
                assert 503 in await ask(cluster.http_url)
                break
    for name in writers(cluster):
        await cluster.start(name)
    for part in cluster.parts:
        if part.kind in (Kind.HAPROXY, *WITH_STORE):  # these do log such requests
            await eventually(lambda name=part.name: video in logs_of(cluster, name))
        text = logs_of(cluster, part.name)
        assert not [one for one in token.split(".") if one in text], part.name


async def test_a_script_of_an_allowed_origin_may_send_a_token(
    cluster: Cluster, session: aiohttp.ClientSession
) -> None:
    (origin,) = cluster.settings.variables_for("", "")["CORS_ORIGINS"].split(",")
    ask = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    url = f"{cluster.http_url}/v1/videos/v/comments"
    async with session.options(url, headers=ask) as reply:
        assert reply.status == 204
        assert "Authorization" in reply.headers["Access-Control-Allow-Headers"].split(", ")
