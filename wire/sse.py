"""Server-Sent Events as text (WHATWG HTML, section 9.2), the events of our stream and nothing else.

Every function returns one whole frame, ending with its blank line: a browser drops a half frame at
the end of a stream, so a frame that carries an `id:` moves the cursor if and only if its data
arrived too. Every frame is an event with data, since many clients hand even an empty one to their
caller: `retry:` is a line of the first or the last event, and a heartbeat is a comment line that
ends no event. Data is one line of JSON; CR and LF can only be inside JSON strings, where they are
escaped.
"""

from __future__ import annotations

import random
from enum import StrEnum

import msgspec

from wire.entry import entry_type
from wire.ids import EventId

# Events are UTF-8 by the standard; clients for HTTP in general take text without a charset for
# Latin-1.
CONTENT_TYPE = "text/event-stream; charset=utf-8"
HEARTBEAT = b": hb\n"
RETRY_MS = (1_000, 3_000)
DRAIN_RETRY_MS = (100, 500)
# A page fetches another ticket and needs no such time; one that was forgotten comes back for ever.
EXPIRED_RETRY_MS = (5_000, 15_000)


class ByeReason(StrEnum):
    """Why the server closes a stream."""

    DRAIN = "drain"
    SLOW = "slow"
    SHED = "shed"
    UNAVAILABLE = "unavailable"
    EXPIRED = "expired"  # the ticket that the stream was opened with


class GapReason(StrEnum):
    """Why comments are missing from a stream."""

    LIMIT = "limit"  # more than a replay may hold
    MEMORY = "memory"  # no longer in this node's memory, and the viewer too far behind
    RETENTION = "retention"  # no longer in the store


class ResetReason(StrEnum):
    """Why a cursor could not be used."""

    MALFORMED = "malformed"
    EPOCH = "epoch"
    AHEAD = "ahead"


_BYE_RETRY_MS = {ByeReason.DRAIN: DRAIN_RETRY_MS, ByeReason.EXPIRED: EXPIRED_RETRY_MS}


def entry_frame(epoch: str, seq: int, raw: bytes) -> bytes:
    """An entry's event, from its public JSON; ValueError if `raw` is not one line."""
    # Not `in`: that tries whether the line end is a number first, which takes twice as long.
    if raw.find(b"\n") >= 0 or raw.find(b"\r") >= 0:
        raise ValueError("a comment must be one line")
    name = entry_type(raw)
    return b"id: %s-%d\nevent: %s\ndata: %s\n\n" % (epoch.encode(), seq, name.encode(), raw)


def hello_frame(
    video_id: str, node_id: str, start: EventId, head: int, *, with_id: bool = True
) -> bytes:
    """The first event of a stream. `start` is where this stream begins, never the head. It carries
    the reconnection time.
    """
    head_id = str(EventId(start.epoch, head))
    data = {"video_id": video_id, "node_id": node_id, "epoch": start.epoch, "head": head_id}
    return retry_line(RETRY_MS) + _frame("hello", data, start if with_id else None)


def state_frame(settings: object, pinned: bytes, viewers: tuple[int, int] | None = None) -> bytes:
    """Under which rules the video is when a stream begins. It has no id: it moves no cursor.
    pinned: the public JSON of a comment, or null. viewers: as for `viewers_frame`, if known.
    """
    data = {"settings": settings, "pinned": msgspec.Raw(pinned)}
    if viewers is not None:
        data["viewers"] = _viewers(*viewers)
    return _frame("state", data, None)


def viewers_frame(now: int, peak: int) -> bytes:
    """How many watch the video, on all nodes, and the most there were. It has no id."""
    return _frame("viewers", _viewers(now, peak), None)


def gap_frame(epoch: str, first: int, last: int, reason: GapReason) -> bytes:
    """Comments `first` to `last` (inclusive) are missing here; the cursor moves past them."""
    return _frame("gap", {"from": first, "to": last, "reason": reason}, EventId(epoch, last))


def reset_frame(start: EventId, reason: ResetReason) -> bytes:
    """The cursor that the viewer sent is unusable; `start` is where the stream begins instead."""
    return _frame("reset", {"reason": reason}, start)


def bye_frame(
    reason: ByeReason, cursor: EventId | None = None, *, opening: bytes | None = None
) -> bytes:
    """The last event of a stream. It moves no cursor: it has no id, or the one that the viewer came
    with. cursor: that one, if the stream has shown no id yet; some clients forget theirs when a new
    stream ends without one.

    opening: the lines with the reconnection time and the id, where somebody else knows them.
    """
    if opening is None:
        opening = retry_line(_BYE_RETRY_MS.get(reason, RETRY_MS))
    return opening + _frame("bye", {"reason": reason}, cursor)


def retry_line(bounds_ms: tuple[int, int]) -> bytes:
    """The reconnection time, drawn anew for each viewer so that they do not return at once: a line
    to begin a frame with.
    """
    return b"retry: %d\n" % random.randint(*bounds_ms)  # noqa: S311 - jitter, not a secret


def _viewers(now: int, peak: int) -> dict[str, int]:
    return {"now": now, "peak": peak}


def _frame(event: str, data: object, event_id: EventId | None) -> bytes:
    head = b"id: %s\n" % str(event_id).encode() if event_id else b""
    return b"%sevent: %s\ndata: %s\n\n" % (head, event.encode(), msgspec.json.encode(data))
