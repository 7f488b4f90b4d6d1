"""Somebody with a token, who posts to videos of a cluster and may want all of it erased."""

from __future__ import annotations

import asyncio
import secrets
import time
from typing import Any

import aiohttp

from cluster.cluster import Cluster
from cluster.issuer import DevelopmentIssuer
from tests.e2e.moderator import PATIENCE_S, RESTED_S, UNREACHED

ERASED_WITHIN_S = 60.0


class Author:
    """On one video. Of the same `name` it is the same author on others."""

    def __init__(
        self, cluster: Cluster, session: aiohttp.ClientSession, video_id: str, name: str = ""
    ) -> None:
        issuer = DevelopmentIssuer.load(cluster.folder.issuer)
        self.name = name or f"ann-{secrets.token_hex(4)}"
        token = issuer.token({"sub": self.name, "name": self.name}, {}, 600)
        self._headers = {"Authorization": f"Bearer {token}"}
        self._cluster, self._session = cluster, session
        self._path = f"/v1/videos/{video_id}"

    async def post(self, text: str, key: str = "", *, at: str = "") -> tuple[int, dict[str, Any]]:
        base = self._cluster.url(at, "public") if at else self._cluster.http_url
        headers = self._headers | ({"Idempotency-Key": key} if key else {})
        if at:  # it may be killed and started before the next call
            headers["Connection"] = "close"
        url = f"{base}{self._path}/comments"
        async with self._session.post(url, json={"text": text}, headers=headers) as reply:
            return reply.status, await reply.json(content_type=None)

    async def until_told(self, text: str, key: str, *, at: str = "") -> tuple[int, dict[str, Any]]:
        """The same, until it is stored, held or refused for good or a while."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                try:
                    status, body = await self.post(text, key, at=at)
                except UNREACHED:
                    status, body = 0, {}
                if 200 <= status < 500:
                    return status, body
                await asyncio.sleep(RESTED_S)

    async def author_id(self) -> str:
        url = f"{self._cluster.http_url}{self._path}/me"
        async with self._session.get(url, headers=self._headers) as reply:
            return str((await reply.json())["author_id"])

    async def erase(self) -> float:
        """Ask for it, and wait until it is done. For how long."""
        url, body = f"{self._cluster.http_url}/v1/erasures", {"author_id": await self.author_id()}
        asked_at = time.monotonic()
        async with self._session.post(url, json=body, headers=self._headers) as reply:
            assert reply.status == 202, await reply.text()
        async with asyncio.timeout(ERASED_WITHIN_S):
            while not await self._erased(f"{url}/{body['author_id']}"):
                await asyncio.sleep(RESTED_S)
        return time.monotonic() - asked_at

    async def _erased(self, url: str) -> bool:
        async with self._session.get(url, headers=self._headers) as reply:
            return reply.status == 200 and bool((await reply.json())["done"])
