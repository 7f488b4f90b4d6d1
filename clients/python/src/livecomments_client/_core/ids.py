"""Names of videos, and ids of events: `<epoch>-<seq>`."""

from __future__ import annotations

import re
from typing import NamedTuple

_VIDEO_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_EVENT_ID = re.compile(r"([a-z0-9]{12})-(0|[1-9][0-9]{0,14})")


class EventId(NamedTuple):
    """A place in a video's log: behind entry `seq` of the store `epoch`; 0 is the beginning."""

    epoch: str
    seq: int

    def __str__(self) -> str:
        return f"{self.epoch}-{self.seq}"

    @classmethod
    def parse(cls, text: str) -> EventId:
        """Raises ValueError."""
        match = _EVENT_ID.fullmatch(text)
        if match is None:
            raise ValueError(f"this is no event id: {text!r}")
        return cls(match[1], int(match[2]))


def check_video_id(video_id: str) -> str:
    """The id, if it is one. Raises ValueError."""
    if _VIDEO_ID.fullmatch(video_id) is None:
        raise ValueError("a video id has 1 to 64 of A-Z, a-z, 0-9, _ and -")
    return video_id
