"""Sends one node what waits for it, in order, one request at a time.

Invariants:
- a comment that comes alone goes out at once; what comes while a request is in flight goes together
  in the next one. There is no timer;
- a request that failed, or whose fate is unknown, is sent again (a repeat is harmless) until its
  batches are too old; one that the node refused as such (4xx) is dropped, else it would block the
  rest;
- a node that does not answer costs a small queue and one attempt per back-off, and nobody else
  anything. Whatever is dropped is counted, and the node heals by its anti-entropy check.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from dispatcher.encoded_batch import EncodedBatch, encode_forward
from dispatcher.metrics import DispatcherMetrics
from dispatcher.outbox import Outbox, OutboxLimits, Queued
from service.failpoints import Failpoint, reach
from service.logs import bind_request, clean_request_id, forget_request
from wire.errors import BadRequest, PeerError
from wire.internal import FORWARD, ForwardReply, decode
from wire.roles import Peer

log = structlog.get_logger()

FAILURES_UNTIL_SMALL = 3


class Post(Protocol):
    """A call to a peer, as `InternalClient.post`: the body of a 200 reply, else PeerError."""

    async def __call__(
        self, peer: Peer, path: str, body: bytes, *, deadline_s: float | None = None
    ) -> bytes:
        """Send `body`; give the reply's."""


@dataclass(frozen=True, slots=True)
class SenderConfig:
    """Bounds and times of a sender. The back-off doubles from the first to the longest one."""

    limits: OutboxLimits = field(default_factory=OutboxLimits)
    deadline_s: float = 2.0
    first_back_off_s: float = 0.02
    max_back_off_s: float = 1.0


class NodeSender:
    """Owns one node's outbox. `run` is its task; everything else returns at once."""

    def __init__(
        self,
        peer: Peer,
        post: Post,
        config: SenderConfig,
        metrics: DispatcherMetrics,
        on_not_serving: Callable[[str], None],
    ) -> None:
        self._peer = peer
        self._post = post
        self._config = config
        self._metrics = metrics
        self._on_not_serving = on_not_serving
        self._outbox = Outbox(config.limits, self._dropped)
        self._in_flight = 0
        self._failures = 0
        self._closed = False
        self._wake = asyncio.Event()
        self._hurry = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def depth(self) -> int:
        """Batches queued and in flight."""
        return len(self._outbox) + self._in_flight

    @property
    def queued_bytes(self) -> int:
        """Bytes queued, without those in flight."""
        return self._outbox.size

    @property
    def failing(self) -> bool:
        """Whether the node has failed several times in a row."""
        return self._failures >= FAILURES_UNTIL_SMALL

    def offer(self, peer: Peer, encoded: EncodedBatch) -> None:
        """Queue a batch for the node, which is now at `peer`; when full, the oldest is dropped."""
        if peer != self._peer:  # it has come back elsewhere: do not sit out the back-off
            self._peer = peer
            self._hurry.set()
        self._outbox.put(encoded, time.monotonic())
        self._idle.clear()
        self._wake.set()

    async def wait_idle(self) -> None:
        """Wait until nothing is queued or in flight."""
        await self._idle.wait()

    def close(self) -> None:
        """Drop what is queued and let `run` end. Idempotent."""
        self._closed = True
        self._outbox.clear()
        self._idle.set()
        self._wake.set()
        self._hurry.set()

    async def run(self) -> None:
        """Send until closed or cancelled."""
        forget_request()  # this task was started inside one
        while not self._closed:
            items = self._outbox.take(time.monotonic())
            if items:
                await self._send(items)
                continue
            self._idle.set()
            self._wake.clear()
            await self._wake.wait()

    async def _send(self, items: Sequence[Queued]) -> None:
        self._in_flight = len(items)
        self._hurry.clear()  # set from here on, it spares the back-off of this very request
        batches = [item.encoded for item in items]
        try:
            with bind_request(clean_request_id(batches[0].request_id)):
                reply = await self._forward(batches)
        except (PeerError, BadRequest) as exc:
            self._in_flight = 0
            self._keep(items, exc)
            await self._back_off(exc)
        else:
            self._in_flight = 0
            self._succeeded(batches, reply)

    async def _forward(self, batches: Sequence[EncodedBatch]) -> ForwardReply:
        started = time.monotonic()
        try:
            body = await self._post(
                self._peer, FORWARD, encode_forward(batches), deadline_s=self._config.deadline_s
            )
            return decode(body, ForwardReply)
        finally:
            self._metrics.forward_seconds.observe(time.monotonic() - started)

    def _succeeded(self, batches: Sequence[EncodedBatch], reply: ForwardReply) -> None:
        reach(Failpoint.DISPATCHER_AFTER_FORWARD)
        if self.failing:
            log.info("node_answers_again", node_id=self._peer.id)
            self._outbox.set_limits(self._config.limits)
        self._failures = 0
        self._metrics.forwarded(len(batches), sum(encoded.comments for encoded in batches))
        asked = {encoded.video_id for encoded in batches}
        for video_id in asked.intersection(reply.not_serving):
            self._metrics.not_serving.inc()
            self._on_not_serving(video_id)

    def _keep(self, items: Sequence[Queued], error: Exception) -> None:
        if isinstance(error, PeerError) and 400 <= error.reply_status < 500:
            for item in items:
                self._dropped("refused", item.encoded)
        elif not self._closed:
            self._outbox.put_back(items)

    async def _back_off(self, error: Exception) -> None:
        self._metrics.forwards_failed.inc()
        self._failures += 1
        if self._failures == FAILURES_UNTIL_SMALL:
            log.warning("node_does_not_answer", node_id=self._peer.id, error=str(error))
            self._outbox.set_limits(self._config.limits.small())
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._hurry.wait(), self._delay_s())

    def _delay_s(self) -> float:
        config = self._config
        doublings = min(self._failures - 1, 30)
        longest = min(config.first_back_off_s * (1 << doublings), config.max_back_off_s)
        return longest * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not a secret

    def _dropped(self, reason: str, encoded: EncodedBatch) -> None:
        self._metrics.dropped(reason, encoded.comments)
