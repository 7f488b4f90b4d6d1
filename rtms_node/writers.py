"""The writers as a source of heads and ranges: any writer serves any video, round robin, failed
ones last.

Heads and ranges have connections of their own, and each remembers for itself which writers failed:
new streams wait for heads, and must not wait for long ranges to end.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import msgspec

from rtms_node.viewer_counts import ViewerCounts
from rtms_node.writer_stores import WriterStores
from service.http_client import InternalClient
from wire.counts import COUNTS, CountsReply, CountsReport
from wire.errors import BadRequest, LivecommentsError, PeerError
from wire.internal import (
    HEADS,
    MAX_HEADS,
    RANGE,
    REVOCATIONS,
    HeadsReply,
    HeadsRequest,
    RangeReply,
    RevocationsReply,
    decode_counts,
    decode_heads,
    decode_range,
    decode_revocations,
    encode,
)
from wire.roles import Peer

T = TypeVar("T")

_AVOID_S = 3.0
_RANGE_DEADLINE_S = 5.0
_NO_SUCH_CALL = 404


class Writers:
    """Implements `Source` over HTTPS. `known` gives the writers known at the moment. `on_stores` is
    told, after each read of heads, what is wrong with the stores that writers have.
    """

    def __init__(
        self,
        new_client: Callable[[], InternalClient],
        known: Callable[[], Sequence[Peer]],
        *,
        on_stores: Callable[[str | None], None] = lambda _: None,
    ) -> None:
        self._stores, self._on_stores = WriterStores(), on_stores
        self._heads, self._ranges = _Calls(new_client(), known), _Calls(new_client(), known)
        self._known = known
        self._counts: ViewerCounts | None = None

    def carry(self, counts: ViewerCounts) -> None:
        """From now on reads of heads take reports of viewers along."""
        self._counts = counts

    async def start(self) -> None:
        """Get ready to call (no I/O yet)."""
        await self._heads.client.start()
        await self._ranges.client.start()

    async def stop(self) -> None:
        """Close all connections. Idempotent."""
        await self._heads.client.stop()
        await self._ranges.client.stop()

    async def heads(
        self, video_ids: tuple[str, ...], known: dict[str, int], states: tuple[str, ...] = ()
    ) -> HeadsReply:
        """See Source. Raises PeerError or BadRequest if no writer answers well."""
        assert len(video_ids) <= MAX_HEADS
        asked = HeadsRequest(video_ids, known, states)

        async def read(peer: Peer) -> HeadsReply:
            reply = await self._read_heads(peer, asked)
            self._stores.note(peer.id, reply.epoch, self.known(), time.monotonic())
            self._on_stores(self._stores.problem)
            return reply

        return await self._heads.ask(read)

    async def range(self, video_id: str, after: int, through: int) -> RangeReply:
        """See Source. Raises PeerError or BadRequest if no writer answers well."""
        path = RANGE.format(video_id=video_id) + f"?after={after}&through={through}"

        async def read(peer: Peer) -> RangeReply:
            return decode_range(await self._get(peer, path))

        return await self._ranges.ask(read)

    def known(self) -> list[str]:
        """See Totals: the writers."""
        return [peer.id for peer in self._known()]

    async def report(self, name: str, report: CountsReport) -> CountsReply | None:
        """See Totals."""
        peer = next((peer for peer in self._known() if peer.id == name), None)
        if peer is None:
            raise PeerError(f"writer {name} has left")
        try:
            return decode_counts(await self._heads.client.post(peer, COUNTS, encode(report)))
        except PeerError as exc:
            if exc.reply_status == _NO_SUCH_CALL:  # of an earlier version
                return None
            raise

    async def revocations(self) -> RevocationsReply:
        """All of them. Raises PeerError or BadRequest if no writer answers well."""

        async def read(peer: Peer) -> RevocationsReply:
            return decode_revocations(await self._get(peer, REVOCATIONS))

        return await self._ranges.ask(read)

    async def _read_heads(self, peer: Peer, asked: HeadsRequest) -> HeadsReply:
        """With a report of viewers, if there is one for this writer."""
        counts, client = self._counts, self._heads.client
        report = counts.take_shared(peer.id) if counts is not None else None
        if counts is None or report is None:
            return decode_heads(await client.post(peer, HEADS, encode(asked)))
        try:
            body = encode(msgspec.structs.replace(asked, counts=report))
            reply = decode_heads(await client.post(peer, HEADS, body))
        except (PeerError, BadRequest):
            counts.failed(peer.id, report)
            raise
        counts.answered(peer.id, report, reply.counts)
        return reply

    async def _get(self, peer: Peer, path: str) -> bytes:
        return await self._ranges.client.get(peer, path, deadline_s=_RANGE_DEADLINE_S)


class _Calls:
    """Calls of one kind, to whichever writer answers."""

    def __init__(self, client: InternalClient, known: Callable[[], Sequence[Peer]]) -> None:
        self.client, self._known = client, known
        self._turn = 0
        self._failed_at: dict[str, float] = {}

    async def ask(self, call: Callable[[Peer], Awaitable[T]]) -> T:
        """The reply of the first that answers well; raises PeerError or BadRequest if none does."""
        error: LivecommentsError = PeerError("no writer is known")
        for peer in self._order():
            try:
                found = await call(peer)
            except (PeerError, BadRequest) as exc:  # away, or its reply is junk: try the next
                self._failed_at[peer.id] = time.monotonic()
                error = exc
            else:
                self._failed_at.pop(peer.id, None)
                return found
        raise error

    def _order(self) -> list[Peer]:
        peers = sorted(self._known(), key=lambda peer: peer.id)
        if not peers:
            return []
        self._turn = (self._turn + 1) % len(peers)
        avoid_from = time.monotonic() - _AVOID_S
        self._failed_at = {name: at for name, at in self._failed_at.items() if at > avoid_from}
        turned = peers[self._turn :] + peers[: self._turn]
        return sorted(turned, key=lambda peer: peer.id in self._failed_at)
