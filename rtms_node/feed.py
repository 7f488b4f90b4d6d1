"""How a node tells the rest of the system which videos it serves."""

from __future__ import annotations

from typing import Protocol


class Feed(Protocol):
    """Announces interest in videos. Neither call blocks or raises; both take effect later, in the
    order given for each video. A stream never waits for them: until a video is announced the
    anti-entropy check delivers.
    """

    def subscribe(self, video_id: str) -> None:
        """This node has a viewer of the video."""

    def unsubscribe(self, video_id: str) -> None:
        """The last viewer left a while ago."""
