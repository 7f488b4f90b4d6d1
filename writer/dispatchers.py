"""The dispatchers as the sink sees them: for each video all of them, the preferred one first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from wire.roles import Peer


class Dispatchers:
    """Holds the known dispatchers; `ring_order` turns a video id into ids in order."""

    def __init__(
        self,
        ring_order: Callable[[str], Sequence[str]],
        set_ring: Callable[[Iterable[str]], None],
    ) -> None:
        self._ring_order, self._set_ring = ring_order, set_ring
        self._peers: dict[str, Peer] = {}

    def set_peers(self, peers: Iterable[Peer]) -> None:
        """Know exactly these from now on."""
        self._peers = {peer.id: peer for peer in peers}
        self._set_ring(self._peers)

    def order(self, video_id: str) -> list[Peer]:
        """All dispatchers for a video, the preferred one first."""
        return [self._peers[name] for name in self._ring_order(video_id)]

    def problem(self, failing: Sequence[str]) -> str | None:
        """Why batches reach nobody, given the ids that fail; None if one works."""
        if not self._peers:
            return "none known"
        if all(name in failing for name in self._peers):
            return "all failing"
        return None
