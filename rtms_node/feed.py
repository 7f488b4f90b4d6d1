"""How a node tells the rest of the system which videos it serves."""

from __future__ import annotations

from typing import Protocol


class Feed(Protocol):
    """Subscribes to videos. Neither call blocks or raises; both take effect later, for each video
    in the order of the calls. A stream never waits for them: until a subscription is known to the
    others, anti-entropy checks deliver.
    """

    def subscribe(self, video_id: str) -> None:
        """This node has a viewer of the video."""

    def unsubscribe(self, video_id: str) -> None:
        """The last viewer left a while ago."""
