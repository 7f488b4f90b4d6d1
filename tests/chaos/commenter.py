"""A client that posts comments, and tries again with the same key until it knows or is refused; and
that reads whole logs. What it may conclude from each answer is written down with the call.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import Callable, Sequence
from typing import Any

from tests.chaos.history import Call, Outcome, Post
from tests.chaos.http_client import HttpClient, post_request
from tests.chaos.members import Member
from tests.chaos.traffic import Intent
from tests.raw_http import Reply

_RETRY_AFTER_S = (0.2, 2.0)  # doubled from the first to the longest
_NOT_STORED = ("overloaded", "unavailable")  # codes of a 503 that promise it


class Commenter:
    """Any number of posts at a time, over a few keep-alive connections."""

    def __init__(self, host: str, port: int, members: Sequence[Member] = ()) -> None:
        self._client = HttpClient(host, port)
        self._members = {member.author_id: member for member in members}

    async def send(self, post: Post, wish: Intent) -> bool:
        """Make the calls of one post; whether it was acked."""
        request = self._request(post, wish)
        give_up_at = time.monotonic() + wish.retry_for_s
        pause_s, longest_s = _RETRY_AFTER_S
        while True:
            call = await self.call(post.calls, request, wish.timeout_s, _conclude)
            taken = call.outcome in (Outcome.ACKED, Outcome.HELD)
            settled = taken or 400 <= call.status < 500
            if settled or time.monotonic() >= give_up_at:
                break
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, longest_s)
        acked = call.outcome is Outcome.ACKED
        if acked and wish.again:
            await self.repeat(post, wish)
        return acked

    async def repeat(self, post: Post, wish: Intent) -> None:
        """Send a post once more, whatever became of it."""
        await self.call(post.calls, self._request(post, wish), wish.timeout_s, _conclude)

    async def read_log(self, video_id: str) -> list[dict[str, Any]]:
        """All entries of a video, oldest first."""
        path = f"/v1/videos/{video_id}/entries"
        head = (await self._client.get(f"{path}?limit=1"))["head"]
        found: list[dict[str, Any]] = []
        after, more = f"{head.partition('-')[0]}-0", True
        while more:
            page = await self._client.get(f"{path}?limit=200&after={after}")
            found += page["entries"]
            after, more = page["last"], page["more"]
        return found

    def close(self) -> None:
        """Close the connections that are idle."""
        self._client.close()

    async def call(
        self,
        calls: list[Call],
        request: bytes,
        timeout_s: float,
        conclude: Callable[[Call, Reply], None],
    ) -> Call:
        """One call, noted in `calls` as soon as it begins. `conclude` is given a whole reply."""
        call = Call(time.monotonic(), math.inf, timeout_s)
        calls.append(call)
        with contextlib.suppress(OSError, EOFError, ValueError, TimeoutError):
            reply = await self._client.call(request, timeout_s)
            conclude(call, reply)
        call.returned_at = time.monotonic()
        return call

    def _request(self, post: Post, wish: Intent) -> bytes:
        body = {"author": post.author, "text": wish.text, **wish.extra}
        member = self._members.get(post.author_id)
        return post_request(post.video_id, post.key, body, *([member.header] if member else ()))


def code_of(reply: Reply) -> str:
    """The code of a problem, "" if it says none."""
    with contextlib.suppress(ValueError, KeyError, TypeError):
        return str(reply.json()["code"])
    return ""


def _conclude(call: Call, reply: Reply) -> None:
    """What a client may conclude from a reply that came whole."""
    call.status = reply.status
    if reply.status in (200, 201):
        call.answer = reply.json()
        call.outcome = Outcome.ACKED
        return
    if reply.status == 202:
        call.answer, call.outcome = reply.json(), Outcome.HELD
        return
    call.code = code_of(reply)
    if reply.status < 500 or (reply.status == 503 and call.code in _NOT_STORED):
        call.outcome = Outcome.REFUSED
