"""From the commit to the viewers, without a hop: the writer's sink and the node's feed."""

from __future__ import annotations

from collections.abc import Callable

from rtms_node.hub import Hub
from wire.internal import Batch


class HubSink:
    """A `CommentSink` that gives each batch to the hub at once; the hub bounds what it keeps.

    A video that nobody watches has no room, and its comments are simply not wanted here.
    """

    def __init__(self, find_hub: Callable[[], Hub]) -> None:
        """`find_hub` is asked for each batch: sink and hub are built around one another."""
        self._find_hub = find_hub

    @property
    def queued(self) -> int:
        """Nothing is ever queued."""
        return 0

    async def start(self) -> None:
        """Nothing to connect."""

    async def stop(self) -> None:
        """Nothing is ever queued."""

    def offer(self, batch: Batch) -> None:
        """Put the batch into its video's ring and write it to whoever can take it."""
        self._find_hub().ingest(batch)


class NoFeed:
    """A `Feed` that announces nothing: every comment of this process passes this process."""

    def subscribe(self, video_id: str) -> None:
        """Nobody needs to know."""

    def unsubscribe(self, video_id: str) -> None:
        """Nobody needs to know."""
