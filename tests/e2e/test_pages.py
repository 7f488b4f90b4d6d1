"""The pages through the gateway: what it forwards, and what it leaves as it is."""

from __future__ import annotations

import asyncio
import re

import aiohttp
import pytest

from cluster.cluster import Cluster

TOPOLOGIES = ("dispatcher", "single")
SMALL = True


async def test_the_gateway_forwards_pages_and_all_their_files(
    cluster: Cluster, session: aiohttp.ClientSession
) -> None:
    async with session.get(f"{cluster.http_url}/embed/v1") as reply:
        assert (reply.status, reply.headers["Vary"]) == (200, "Origin, Accept-Encoding")
        assert (
            "frame-ancestors 'self' http://localhost:*" in reply.headers["Content-Security-Policy"]
        )
        text = await reply.text()
    paths = sorted(set(re.findall(r'(?:href|src)="(/assets/[^"]+)"', text)))
    assert any(path.endswith("/embed.joined.js") for path in paths)

    async def fetch(path: str) -> tuple[int, str | None]:
        async with session.get(f"{cluster.http_url}{path}") as reply:
            await reply.read()
            return reply.status, reply.headers.get("X-Served-By")

    served = set(await asyncio.gather(*map(fetch, paths)))
    assert len(served) == 1, "all of them by one process"
    assert served.pop()[0] == 200


async def test_the_address_by_itself_says_what_there_is(
    cluster: Cluster, session: aiohttp.ClientSession
) -> None:
    async with session.get(f"{cluster.http_url}/") as reply:
        assert (reply.status, reply.content_type) == (200, "text/html")
        links = re.findall(r'<a href="([^"]+)"', await reply.text())
    assert {"/embed/v1", "/moderate/v1", "/openapi.json"} <= set(links)
    for path in (*links, "/favicon.ico"):
        async with session.get(f"{cluster.http_url}{path}") as reply:
            assert reply.status == 200, path


@pytest.mark.parametrize("path", ["/embed", "/moderate/", "/assets/gone.js", "/embedded/v1"])
async def test_other_paths_are_not_there(
    cluster: Cluster, session: aiohttp.ClientSession, path: str
) -> None:
    async with session.get(f"{cluster.http_url}{path}") as reply:
        assert (reply.status, (await reply.json())["code"]) == (404, "not_found")
