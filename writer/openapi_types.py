"""Types that exist for the description of the API only; tests hold them to what is really sent."""

from __future__ import annotations

import msgspec

from wire.comment import Comment
from wire.sse import ByeReason, GapReason, ResetReason


class HistoryPage(msgspec.Struct, frozen=True):
    """A page of a video's history, oldest first. `head`: id of the newest comment."""

    comments: tuple[Comment, ...]
    head: str


class HelloEvent(msgspec.Struct, frozen=True):
    """Data of `hello`. `head` is the id of the newest comment."""

    video_id: str
    node_id: str
    epoch: str
    head: str


class GapEvent(msgspec.Struct, frozen=True, rename={"first": "from", "last": "to"}):
    """Data of `gap`: the comments `from` to `to` are missing here."""

    first: int
    last: int
    reason: GapReason


class ResetEvent(msgspec.Struct, frozen=True):
    """Data of `reset`."""

    reason: ResetReason


class ByeEvent(msgspec.Struct, frozen=True):
    """Data of `bye`."""

    reason: ByeReason
