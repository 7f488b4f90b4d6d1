"""Readers and posters of both clients, who do the same: one of each kind watches every fault.

A sync one lives in a thread. What they saw and were told is kept for the judge at the end.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Protocol

from livecomments_client import (
    AsyncClient,
    Client,
    Comment,
    Event,
    Gap,
    Posted,
    Reset,
    State,
    StateChanged,
)
from tests.support import TIMEOUT_FACTOR, eventually

PACE_S = 0.05
PATIENCE_S = 240.0 * TIMEOUT_FACTOR
KINDS = ("async", "sync")


class Reader(Protocol):
    """Who reads one video until it is closed. `failed`: what its iterator raised."""

    video: Any
    events: list[Event]
    failed: Exception | None

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


class AsyncReader:
    """Reads in a task."""

    def __init__(self, url: str, video_id: str, token: Any = None, **wishes: Any) -> None:
        self._client = AsyncClient(url, token=token)
        self.video = self._client.video(video_id, **wishes)
        self.events: list[Event] = []
        self.failed: Exception | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        try:
            async for event in self.video.events():
                self.events.append(event)
        except Exception as exc:
            self.failed = exc

    async def stop(self) -> None:
        await self._client.aclose()
        await asyncio.wait_for(self._task, 30 * TIMEOUT_FACTOR)


class SyncReader:
    """Reads in a thread, which another one closes."""

    def __init__(self, url: str, video_id: str, token: Any = None, **wishes: Any) -> None:
        self._client = Client(url, token=token)
        self.video = self._client.video(video_id, **wishes)
        self.events: list[Event] = []
        self.failed: Exception | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(asyncio.to_thread(self._read))

    def _read(self) -> None:
        try:
            for event in self.video.events():
                self.events.append(event)
        except Exception as exc:
            self.failed = exc

    async def stop(self) -> None:
        self._client.close()
        await asyncio.wait_for(self._task, 30 * TIMEOUT_FACTOR)


READERS: dict[str, type[AsyncReader] | type[SyncReader]] = {
    "async": AsyncReader,
    "sync": SyncReader,
}


@asynccontextmanager
async def readers(
    url: str, video_id: str, *, token: Any = None, **wishes: Any
) -> AsyncIterator[list[Reader]]:
    """One of each kind, both live."""
    both: list[Reader] = [READERS[kind](url, video_id, token, **wishes) for kind in KINDS]
    for reader in both:
        await reader.start()
    try:
        await eventually(lambda: all(is_live(reader) for reader in both))
        yield both
    finally:
        for reader in both:
            await reader.stop()


def is_live(reader: Reader) -> bool:
    if reader.failed is not None:
        raise reader.failed
    return reader.video.state is State.LIVE


class Posters:
    """One of each kind posts, a comment after the other, until it is stopped; each comment is told
    from all others by its text.
    """

    def __init__(self, url: str, video_id: str) -> None:
        self._url, self._video_id = url, video_id
        self._stop = threading.Event()
        self.told: list[Posted] = []

    async def __aenter__(self) -> Posters:
        self._tasks = [
            asyncio.create_task(self._post_async()),
            asyncio.create_task(asyncio.to_thread(self._post_sync)),
        ]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.finish()

    async def wait_for(self, more: int) -> None:
        """Until so many more comments are posted."""
        wanted = len(self.told) + more
        await eventually(lambda: len(self.told) >= wanted, PATIENCE_S)

    async def finish(self) -> None:
        """Stop; each has been told what became of its last one. Raises what a post has raised."""
        self._stop.set()
        await asyncio.gather(*self._tasks)

    async def _post_async(self) -> None:
        async with AsyncClient(self._url) as client:
            video, number = client.video(self._video_id), 0
            while not self._stop.is_set():
                number += 1
                text = f"async {number}"
                posted = await video.post(text, author="ann", timeout=PATIENCE_S)
                self._note(text, posted)
                await asyncio.sleep(PACE_S)

    def _post_sync(self) -> None:
        with Client(self._url) as client:
            video, number = client.video(self._video_id), 0
            while not self._stop.wait(PACE_S):
                number += 1
                text = f"sync {number}"
                self._note(text, video.post(text, author="bob", timeout=PATIENCE_S))

    def _note(self, text: str, posted: object) -> None:
        assert isinstance(posted, Posted)
        assert posted.comment.text == text
        self.told.append(posted)


def comments(events: list[Event]) -> list[Comment]:
    return [event for event in events if isinstance(event, Comment)]


def reasons(events: list[Event]) -> list[str]:
    """Why it was not live any more, each time."""
    changes = [event for event in events if isinstance(event, StateChanged)]
    return [change.reason for change in changes if change.state is State.RECOVERING]


async def judge(url: str, video_id: str, both: list[Reader], posters: Posters) -> None:
    """Each post is stored once, and each reader has got every comment once, in order."""
    stored = await whole_history(url, video_id)
    numbers = [comment.seq for comment in stored]
    assert numbers == list(range(1, len(stored) + 1))
    told = {posted.comment.text: posted.comment for posted in posters.told}
    assert Counter(comment.text for comment in stored) == Counter(list(told))
    assert {comment.text: comment for comment in stored} == told
    for reader in both:
        # A bound method would see the list of the last reader only.
        await eventually(lambda seen=reader: len(comments(seen.events)) >= len(stored), 60)
        assert comments(reader.events) == stored
        assert [event for event in reader.events if isinstance(event, Reset)] == []
        gaps = [event for event in reader.events if isinstance(event, Gap)]
        assert all(gap.filled for gap in gaps)
        assert reader.failed is None


async def whole_history(url: str, video_id: str) -> list[Comment]:
    """All comments, oldest first."""
    async with AsyncClient(url) as client:
        video = client.video(video_id)
        page = await video.history(limit=200)
        found = list(page.items)
        while page.more:
            page = await video.history(before=page.first, limit=200)
            found = [*page.items, *found]
        return found
