"""Comments at a steady pace, and when each of them was acknowledged."""

from __future__ import annotations

import asyncio
import itertools
import time
from uuid import uuid4

import aiohttp

from tests.clients.judge import Posted

_TEXTS = (
    "grüße 🎉",
    "a line\nand another",
    "line \u2028 and paragraph \u2029",
    'data: : {"x": 1}',
    "plain",
)
_PACE_S = 0.2
_AGAIN_AFTER_S = 0.1


class Posts:
    """All to one video, one after the other; `acked` has them by number."""

    def __init__(self, gateway: str, video_id: str) -> None:
        self.acked: dict[int, Posted] = {}
        self._url = f"{gateway}/v1/videos/{video_id}/comments"
        self._going = asyncio.Event()
        self._going.set()

    async def run(self) -> None:
        """Until cancelled."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
            for number in itertools.count(1):
                await self._going.wait()
                await self._post(session, f"{_TEXTS[number % len(_TEXTS)]} {number}")
                await asyncio.sleep(_PACE_S)

    async def more(self, count: int) -> None:
        """Until so many more are acknowledged."""
        wanted = len(self.acked) + count
        while len(self.acked) < wanted:
            await asyncio.sleep(_PACE_S / 2)

    async def quiet(self, seconds: float) -> None:
        """None for so long."""
        self._going.clear()
        await asyncio.sleep(seconds)
        self._going.set()

    def stop(self) -> None:
        """No more of them."""
        self._going.clear()

    async def _post(self, session: aiohttp.ClientSession, text: str) -> None:
        headers = {"Idempotency-Key": uuid4().hex}
        while True:
            try:
                body = {"author": "ann", "text": text}
                async with session.post(self._url, json=body, headers=headers) as reply:
                    if reply.status in (200, 201):
                        comment = await reply.json()
                        self.acked[comment["seq"]] = Posted(time.time(), text)
                        return
            except (aiohttp.ClientError, TimeoutError):
                pass
            await asyncio.sleep(_AGAIN_AFTER_S)
