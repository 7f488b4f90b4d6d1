"""Somebody who moderates one video of a cluster, whatever happens to it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp

from cluster.cluster import Cluster
from cluster.errors import ClusterError
from cluster.issuer import DevelopmentIssuer
from cluster.parts import Kind
from tests.support import TIMEOUT_FACTOR

# A container that was killed has no address until it is started again.
UNREACHED = (aiohttp.ClientError, ClusterError, TimeoutError)
PATIENCE_S = 150 * TIMEOUT_FACTOR  # an emulator on a busy machine is slow
RESTED_S = 0.1
_NOT_YET = (0, 500, 502, 503, 504)


class Moderator:
    """Calls with a token that counts for one video, each until it is answered: the same call again
    does no harm. `at`: a writer, or the gateway.
    """

    def __init__(
        self, cluster: Cluster, session: aiohttp.ClientSession, video_id: str, name: str = "Mo"
    ) -> None:
        issuer = DevelopmentIssuer.load(cluster.folder.issuer)
        roles = {video_id: ["moderator"]}
        token = issuer.token({"sub": name.lower(), "name": name}, roles, 600)
        self._headers = {"Authorization": f"Bearer {token}"}
        self._cluster, self._session = cluster, session
        self._base = f"/v1/videos/{video_id}"

    async def remove(self, seq: int) -> dict[str, Any]:
        return await self.call("DELETE", f"/comments/{seq}")

    async def restore(self, seq: int) -> dict[str, Any]:
        return await self.call("POST", f"/comments/{seq}/restore")

    async def read(self, path: str, *, at: str = Kind.HAPROXY) -> tuple[int, str]:
        """Status and text of what anybody may read, without the token; repeated as `ask`."""
        return await self._until_answered("GET", path, None, at, {})

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
        status, text = await self.ask(method, path, body, at=at)
        assert status == 200, text
        found: dict[str, Any] = json.loads(text)
        return found

    async def ask(
        self, method: str, path: str, body: object = None, *, at: str = Kind.HAPROXY
    ) -> tuple[int, str]:
        """Status and text of the first answer that is not "try again"."""
        return await self._until_answered(method, path, body, at, self._headers)

    async def _until_answered(
        self, method: str, path: str, body: object, at: str, headers: dict[str, str]
    ) -> tuple[int, str]:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                try:
                    status, text = await self._ask(method, self._url(path, at), body, headers)
                except UNREACHED:
                    status, text = 0, ""
                if status not in _NOT_YET:
                    return status, text
                await asyncio.sleep(RESTED_S)

    async def _ask(
        self, method: str, url: str, body: object, headers: dict[str, str]
    ) -> tuple[int, str]:
        # Whoever is asked may be killed and started before the next call.
        headers = headers | {"Connection": "close"}
        async with self._session.request(method, url, json=body, headers=headers) as reply:
            return reply.status, await reply.text()

    def _url(self, path: str, at: str) -> str:
        cluster = self._cluster
        base = cluster.http_url if at == Kind.HAPROXY else cluster.url(at, "public")
        return base + self._base + path
