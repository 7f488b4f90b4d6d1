"""One video as a client knows it: where it is, what was asked for, and how far its reader is.

Invariants: `cursor` is the place behind the last event that was handed out; only the flow of the
one iterator that runs moves it. It outlives iterators: the next one goes on where the last ended.
"""

from __future__ import annotations

from dataclasses import dataclass

from livecomments_client._core.access import Ticket
from livecomments_client._core.exchange import Context
from livecomments_client._core.ids import EventId, check_video_id
from livecomments_client._core.state import ConnectionState, VideoFacts

MAX_REPLAY = 200  # the server's own bound
MAX_HISTORY = 1_000  # kept in memory until the oldest is known
DEFAULT_FILL = 10_000


@dataclass(frozen=True, slots=True)
class Wishes:
    """How a video is to be read. replay: with how many older comments a stream without a cursor
    begins (at most 200). history: how many comments are read from the store before the first event
    (at most 1,000), instead of a replay. fill: how many entries are fetched at most for one gap.
    """

    replay: int = 20
    history: int = 0
    fill: int = DEFAULT_FILL

    def __post_init__(self) -> None:
        bounds = {"replay": MAX_REPLAY, "history": MAX_HISTORY, "fill": None}
        for name, most in bounds.items():
            value = getattr(self, name)
            if value < 0 or (most is not None and value > most):
                raise ValueError(f"{name} must be from 0 to {most or 'as many as you like'}")


class VideoCore:
    """Raises ValueError for an id, a cursor or wishes that cannot be."""

    def __init__(
        self, context: Context, video_id: str, wishes: Wishes, cursor: str | None = None
    ) -> None:
        self.context = context
        self.id = check_video_id(video_id)
        self.wishes = wishes
        self.cursor = None if cursor is None else EventId.parse(cursor)
        self.ticket = Ticket()
        self.connection = ConnectionState()
        self.facts = VideoFacts()

    def path(self, rest: str) -> str:
        """Of something of this video."""
        return f"/v1/videos/{self.id}/{rest}"
