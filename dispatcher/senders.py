"""The senders of all nodes: made when a node is first forwarded to, closed when it has gone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection

from dispatcher.encoded_batch import EncodedBatch
from dispatcher.metrics import DispatcherMetrics
from dispatcher.sender import NodeSender, Post, SenderConfig
from service.tasks import TaskHome
from wire.roles import Peer

CLOSE_AFTER_S = 30.0


class Senders:
    """Owns one sender a node. A node without a member znode keeps its sender for CLOSE_AFTER_S: it
    may be restarting, and ids that once were members are few.
    """

    def __init__(
        self,
        post: Post,
        tasks: TaskHome,
        metrics: DispatcherMetrics,
        on_not_serving: Callable[[str], None],
        *,
        config: SenderConfig | None = None,
        close_after_s: float = CLOSE_AFTER_S,
    ) -> None:
        self._post = post
        self._tasks = tasks
        self._metrics = metrics
        self._on_not_serving = on_not_serving
        self._config = config or SenderConfig()
        self._close_after_s = close_after_s
        self._senders: dict[str, NodeSender] = {}
        self._gone_since: dict[str, float] = {}

    @property
    def depths(self) -> dict[str, int]:
        """Node id -> batches queued and in flight."""
        return {node_id: sender.depth for node_id, sender in self._senders.items()}

    @property
    def queued_bytes(self) -> int:
        """Bytes in all queues; nodes share batches, so the memory taken is less."""
        return sum(sender.queued_bytes for sender in self._senders.values())

    @property
    def failing(self) -> list[str]:
        """The ids of nodes that have failed several times in a row."""
        return sorted(node_id for node_id, sender in self._senders.items() if sender.failing)

    def offer(self, peer: Peer, encoded: EncodedBatch) -> None:
        """Queue a batch for a node; never blocks."""
        sender = self._senders.get(peer.id)
        if sender is None:
            sender = self._open(peer)
        sender.offer(peer, encoded)

    def sweep(self, members: Collection[str]) -> None:
        """Close the senders of nodes that have been no members for a while."""
        now = time.monotonic()
        for node_id in list(self._senders):
            if node_id in members:
                self._gone_since.pop(node_id, None)
            elif now - self._gone_since.setdefault(node_id, now) >= self._close_after_s:
                self._close(node_id)

    async def wait_idle(self) -> None:
        """Wait until all nodes that answer have been sent everything; bounded by the caller."""
        waits = [sender.wait_idle() for sender in self._senders.values() if not sender.failing]
        await asyncio.gather(*waits)

    def close(self) -> None:
        """Close all senders. Idempotent."""
        for node_id in list(self._senders):
            self._close(node_id)

    def _open(self, peer: Peer) -> NodeSender:
        sender = NodeSender(peer, self._post, self._config, self._metrics, self._on_not_serving)
        self._senders[peer.id] = sender
        self._tasks.spawn(sender.run(), f"sender {peer.id}")
        return sender

    def _close(self, node_id: str) -> None:
        self._senders.pop(node_id).close()
        self._gone_since.pop(node_id, None)
