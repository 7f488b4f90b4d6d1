"""The client for asyncio."""

from __future__ import annotations

import weakref
from collections.abc import AsyncIterator
from types import TracebackType
from typing import TypeVar

import httpx

from livecomments_client import _http
from livecomments_client._async_driver import AsyncDriver
from livecomments_client._core import calls, verbs
from livecomments_client._core.access import Access, AsyncTokenSource
from livecomments_client._core.effects import Flow
from livecomments_client._core.exchange import Context
from livecomments_client._core.video import DEFAULT_FILL, VideoCore, Wishes
from livecomments_client._core.watch import watch
from livecomments_client._facade import VideoView, awaiting
from livecomments_client.errors import Closed
from livecomments_client.events import Event

T = TypeVar("T")


class AsyncClient:
    """`async with AsyncClient("https://comments.example.org") as client:`

    token: a token, or a function (a coroutine function too) that returns the next one or None; it
    is called with the reason ("missing", "expired", "invalid") when one is needed. http: an
    httpx.AsyncClient of yours, for a proxy or a certificate authority of your own; you close it.
    Raises ValueError for a bad `url`.
    """

    def __init__(
        self,
        url: str,
        *,
        token: AsyncTokenSource | None = None,
        http: httpx.AsyncClient | None = None,
    ) -> None:
        self._base, self._tokens = _http.base_url(url), token
        self._own_http = http is None
        self._http = http or httpx.AsyncClient(**_http.client_options())
        self._context = Context(Access(token))
        self._drivers: weakref.WeakSet[AsyncDriver] = weakref.WeakSet()
        self._closed = False

    def video(
        self,
        video_id: str,
        *,
        replay: int = 20,
        history: int = 0,
        cursor: str | None = None,
        fill: int = DEFAULT_FILL,
    ) -> AsyncVideo:
        """A video to read and to post to; asks nobody. Without a `cursor` reading begins with the
        newest `replay` comments (0 to 200), or `history` ones (to 1,000) of the store. fill: how
        many entries are fetched at most for one gap. Raises ValueError.
        """
        wishes = Wishes(replay, history, fill)
        return AsyncVideo(self, VideoCore(self._context, video_id, wishes, cursor))

    async def aclose(self) -> None:
        """End all iterators and waiting calls (they raise Closed)."""
        self._closed = True
        for driver in list(self._drivers):
            driver.interrupt()
        if self._own_http:
            await self._http.aclose()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    def _driver(self) -> AsyncDriver:
        if self._closed:
            raise Closed("the client was closed")
        driver = AsyncDriver(self._http, self._base, self._tokens)
        self._drivers.add(driver)
        return driver


class AsyncVideo(VideoView):
    """One video. `client.video(...)` makes it; only its iterators have to be closed."""

    def __init__(self, client: AsyncClient, core: VideoCore) -> None:
        self._client, self._core = client, core
        self.moderation = AsyncModeration(client, core)
        self._newest: weakref.ref[AsyncEvents] | None = None

    post = awaiting(calls.post)
    history = awaiting(calls.history)
    entries = awaiting(calls.entries)
    comment = awaiting(calls.comment)
    me = awaiting(calls.me)

    def events(self) -> AsyncEvents:
        """All that happens from the cursor on, for ever. One iterator of a video object runs at a
        time: the next one ends the one before, and goes on where it was.
        """
        before = None if self._newest is None else self._newest()
        if before is not None:
            before.interrupt()
        events = AsyncEvents(self._client._driver(), self._core)
        self._newest = weakref.ref(events)
        return events

    async def aclose(self) -> None:
        """End the iterator, if there is one."""
        events = None if self._newest is None else self._newest()
        if events is not None:
            await events.aclose()

    async def _run(self, flow: Flow[T]) -> T:
        return await self._client._driver().run(flow)


class AsyncModeration:
    """What moderators may do, as `video.moderation`."""

    def __init__(self, client: AsyncClient, core: VideoCore) -> None:
        self._client, self._core = client, core

    remove = awaiting(verbs.remove)
    restore = awaiting(verbs.restore)
    sanction = awaiting(verbs.sanction)
    lift = awaiting(verbs.lift)
    sanctions = awaiting(verbs.sanctions)
    pin = awaiting(verbs.pin)
    unpin = awaiting(verbs.unpin)
    settings = awaiting(verbs.settings)
    update_settings = awaiting(verbs.update_settings)
    held = awaiting(verbs.held)
    decide = awaiting(verbs.decide)
    filters = awaiting(verbs.filters)
    set_filters = awaiting(verbs.set_filters)
    test_filters = awaiting(verbs.test_filters)
    audit = awaiting(verbs.audit)

    async def _run(self, flow: Flow[T]) -> T:
        return await self._client._driver().run(flow)


class AsyncEvents(AsyncIterator[Event]):
    """The events of one video. Use it as `async with video.events() as events:` where a loop may be
    left before its end: then its connection is closed at once, not when Python collects it.
    """

    def __init__(self, driver: AsyncDriver, core: VideoCore) -> None:
        self._driver = driver
        self._events = driver.iterate(watch(core))
        self._running = False

    async def __anext__(self) -> Event:
        self._running = True
        try:
            return await anext(self._events)
        finally:
            self._running = False

    def interrupt(self) -> None:
        """As `aclose`, without waiting: a task that waits in the iterator gets the change to
        "closed", then its end.
        """
        self._driver.interrupt()

    async def aclose(self) -> None:
        """End it; from any task of the same event loop."""
        self._driver.interrupt()
        if not self._running:  # else the task that is in it ends it
            await self._events.aclose()

    async def __aenter__(self) -> AsyncEvents:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()
