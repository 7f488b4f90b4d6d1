"""Types of the events of a stream, as `writer.openapi.types`."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from wire.sse import ByeReason, GapReason, ResetReason
from writer.openapi.fields import Epoch, Head, VideoId, enum_meta, seq_meta
from writer.openapi.rule_types import VideoSettings
from writer.openapi.types import Comment, Viewers


class HelloEvent(msgspec.Struct, frozen=True):
    """Data of the event `hello`."""

    video_id: VideoId
    node_id: Annotated[str, Meta(description="The process that serves it", examples=["node-1"])]
    epoch: Epoch
    head: Head


class StateEvent(msgspec.Struct, frozen=True):
    """Data of the event `state`: under which rules the video is when the stream begins."""

    settings: VideoSettings
    pinned: Comment | None
    viewers: Viewers | UnsetType = UNSET  # while it is not known it is left out


class GapEvent(msgspec.Struct, frozen=True, rename={"first": "from", "last": "to"}):
    """Data of the event `gap`: the comments `from` to `to` will not come on this stream."""

    first: Annotated[int, seq_meta("The first number that is missing", 4)]
    last: Annotated[int, seq_meta("The last number that is missing", 8)]
    reason: Annotated[str, enum_meta("Why", GapReason)]


class ResetEvent(msgspec.Struct, frozen=True):
    """Data of the event `reset`: the cursor is void; discard the comments shown before."""

    reason: Annotated[str, enum_meta("Why", ResetReason)]


class ByeEvent(msgspec.Struct, frozen=True):
    """Data of the event `bye`, the last one: reconnect with the last id that was seen."""

    reason: Annotated[str, enum_meta("Why", ByeReason)]
