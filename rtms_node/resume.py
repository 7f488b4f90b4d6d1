"""Where a stream starts: a plain decision from the cursor, the epoch and the head."""

from __future__ import annotations

from dataclasses import dataclass

from wire.ids import parse_event_id
from wire.sse import ResetReason

MAX_REPLAY_ASKED = 200
DEFAULT_REPLAY = 20


@dataclass(frozen=True, slots=True)
class Start:
    """`seq`: the stream shows what comes after it. `reset`: the cursor was unusable, and why."""

    seq: int
    reset: ResetReason | None = None


def needs_fresh_head(cursor: str | None, epoch: str, head: int) -> bool:
    """Whether `cursor` can only be judged by the store: it names another epoch, or a number beyond
    the head known here. Our knowledge may lag behind the node that the viewer comes from.
    """
    event_id = parse_event_id(cursor) if cursor else None
    return event_id is not None and (event_id.epoch != epoch or event_id.seq > head)


def asked_number(cursor: str | None) -> int:
    """The number in a cursor, 0 if there is none."""
    event_id = parse_event_id(cursor) if cursor else None
    return event_id.seq if event_id else 0


def choose_start(cursor: str | None, replay: int, epoch: str, head: int) -> Start:
    """Where to start, with `epoch` and `head` as the store just told them if they matter.

    An empty cursor counts as none: a native EventSource that has no id yet sends no header at all,
    but proxies and hand-written clients send an empty one.
    """
    fresh = max(head - replay, 0)
    if not cursor:
        return Start(fresh)
    event_id = parse_event_id(cursor)
    if event_id is None:
        return Start(fresh, ResetReason.MALFORMED)
    if event_id.epoch != epoch:
        return Start(fresh, ResetReason.EPOCH)
    if event_id.seq > head:
        return Start(fresh, ResetReason.AHEAD)
    return Start(event_id.seq)
