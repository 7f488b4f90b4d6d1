"""Somebody who asks again and again how many watch: one video after another."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence

from tests.chaos.history import History, Poll
from tests.chaos.http_client import HttpClient
from tests.raw_http import head

EVERY_S = 0.5
_PATIENCE_S = 4.0


class Poller:
    """`run` until it is cancelled. What it was told is in the history."""

    def __init__(self, host: str, port: int, history: History, videos: Sequence[str]) -> None:
        self._client, self._history, self._videos = HttpClient(host, port), history, videos

    async def run(self) -> None:
        """Ask for ever."""
        number = 0
        try:
            while True:
                await self._ask(self._videos[number % len(self._videos)])
                number += 1
                await asyncio.sleep(EVERY_S)
        finally:
            self._client.close()

    async def _ask(self, video_id: str) -> None:
        poll = Poll(video_id, time.monotonic())
        with contextlib.suppress(OSError, EOFError, ValueError, KeyError, TimeoutError):
            request = head("GET", f"/v1/videos/{video_id}/viewers")
            reply = await self._client.call(request, _PATIENCE_S)
            poll.status = reply.status
            if reply.status == 200:
                told = reply.json()
                poll.now, poll.peak = told["now"], told["peak"]
        poll.returned_at = time.monotonic()
        self._history.polls.append(poll)
