"""How flows become methods of clients: arguments, text and deeds are the flow's.

`blocking(flow)` and `awaiting(flow)` make a method of a flow whose first argument is the video.
Type checkers see its other arguments, and its result, to be awaited or not.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from livecomments_client._core.effects import Flow
from livecomments_client._core.video import VideoCore
from livecomments_client.events import Comment, Settings, State, Viewers

P = ParamSpec("P")
T = TypeVar("T")


class Blocking(Protocol):
    """Whatever runs flows by waiting."""

    _core: VideoCore

    def _run(self, flow: Flow[T]) -> T: ...


class Awaiting(Protocol):
    """Whatever runs flows on an event loop."""

    _core: VideoCore

    def _run(self, flow: Flow[T]) -> Awaitable[T]: ...


def blocking(
    flow: Callable[Concatenate[VideoCore, P], Flow[T]],
) -> Callable[Concatenate[Blocking, P], T]:
    """The method that returns the flow's result."""

    def method(self: Blocking, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self._run(flow(self._core, *args, **kwargs))

    functools.update_wrapper(method, flow)  # as a decorator it would hide the type from mypy
    return method


def awaiting(
    flow: Callable[Concatenate[VideoCore, P], Flow[T]],
) -> Callable[Concatenate[Awaiting, P], Awaitable[T]]:
    """The method whose result is awaited."""

    def method(self: Awaiting, /, *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]:
        return self._run(flow(self._core, *args, **kwargs))

    functools.update_wrapper(method, flow)  # as a decorator it would hide the type from mypy
    return method


class VideoView:
    """What a video object knows without asking the server. It changes while its events are read."""

    _core: VideoCore

    @property
    def id(self) -> str:
        """The video's id."""
        return self._core.id

    @property
    def cursor(self) -> str | None:
        """Behind the last event that was handed out; keep it to go on there, in another process
        too. None before the first stream has begun.
        """
        return None if self._core.cursor is None else str(self._core.cursor)

    @property
    def state(self) -> State:
        """How the newest iterator stands."""
        return self._core.connection.state

    @property
    def reason(self) -> str:
        """Why it stands so; also of the last attempt to connect."""
        return self._core.connection.reason

    @property
    def settings(self) -> Settings | None:
        """The rules, as far as they have come; None for a video that has none, or not yet."""
        return self._core.facts.settings

    @property
    def pinned(self) -> Comment | None:
        """What is shown above the others."""
        return self._core.facts.pinned

    @property
    def viewers(self) -> Viewers | None:
        """How many watch; None while it is not known."""
        return self._core.facts.viewers

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id} {self.state} {self.cursor}>"
