"""A steady load on a cluster: comments at a fixed rate, viewers that resume, all recorded.

One process carries it: viewers are raw protocols, posts go over a few keep-alive connections.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
import secrets
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from tests.chaos.event_source import Events, EventSource
from tests.chaos.history import Call, History, Outcome, Post, Trouble, Watch
from tests.chaos.http_client import HttpClient, post_request
from tests.chaos.traffic import Intent, Shape, intent, video_of_viewer
from tests.e2e.raw_http import Reply
from tests.support import TIMEOUT_FACTOR, eventually

# Posts under way; beyond that the load skips some. More would only be a second fault: clients that
# retry by the thousand while the system is trying to recover.
MOST_WAITING = 300
CONNECT_AT_ONCE = 50
_TICK_S = 0.01
_RETRY_AFTER_S = (0.2, 2.0)  # doubled from the first to the longest
_NOT_STORED = ("overloaded", "unavailable")  # codes of a 503 that promise it


class Load:
    """`async with Load(url, shape)` starts it; `finish` ends the run and returns its history.

    seed: decides every post; prefix: of the video ids, by chance if not given.
    """

    def __init__(
        self, url: str, shape: Shape | None = None, *, seed: str = "0", prefix: str = ""
    ) -> None:
        self.shape = shape or Shape()
        self._seed = seed
        self._dice = random.Random(f"{seed}/churn")
        prefix = prefix or secrets.token_hex(3)
        self.videos = [f"{prefix}-{number}" for number in range(self.shape.videos)]
        self.history = History()
        parts = urlsplit(url)
        assert parts.hostname is not None
        assert parts.port is not None
        self._host, self._port = parts.hostname, parts.port
        self._client = HttpClient(self._host, self._port)
        self._events = Events()
        self._viewers: dict[Watch, asyncio.Task[None]] = {}
        self._posts: set[asyncio.Task[None]] = set()
        self._loops: list[asyncio.Task[None]] = []
        self.skipped = 0
        self.acked = 0

    async def __aenter__(self) -> Load:
        for number in range(self.shape.viewers):
            self.watch(self.videos[video_of_viewer(number, self.shape)])
            if number % CONNECT_AT_ONCE == 0:
                await asyncio.sleep(_TICK_S)
        watches = self.history.watches
        await eventually(lambda: all(watch.place is not None for watch in watches), 30)
        self.history.began_at = time.monotonic()
        self._loops.append(asyncio.create_task(self._post_on()))
        if self.shape.churn_s:
            self._loops.append(asyncio.create_task(self._churn()))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        tasks = [*self._loops, *self._posts, *self._viewers.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._client.close()

    def watch(self, video_id: str, cursor: str = "") -> Watch:
        """One more viewer, from now on."""
        watch = Watch(video_id, f"viewer {len(self.history.watches)}", cursor)
        self.history.watches.append(watch)
        query = f"?last_event_id={cursor}" if cursor else ""
        source = EventSource(self._host, self._port, watch, query, self._events)
        self._viewers[watch] = asyncio.create_task(source.run())
        return watch

    async def leave(self, watch: Watch) -> None:
        """This viewer closes its page."""
        watch.left_at = time.monotonic()
        task = self._viewers.pop(watch)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    @asynccontextmanager
    async def trouble(self, name: str, bound_s: float) -> AsyncIterator[None]:
        """What is done inside is a fault; `bound_s` after the end nothing may be felt of it."""
        began_at = time.monotonic()
        yield
        ended_at = time.monotonic()
        self.history.troubles.append(Trouble(name, began_at, ended_at, bound_s * TIMEOUT_FACTOR))

    async def wait_for_posts(self, count: int, timeout_s: float = 30) -> None:
        """Wait until `count` more comments have been acknowledged. A run that is too slow has no
        load and must not count as passed: then this raises AssertionError.
        """
        target = self.acked + count
        await eventually(lambda: self.acked >= target, timeout_s)

    async def finish(self, settle_s: float = 20) -> History:
        """Stop posting, read what is stored, wait until every viewer has it."""
        for task in self._loops:
            task.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)
        self.history.ended_at = time.monotonic()
        await asyncio.gather(*self._posts)
        await self._read_histories(self.videos)
        with contextlib.suppress(AssertionError):  # the judge says who is missing what
            await eventually(self._all_seen, settle_s)
        # A call that its client had given up may have been carried out after the reading.
        ahead = {watch.video_id for watch in self._staying() if self._missing(watch) < 0}
        if ahead:
            await self._read_histories(ahead)
            with contextlib.suppress(AssertionError):
                await eventually(self._all_seen, settle_s)
        return self.history

    def _all_seen(self) -> bool:
        return all(self._missing(watch) <= 0 for watch in self._staying())

    def _staying(self) -> Iterator[Watch]:
        return (watch for watch in self.history.watches if watch.left_at is None)

    def _missing(self, watch: Watch) -> int:
        """How many stored comments it has not seen; below 0: it has seen more."""
        return len(self.history.stored[watch.video_id]) - watch.head

    async def _churn(self) -> None:
        """Viewers of the quiet videos come and go, so that registrations do too."""
        while len(self.videos) > 1:
            await asyncio.sleep(self.shape.churn_s)
            going = [watch for watch in self._viewers if watch.video_id != self.videos[0]]
            if going:
                await self.leave(self._dice.choice(going))
                self.watch(self._dice.choice(self.videos[1:]))

    async def _post_on(self) -> None:
        began, count, last = time.monotonic(), 0, time.monotonic()
        while True:
            now = time.monotonic()
            self.history.lag_s = max(self.history.lag_s, now - last - _TICK_S)
            last = now
            due = int((now - began) * self.shape.rate)
            while count < due:
                count += 1
                if len(self._posts) >= MOST_WAITING:
                    self.skipped += 1
                    continue
                task = asyncio.create_task(self._post(intent(self._seed, count, self.shape)))
                self._posts.add(task)
                task.add_done_callback(self._posts.discard)
            await asyncio.sleep(_TICK_S)

    async def _post(self, wish: Intent) -> None:
        post = Post(self.videos[wish.video], wish.key, wish.author, wish.text)
        self.history.posts.append(post)
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
        if call.outcome is Outcome.ACKED:
            self.acked += 1
            if wish.again:
                await self._call(post, request, wish.timeout_s)

    async def _call(self, post: Post, request: bytes, timeout_s: float) -> Call:
        call = Call(time.monotonic(), math.inf, timeout_s)
        post.calls.append(call)
        with contextlib.suppress(OSError, EOFError, ValueError, TimeoutError):
            reply = await self._client.call(request, timeout_s)
            _conclude(call, reply)
        call.returned_at = time.monotonic()
        return call

    async def _read_histories(self, video_ids: Iterable[str]) -> None:
        for video_id in video_ids:
            self.history.stored[video_id] = await self._read_history(video_id)

    async def _read_history(self, video_id: str) -> list[dict[str, Any]]:
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


def _conclude(call: Call, reply: Reply) -> None:
    """What a client may conclude from a reply that came whole."""
    call.status = reply.status
    if reply.status in (200, 201):
        call.answer = reply.json()
        call.outcome = Outcome.ACKED
    elif reply.status < 500 or (reply.status == 503 and reply.json()["code"] in _NOT_STORED):
        call.outcome = Outcome.REFUSED
