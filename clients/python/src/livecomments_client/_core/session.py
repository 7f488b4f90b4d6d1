"""What one event of the stream means for a reader that has got as far as its cursor.

Invariants: the entries that are given to the reader have rising numbers of one epoch; one that has
come before is dropped; a number that is skipped is reported as missing before what comes after it.
The session moves no cursor: whoever carries its findings out does, one by one.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from livecomments_client._core.decode import (
    Json,
    comment_of,
    entry_of,
    parse_object,
    settings_of,
    viewers_of,
)
from livecomments_client._core.ids import EventId
from livecomments_client._core.sse import SseEvent
from livecomments_client._core.video import VideoCore
from livecomments_client.events import Event, Pinned, Reset, SettingsChanged

_log = logging.getLogger("livecomments_client")
# Not from the server: entries came with a hole between them, which it never sends.
MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Hello:
    """The stream has its place."""


@dataclass(frozen=True, slots=True)
class Bye:
    """The server ends the stream."""

    reason: str


@dataclass(frozen=True, slots=True)
class Deliver:
    """Give it to the reader; `cursor` is then the new one, None: as it was."""

    event: Event | None
    cursor: EventId | None = None


@dataclass(frozen=True, slots=True)
class Missing:
    """Entries `first` to `last` do not come by the stream."""

    first: int
    last: int
    reason: str


Finding = Hello | Bye | Deliver | Missing


def findings(video: VideoCore, event: SseEvent) -> Iterator[Finding]:
    """What to do about an event, in order; carry each out before asking for the next. What cannot
    be understood is logged and skipped.
    """
    try:
        data = parse_object(event.data)
        place = None if event.id is None else EventId.parse(event.id)
        yield from _of(video, event.type, data, place)
    except (KeyError, TypeError, ValueError) as exc:
        _log.warning("event %s of video %s is not understood: %s", event.type, video.id, exc)


def _of(video: VideoCore, kind: str, data: Json, place: EventId | None) -> Iterator[Finding]:
    if kind == "hello":
        yield from _hello(video, place)
    elif kind == "bye":
        yield Bye(str(data["reason"]))
    elif kind == "reset":
        yield Deliver(Reset(str(data["reason"])), place)
    elif kind == "gap":
        yield from _gap(video, data)
    elif kind == "state":
        yield from _state(video, data)
    elif kind == "viewers":
        yield Deliver(viewers_of(data))
    elif place is not None:
        yield from _entry(video, kind, data, place)


def _hello(video: VideoCore, place: EventId | None) -> Iterator[Finding]:
    if place is not None and video.cursor is None:
        yield Deliver(None, place)
    elif place is not None:  # else a reset follows, and says where this stream begins
        yield from _if_of_another_store(video, place)
    yield Hello()


def _gap(video: VideoCore, data: Json) -> Iterator[Finding]:
    seen = 0 if video.cursor is None else video.cursor.seq
    first, last = max(int(data["from"]), seen + 1), int(data["to"])
    if first <= last:
        yield Missing(first, last, str(data["reason"]))


def _state(video: VideoCore, data: Json) -> Iterator[Finding]:
    """Only what is news: it comes with every stream."""
    settings = settings_of(data["settings"])
    if settings != video.facts.settings:
        yield Deliver(SettingsChanged(settings))
    pinned = None if data["pinned"] is None else comment_of(data["pinned"])
    if pinned != video.facts.pinned:
        yield Deliver(Pinned(pinned))
    if (viewers := data.get("viewers")) is not None:
        yield Deliver(viewers_of(viewers))


def _entry(video: VideoCore, kind: str, data: Json, place: EventId) -> Iterator[Finding]:
    yield from _if_of_another_store(video, EventId(place.epoch, place.seq - 1))
    cursor = video.cursor
    if cursor is not None and place.seq <= cursor.seq:
        return  # it has come before
    if cursor is not None and place.seq > cursor.seq + 1:
        yield Missing(cursor.seq + 1, place.seq - 1, MISSING)
    yield Deliver(_decoded(kind, data), place)


def _if_of_another_store(video: VideoCore, place: EventId) -> Iterator[Finding]:
    """Our server says `reset` before it; this is for the case that somebody swallowed that."""
    if video.cursor is not None and video.cursor.epoch != place.epoch:
        yield Deliver(Reset("epoch"), place)


def _decoded(kind: str, data: Any) -> Event | None:
    try:
        return entry_of(kind, data)
    except ValueError as exc:
        _log.warning("an entry %s is not understood: %s", kind, exc)
        return None
