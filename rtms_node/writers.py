"""The writers as a source of heads and ranges: any writer serves any video, round robin, failed
ones last.

Heads and ranges have connections of their own, and each remembers for itself which writers failed:
new streams wait for heads, and must not wait for long ranges to end.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from service.http_client import InternalClient
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
    decode_heads,
    decode_range,
    decode_revocations,
    encode,
)
from wire.roles import Peer

T = TypeVar("T")

_AVOID_S = 3.0
_RANGE_DEADLINE_S = 5.0


class Writers:
    """Implements `Source` over HTTPS. `known` gives the writers known at the moment."""

    def __init__(
        self, new_client: Callable[[], InternalClient], known: Callable[[], Sequence[Peer]]
    ) -> None:
        self._heads, self._ranges = _Calls(new_client(), known), _Calls(new_client(), known)

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
        body = encode(HeadsRequest(video_ids, known, states))
        return await self._heads.ask("POST", HEADS, body, decode_heads)

    async def range(self, video_id: str, after: int, through: int) -> RangeReply:
        """See Source. Raises PeerError or BadRequest if no writer answers well."""
        path = RANGE.format(video_id=video_id) + f"?after={after}&through={through}"
        return await self._ranges.ask("GET", path, b"", decode_range)

    async def revocations(self) -> RevocationsReply:
        """All of them. Raises PeerError or BadRequest if no writer answers well."""
        return await self._ranges.ask("GET", REVOCATIONS, b"", decode_revocations)


class _Calls:
    """Calls of one kind, to whichever writer answers."""

    def __init__(self, client: InternalClient, known: Callable[[], Sequence[Peer]]) -> None:
        self.client, self._known = client, known
        self._turn = 0
        self._failed_at: dict[str, float] = {}

    async def ask(self, method: str, path: str, body: bytes, decode: Callable[[bytes], T]) -> T:
        """The reply of the first that answers well; raises PeerError or BadRequest if none does."""
        error: LivecommentsError = PeerError("no writer is known")
        for peer in self._order():
            try:
                if method == "POST":
                    reply = await self.client.post(peer, path, body)
                else:
                    reply = await self.client.get(peer, path, deadline_s=_RANGE_DEADLINE_S)
                found = decode(reply)
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
