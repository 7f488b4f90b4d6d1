"""A single process, and somebody who posts and moderates there."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp

from tests.integration.single.single_process import SingleProcess
from tests.tokens import MODERATOR, Signer

ANN = Signer()
VIDEO = "launch-1"


class Site:
    """Calls go out with a moderator's token."""

    def __init__(self, single: SingleProcess, session: aiohttp.ClientSession) -> None:
        self.single, self._session = single, session
        self.url = f"http://127.0.0.1:{single.public}"
        self._headers = {"Authorization": f"Bearer {ANN.token(**MODERATOR)}"}

    async def call(self, method: str, what: str, **body: Any) -> dict[str, Any]:
        url = f"{self.url}/v1/videos/{VIDEO}/{what}"
        sent = None if method == "GET" else body
        async with self._session.request(method, url, headers=self._headers, json=sent) as reply:
            assert reply.status in (200, 201), await reply.text()
            told: dict[str, Any] = await reply.json()
            return told

    async def post(self, count: int, word: str = "text") -> None:
        for begin in range(0, count, 50):
            posts = (
                self.call("POST", "comments", text=f"{word} {number}")
                for number in range(begin, min(begin + 50, count))
            )
            await asyncio.gather(*posts)

    async def log(self) -> list[dict[str, Any]]:
        head = (await self.call("GET", "entries?limit=1"))["head"]
        epoch = head.partition("-")[0]
        found: list[dict[str, Any]] = []
        while not found or found[-1]["id"] != head:
            after = found[-1]["id"] if found else f"{epoch}-0"
            found += (await self.call("GET", f"entries?limit=200&after={after}"))["entries"]
        return found
