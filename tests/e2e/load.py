"""A steady load on a cluster: comments at a fixed rate, viewers that resume, all recorded."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from tests.e2e.event_source import EventSource
from tests.e2e.history import History, Outcome, Post, Watch
from tests.support import eventually

POST_TIMEOUT_S = 5.0
RETRY_FOR_S = 15.0
MOST_WAITING = 500


class Load:
    """`async with Load(url, ...)` starts it; `finish` ends the run and returns its history.

    A post that fails is tried again with its key until `RETRY_FOR_S` have gone by.
    """

    def __init__(self, url: str, *, viewers: int = 200, videos: int = 8, rate: float = 100) -> None:
        self._url, self._rate = url, rate
        prefix = secrets.token_hex(3)
        self.videos = [f"{prefix}-{number}" for number in range(videos)]
        self.history = History()
        host, port = urlsplit(url).hostname, urlsplit(url).port
        assert host is not None
        assert port is not None
        self.viewers = []
        for number in range(viewers):
            watch = Watch(self.videos[number % videos])
            self.history.watches.append(watch)
            self.viewers.append(EventSource(host, port, watch))
        self._tasks: set[asyncio.Task[None]] = set()
        self._posting: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Load:
        connector = aiohttp.TCPConnector(limit=0)
        timeout = aiohttp.ClientTimeout(total=POST_TIMEOUT_S)
        self._session = aiohttp.ClientSession(connector=connector, timeout=timeout)
        self._watching = [asyncio.create_task(viewer.run()) for viewer in self.viewers]
        watches = self.history.watches
        await eventually(lambda: all(watch.place is not None for watch in watches))
        self._posting = asyncio.create_task(self._post_on())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        tasks = [*self._watching, *self._tasks, *([self._posting] if self._posting else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._session.close()

    def acked(self) -> int:
        """Comments acknowledged so far."""
        return sum(post.outcome is Outcome.ACKED for post in self.history.posts)

    async def wait_for_posts(self, count: int, timeout_s: float = 30) -> None:
        """Wait until `count` more comments have been acknowledged. A run that is too slow has no
        load and must not count as passed: then this raises AssertionError.
        """
        target = self.acked() + count
        await eventually(lambda: self.acked() >= target, timeout_s)

    async def finish(self, settle_s: float = 20) -> History:
        """Stop posting, wait until every viewer is at the head, read what is stored."""
        assert self._posting is not None
        self._posting.cancel()
        await asyncio.gather(self._posting, return_exceptions=True)
        await asyncio.gather(*self._tasks)
        for video_id in self.videos:
            self.history.stored[video_id] = await self._read_history(video_id)
        with contextlib.suppress(AssertionError):  # the judge says who is missing what
            await eventually(self._all_at_head, settle_s)
        return self.history

    def _all_at_head(self) -> bool:
        stored = self.history.stored
        return all(len(stored[watch.video_id]) == watch.head for watch in self.history.watches)

    async def _post_on(self) -> None:
        began, count = time.monotonic(), 0
        while True:
            due = int((time.monotonic() - began) * self._rate)
            while count < due:
                count += 1
                if len(self._tasks) < MOST_WAITING:
                    task = asyncio.create_task(self._post(count))
                    self._tasks.add(task)
                    task.add_done_callback(self._tasks.discard)
            await asyncio.sleep(0.01)

    async def _post(self, number: int) -> None:
        video_id = self.videos[number % len(self.videos)]
        key = secrets.token_hex(8)
        post = Post(video_id, key, f"comment {number} {key}", time.monotonic())
        self.history.posts.append(post)
        while post.outcome is Outcome.UNKNOWN:
            with contextlib.suppress(aiohttp.ClientError, TimeoutError, OSError):
                await self._try(post)
            post.returned_at = time.monotonic()
            if (
                post.outcome is not Outcome.UNKNOWN
                or post.returned_at > post.invoked_at + RETRY_FOR_S
            ):
                return
            await asyncio.sleep(0.2)

    async def _try(self, post: Post) -> None:
        url = f"{self._url}/v1/videos/{post.video_id}/comments"
        body = {"author": "load", "text": post.text}
        async with self._session.post(
            url, json=body, headers={"Idempotency-Key": post.key}
        ) as reply:
            if reply.status in (200, 201):
                post.replies.append(await reply.json())
                post.outcome = Outcome.ACKED
            elif reply.status < 500:
                post.outcome = Outcome.REFUSED

    async def _read_history(self, video_id: str) -> list[dict[str, Any]]:
        url = f"{self._url}/v1/videos/{video_id}/comments"
        async with self._session.get(url, params={"limit": 1}) as reply:
            page = await reply.json()
        epoch, _, _ = page["head"].partition("-")
        found: list[dict[str, Any]] = []
        after = f"{epoch}-0"
        while after != page["head"]:
            async with self._session.get(url, params={"limit": 200, "after": after}) as reply:
                page = await reply.json()
            if not page["comments"]:
                break
            found += page["comments"]
            after = found[-1]["id"]
        return found
