"""The links to all nodes: made when a node is known, closed when it has gone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence

from dispatcher.metrics import DispatcherMetrics
from service.failpoints import Failpoint, reach
from service.link.flight import Frame
from service.link.link import FAILURES_UNTIL_SMALL, Link, LinkContext
from service.outbox import Dropped, Queued
from wire.encoded_batch import EncodedBatch
from wire.errors import LivecommentsError
from wire.link import Ack
from wire.roles import Peer

CLOSE_AFTER_S = 30.0


class Senders:
    """Owns one link a node. A node without a member znode keeps its link for CLOSE_AFTER_S: it may
    be restarting, and ids that once were members are few. What a broken link held is sent again on
    it; nobody else can take it.
    """

    def __init__(
        self,
        context: LinkContext,
        metrics: DispatcherMetrics,
        on_not_serving: Callable[[str], None],
        *,
        close_after_s: float = CLOSE_AFTER_S,
    ) -> None:
        self._ctx, self._metrics = context, metrics
        self._on_not_serving = on_not_serving
        self._close_after_s = close_after_s
        self._links: dict[str, Link] = {}
        self._gone_since: dict[str, float] = {}

    @property
    def depths(self) -> dict[str, int]:
        """Node id -> batches queued and in flight."""
        return {node_id: link.depth for node_id, link in self._links.items()}

    @property
    def queued_bytes(self) -> int:
        """Bytes in all queues; nodes share batches, so the memory taken is less."""
        return sum(link.outbox.size for link in self._links.values())

    @property
    def connected(self) -> int:
        """Links that are connected."""
        return sum(link.connected for link in self._links.values())

    @property
    def failing(self) -> list[str]:
        """The ids of nodes that have failed several times in a row."""
        return sorted(node_id for node_id, link in self._links.items() if _is_failing(link))

    def set_members(self, peers: Iterable[Peer]) -> None:
        """These are the nodes: each is dialled at once."""
        for peer in peers:
            self._ensure(peer)

    def offer(self, peer: Peer, encoded: EncodedBatch) -> None:
        """Queue a batch for a node; never blocks."""
        link = self._links.get(peer.id)
        if link is None or link.peer is not peer:
            link = self._ensure(peer)
        link.offer(encoded)

    def sweep(self, members: Collection[str]) -> None:
        """Close the links of nodes that have been no members for a while."""
        now = asyncio.get_running_loop().time()
        for node_id in list(self._links):
            if node_id in members:
                self._gone_since.pop(node_id, None)
            elif now - self._gone_since.setdefault(node_id, now) >= self._close_after_s:
                self._close(node_id)

    async def wait_idle(self) -> None:
        """Wait until all nodes that answer have taken everything; bounded by the caller."""
        waits = [link.wait_idle() for link in self._links.values() if not _is_failing(link)]
        await asyncio.gather(*waits)

    def close(self) -> None:
        """Close all links. Idempotent."""
        for node_id in list(self._links):
            self._close(node_id)

    def acked(self, link: Link, frames: Sequence[Frame], ack: Ack) -> None:
        """See LinkOwner."""
        videos: set[str] = set()
        for frame in frames:
            reach(Failpoint.DISPATCHER_AFTER_FORWARD)
            if frame.number not in ack.refused:
                self._metrics.forwarded(frame)
                videos.update(item.encoded.video_id for item in frame.items)
        for video_id in videos.intersection(ack.not_serving):
            self._metrics.not_serving += 1
            self._on_not_serving(video_id)

    def broke(self, link: Link, error: LivecommentsError, unsent: list[Queued]) -> None:
        """See LinkOwner."""
        self._metrics.links_failed += 1
        link.outbox.put_back(unsent)

    def dropped(self, reason: Dropped, batch: EncodedBatch) -> None:
        """See LinkOwner."""
        self._metrics.dropped[reason] += batch.comments

    def _ensure(self, peer: Peer) -> Link:
        link = self._links.get(peer.id)
        if link is None:
            link = self._links[peer.id] = Link(peer, self._ctx, self)
            link.start()
        else:
            link.move(peer)
        return link

    def _close(self, node_id: str) -> None:
        self._links.pop(node_id).close()
        self._gone_since.pop(node_id, None)


def _is_failing(link: Link) -> bool:
    return link.failures >= FAILURES_UNTIL_SMALL
