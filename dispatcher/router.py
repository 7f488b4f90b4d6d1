"""Finds the route of each batch and gives the batch to the senders of those nodes.

Invariants:
- a batch goes to the nodes that its route names and that are members, each once, and to nobody
  else;
- an empty route means that nobody watches: nothing is sent, and nothing is wrong;
- a registration of an id that is no member (it has just died, or comes in a moment) is counted
  and passed over: the node's anti-entropy check heals it, as all that cannot be routed;
- a batch whose route is in memory is in the senders' queues when `route` returns. One whose route
  must be read waits for it in the background, at most `MAX_WAITING` batches and `MAX_WAITING_BYTES`
  in all. So a ZooKeeper that is away delays no video whose route is known, nor the writer that sent
  both.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping
from typing import Protocol

import msgspec
import structlog

from coordination import RouteUnknown
from dispatcher.metrics import DispatcherMetrics
from service.failpoints import Failpoint, reach
from service.stages import Stage, note
from service.tasks import TaskHome
from wire.encoded_batch import EncodedBatch, encode_batch
from wire.internal import Batch
from wire.roles import Peer

log = structlog.get_logger()

MAX_WAITING = 1_000
MAX_WAITING_BYTES = 16 * 1024 * 1024


class Decision(msgspec.Struct, frozen=True):
    """The nodes that a batch is sent to, and how many registered ids are no members."""

    peers: tuple[Peer, ...]
    unknown: int


def decide(route: Collection[str], members: Mapping[str, Peer]) -> Decision:
    """Where a batch goes whose video has this route."""
    peers = tuple(members[node_id] for node_id in route if node_id in members)
    return Decision(peers, len(route) - len(peers))


class Routes(Protocol):
    """What the router needs of `coordination.RouteResolver`."""

    def find(self, video_id: str) -> frozenset[str] | None:
        """The route, if it is in memory."""

    async def resolve(self, video_id: str, timeout_s: float = 2.0) -> frozenset[str]:
        """The route, read if need be; raises RouteUnknown."""


class NodeSenders(Protocol):
    """What the router needs of `dispatcher.senders.Senders`."""

    def set_members(self, peers: Iterable[Peer]) -> None:
        """These are the nodes now."""

    def offer(self, peer: Peer, encoded: EncodedBatch) -> None:
        """Queue a batch for a node; never blocks."""


class Router:
    """One a process. `set_members` says where the nodes are."""

    def __init__(
        self,
        routes: Routes,
        senders: NodeSenders,
        tasks: TaskHome,
        metrics: DispatcherMetrics,
        *,
        route_wait_s: float = 2.0,
    ) -> None:
        self._routes = routes
        self._senders = senders
        self._tasks = tasks
        self._metrics = metrics
        self._route_wait_s = route_wait_s
        self._members: Mapping[str, Peer] = {}
        self._waiting: dict[asyncio.Task[None], int] = {}
        self._waiting_bytes = 0

    @property
    def waiting(self) -> int:
        """Batches that wait for their route."""
        return len(self._waiting)

    def set_members(self, peers: Iterable[Peer]) -> None:
        """These are the nodes now."""
        self._members = {peer.id: peer for peer in peers}
        self._senders.set_members(self._members.values())

    def route(self, batches: Iterable[Batch]) -> None:
        """Hand the batches over."""
        reach(Failpoint.DISPATCHER_BEFORE_FORWARD)
        for batch in batches:
            self._begin(batch)

    async def wait_routed(self) -> None:
        """Wait until no batch waits for its route any more."""
        while self._waiting:
            await asyncio.wait(list(self._waiting))

    def _begin(self, batch: Batch) -> None:
        note(Stage.DISPATCHED, batch.accepted_at)
        encoded = encode_batch(batch)
        if encoded is None:
            self._metrics.batches["too_large"] += 1
            return
        route = self._routes.find(encoded.video_id)
        if route is not None:
            self._send(encoded, route)
        elif len(self._waiting) >= MAX_WAITING or self._waiting_bytes >= MAX_WAITING_BYTES:
            self._metrics.batches["queue_full"] += 1
        else:
            self._wait_for_route(encoded)

    def _wait_for_route(self, encoded: EncodedBatch) -> None:
        task = self._tasks.spawn(self._resolve_and_send(encoded), f"route {encoded.video_id}")
        self._waiting[task] = encoded.size
        self._waiting_bytes += encoded.size
        task.add_done_callback(self._waited)

    def _waited(self, task: asyncio.Task[None]) -> None:
        self._waiting_bytes -= self._waiting.pop(task)

    async def _resolve_and_send(self, encoded: EncodedBatch) -> None:
        try:
            route = await self._routes.resolve(encoded.video_id, self._route_wait_s)
        except RouteUnknown:
            self._metrics.batches["unrouted"] += 1
            return
        self._send(encoded, route)

    def _send(self, encoded: EncodedBatch, route: Collection[str]) -> None:
        decision = decide(route, self._members)
        log.debug(
            "routed",
            video_id=encoded.video_id,
            node_ids=[peer.id for peer in decision.peers],
            request_id=encoded.request_id,
        )
        for peer in decision.peers:
            self._senders.offer(peer, encoded)
        if decision.unknown:
            self._metrics.unknown_nodes += decision.unknown
        self._metrics.batches["routed" if decision.peers else "no_node"] += 1
