"""A client that posts comments, and tries again with the same key until it knows; and that reads
whole histories. What it may conclude from each answer is written down with the call.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from typing import Any

from tests.chaos.history import Call, Outcome, Post
from tests.chaos.http_client import HttpClient, post_request
from tests.chaos.traffic import Intent
from tests.raw_http import Reply

_RETRY_AFTER_S = (0.2, 2.0)  # doubled from the first to the longest
_NOT_STORED = ("overloaded", "unavailable")  # codes of a 503 that promise it


class Commenter:
    """Any number of posts at a time, over a few keep-alive connections."""

    def __init__(self, host: str, port: int) -> None:
        self._client = HttpClient(host, port)

    async def send(self, post: Post, wish: Intent) -> bool:
        """Make the calls of one post; whether it was acked."""
        body = {"author": wish.author, "text": wish.text, **wish.extra}
        request = post_request(post.video_id, post.key, body)
        give_up_at = time.monotonic() + wish.retry_for_s
        pause_s, longest_s = _RETRY_AFTER_S
        while True:
            call = await self._call(post, request, wish.timeout_s)
            settled = call.outcome is Outcome.ACKED or 400 <= call.status < 500
            if settled or time.monotonic() >= give_up_at:
                break
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, longest_s)
        acked = call.outcome is Outcome.ACKED
        if acked and wish.again:
            await self._call(post, request, wish.timeout_s)
        return acked

    async def read_history(self, video_id: str) -> list[dict[str, Any]]:
        """All comments of a video, oldest first."""
        path = f"/v1/videos/{video_id}/comments"
        head = (await self._client.get(f"{path}?limit=1"))["head"]
        found: list[dict[str, Any]] = []
        after = f"{head.partition('-')[0]}-0"
        while after != head:
            page = await self._client.get(f"{path}?limit=200&after={after}")
            if not page["comments"]:
                break
            found += page["comments"]
            after = found[-1]["id"]
        return found

    def close(self) -> None:
        """Close the connections that are idle."""
        self._client.close()

    async def _call(self, post: Post, request: bytes, timeout_s: float) -> Call:
        call = Call(time.monotonic(), math.inf, timeout_s)
        post.calls.append(call)
        with contextlib.suppress(OSError, EOFError, ValueError, TimeoutError):
            reply = await self._client.call(request, timeout_s)
            _conclude(call, reply)
        call.returned_at = time.monotonic()
        return call


def _conclude(call: Call, reply: Reply) -> None:
    """What a client may conclude from a reply that came whole."""
    call.status = reply.status
    if reply.status in (200, 201):
        call.answer = reply.json()
        call.outcome = Outcome.ACKED
    elif reply.status < 500 or (reply.status == 503 and reply.json()["code"] in _NOT_STORED):
        call.outcome = Outcome.REFUSED
