"""The client for threads: every call waits for its answer.

A client may be shared by threads; an iterator belongs to one, but any thread may close it.
"""

from __future__ import annotations

import contextlib
import threading
import weakref
from collections.abc import Iterator
from types import TracebackType
from typing import TypeVar

import httpx

from livecomments_client import _http
from livecomments_client._core import calls, verbs
from livecomments_client._core.access import Access, TokenSource
from livecomments_client._core.effects import Flow
from livecomments_client._core.exchange import Context
from livecomments_client._core.video import DEFAULT_FILL, VideoCore, Wishes
from livecomments_client._core.watch import watch
from livecomments_client._facade import VideoView, blocking
from livecomments_client._sync_driver import SyncDriver
from livecomments_client.errors import Closed
from livecomments_client.events import Event

T = TypeVar("T")
CLOSE_WAIT_S = 1.0


class Client:
    """`with Client("https://comments.example.org") as client:`

    token: a token, or a function that returns the next one (or None); it is called with the reason
    ("missing", "expired", "invalid") when one is needed. http: an httpx.Client of yours, for a
    proxy or a certificate authority of your own; you close it. Raises ValueError for a bad `url`.
    """

    def __init__(
        self, url: str, *, token: TokenSource | None = None, http: httpx.Client | None = None
    ) -> None:
        self._base, self._tokens = _http.base_url(url), token
        self._own_http = http is None
        self._http = http or httpx.Client(**_http.client_options())
        self._context = Context(Access(token))
        self._drivers: weakref.WeakSet[SyncDriver] = weakref.WeakSet()
        self._lock = threading.Lock()  # a set that another thread adds to cannot be copied
        self._closed = False

    def video(
        self,
        video_id: str,
        *,
        replay: int = 20,
        history: int = 0,
        cursor: str | None = None,
        fill: int = DEFAULT_FILL,
    ) -> Video:
        """A video to read and to post to; asks nobody. Without a `cursor` reading begins with the
        newest `replay` comments (0 to 200), or `history` ones (to 1,000) of the store. fill: how
        many entries are fetched at most for one gap. Raises ValueError.
        """
        wishes = Wishes(replay, history, fill)
        return Video(self, VideoCore(self._context, video_id, wishes, cursor))

    def close(self) -> None:
        """End all iterators and waiting calls (they raise Closed). From any thread."""
        with self._lock:
            self._closed = True
            drivers = list(self._drivers)
        for driver in drivers:
            driver.interrupt()
        if self._own_http:
            self._http.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _driver(self) -> SyncDriver:
        driver = SyncDriver(self._http, self._base, self._tokens)
        with self._lock:
            if self._closed:
                raise Closed("the client was closed")
            self._drivers.add(driver)
        return driver


class Video(VideoView):
    """One video. `client.video(...)` makes it; only its iterators have to be closed."""

    def __init__(self, client: Client, core: VideoCore) -> None:
        self._client, self._core = client, core
        self.moderation = Moderation(client, core)
        self._newest: weakref.ref[Events] | None = None

    post = blocking(calls.post)
    history = blocking(calls.history)
    entries = blocking(calls.entries)
    comment = blocking(calls.comment)
    me = blocking(calls.me)

    def events(self) -> Events:
        """All that happens from the cursor on, for ever. One iterator of a video object runs at a
        time: the next one ends the one before, and goes on where it was.
        """
        self.close()
        events = Events(self._client._driver(), self._core)
        self._newest = weakref.ref(events)
        return events

    def close(self) -> None:
        """End the iterator, if there is one. From any thread."""
        events = None if self._newest is None else self._newest()
        if events is not None:
            events.close()

    def _run(self, flow: Flow[T]) -> T:
        return self._client._driver().run(flow)


class Moderation:
    """What moderators may do, as `video.moderation`."""

    def __init__(self, client: Client, core: VideoCore) -> None:
        self._client, self._core = client, core

    remove = blocking(verbs.remove)
    restore = blocking(verbs.restore)
    sanction = blocking(verbs.sanction)
    lift = blocking(verbs.lift)
    sanctions = blocking(verbs.sanctions)
    pin = blocking(verbs.pin)
    unpin = blocking(verbs.unpin)
    settings = blocking(verbs.settings)
    update_settings = blocking(verbs.update_settings)
    held = blocking(verbs.held)
    decide = blocking(verbs.decide)
    filters = blocking(verbs.filters)
    set_filters = blocking(verbs.set_filters)
    test_filters = blocking(verbs.test_filters)
    audit = blocking(verbs.audit)

    def _run(self, flow: Flow[T]) -> T:
        return self._client._driver().run(flow)


class Events(Iterator[Event]):
    """The events of one video. `break` ends it, and so does `close` (or `with`)."""

    def __init__(self, driver: SyncDriver, core: VideoCore) -> None:
        self._driver = driver
        self._events = driver.iterate(watch(core))
        self._turn = threading.RLock()  # of the thread that is in the iterator

    def __next__(self) -> Event:
        with self._turn:
            return next(self._events)

    def close(self) -> None:
        """From any thread: one that waits in the iterator gets the change to "closed", then its
        end. Returns when the cursor is final, or after CLOSE_WAIT_S if that thread is connecting.
        """
        self._driver.interrupt()
        if self._turn.acquire(timeout=CLOSE_WAIT_S):
            with contextlib.suppress(ValueError):  # a signal handler, in the thread that is in it
                self._events.close()
            self._turn.release()

    def __enter__(self) -> Events:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
