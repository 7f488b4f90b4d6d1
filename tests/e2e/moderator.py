"""Somebody who moderates one video of a cluster, whatever happens to it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp

from cluster.cluster import Cluster
from cluster.issuer import DevelopmentIssuer
from cluster.parts import Kind
from tests.support import TIMEOUT_FACTOR

PATIENCE_S = 60 * TIMEOUT_FACTOR
RESTED_S = 0.1


class Moderator:
    """Calls with a token that counts for one video, each until it is answered: the same call again
    does no harm.
    """

    def __init__(self, cluster: Cluster, session: aiohttp.ClientSession, video_id: str) -> None:
        issuer = DevelopmentIssuer.load(cluster.folder.issuer)
        token = issuer.token({"sub": "mo", "name": "Mo"}, {video_id: ["moderator"]}, 600)
        self._headers = {"Authorization": f"Bearer {token}"}
        self._cluster, self._session = cluster, session
        self._base = f"/v1/videos/{video_id}"

    async def remove(self, seq: int) -> dict[str, Any]:
        return await self.call("DELETE", f"/comments/{seq}")

    async def restore(self, seq: int) -> dict[str, Any]:
        return await self.call("POST", f"/comments/{seq}/restore")

    async def read(self, path: str, *, at: str = Kind.HAPROXY) -> tuple[int, str]:
        """Status and text, also of what anybody may read."""
        base = self._cluster.http_url if at == Kind.HAPROXY else self._cluster.url(at, "public")
        async with self._session.get(base + self._base + path) as reply:
            return reply.status, await reply.text()

    async def log(self) -> list[dict[str, Any]]:
        """The whole log, by pages."""
        found: list[dict[str, Any]] = []
        cursor = json.loads((await self.read("/entries?limit=1"))[1])["head"].split("-")[0] + "-0"
        more = True
        while more:
            page = json.loads((await self.read(f"/entries?limit=200&after={cursor}"))[1])
            found += page["entries"]
            cursor, more = page["last"], page["more"]
        return found

    async def call(
        self, method: str, path: str, body: object = None, *, at: str = Kind.HAPROXY
    ) -> dict[str, Any]:
        """The reply of a call that must be granted, in the end."""
        base = self._cluster.http_url if at == Kind.HAPROXY else self._cluster.url(at, "public")
        async with asyncio.timeout(PATIENCE_S):
            while True:
                try:
                    reply = await self._call(method, base + self._base + path, body)
                except (aiohttp.ClientError, TimeoutError):
                    reply = None
                if reply is not None:
                    return reply
                await asyncio.sleep(RESTED_S)

    async def _call(self, method: str, url: str, body: object) -> dict[str, Any] | None:
        asked = self._session.request(method, url, json=body, headers=self._headers)
        async with asked as reply:
            assert reply.status in (200, 500, 502, 503, 504), await reply.text()
            if reply.status != 200:
                return None
            found: dict[str, Any] = await reply.json()
            return found
