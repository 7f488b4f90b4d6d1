"""Which addresses are asked, and who was last seen at each.

Invariants:
- at most MAX_PEERS addresses are asked, in the order of the entries; the others are counted;
- an address that a name no longer stands for is asked for FORGET_AFTER_S more, so that a process
  that died is seen to be missing (the name of a killed container, or of a pod that is not ready,
  stands for nothing); one that was last seen draining has left, and is forgotten;
- what is remembered of an address that is asked no more is forgotten.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from service.cluster_map.answer import State
from service.cluster_map.peers import Identity, OpsPeer, join_address

MAX_PEERS = 256
FORGET_AFTER_S = 120.0


@dataclass(frozen=True, slots=True)
class Target:
    """An address to ask: `host` is an IP address."""

    host: str
    port: int

    @property
    def address(self) -> str:
        """`host:port`."""
        return join_address(self.host, self.port)


@dataclass(slots=True)
class _Seen:
    """A process that has answered, and at whose name."""

    at: float
    identity: Identity
    draining: bool
    entries: tuple[OpsPeer, ...]


class Roster:
    """Owned by the gathering; times are monotonic, in seconds."""

    def __init__(self) -> None:
        self._seen: dict[Target, _Seen] = {}
        self._entries: dict[Target, tuple[OpsPeer, ...]] = {}
        self.left_out = 0  # addresses over MAX_PEERS, the last time

    def targets(
        self, resolved: Mapping[OpsPeer, Sequence[str] | None], now: float
    ) -> dict[Target, tuple[OpsPeer, ...]]:
        """Whom to ask, each with the entries that lead there. resolved: the addresses of each
        entry's host, as far as they are known.
        """
        found: dict[Target, tuple[OpsPeer, ...]] = {}
        for entry, hosts in resolved.items():
            for host in hosts or ():
                target = Target(host, entry.port)
                found[target] = (*found.get(target, ()), entry)
        for target, seen in self._seen.items():
            still = tuple(entry for entry in seen.entries if entry in resolved)
            if target not in found and still and not self._is_over(seen, now):
                found[target] = still
        self.left_out = max(len(found) - MAX_PEERS, 0)
        self._entries = dict(list(found.items())[:MAX_PEERS])
        self._seen = {target: seen for target, seen in self._seen.items() if target in found}
        return self._entries

    def answered(self, target: Target, state: State, now: float) -> None:
        """One of the targets has answered. An older address of the same process is forgotten."""
        for other in [t for t, seen in self._seen.items() if seen.identity == state.identity]:
            del self._seen[other]
        entries = self._entries[target]
        self._seen[target] = _Seen(now, state.identity, state.draining, entries)

    def who(self, target: Target) -> Identity | None:
        """Who was last seen at an address, or should be there; None if nobody knows."""
        if target in self._seen:
            return self._seen[target].identity
        return self._of(self._entries.get(target, ()))

    def who_was_at(self, entry: OpsPeer) -> Identity | None:
        """The same for an entry whose name stands for nothing now. None also for a name at which
        several were seen.
        """
        seen = {one.identity for one in self._seen.values() if entry in one.entries}
        return entry.identity or (seen.pop() if len(seen) == 1 else None)

    @staticmethod
    def _is_over(seen: _Seen, now: float) -> bool:
        return seen.draining or now - seen.at > FORGET_AFTER_S

    @staticmethod
    def _of(entries: Sequence[OpsPeer]) -> Identity | None:
        return next((entry.identity for entry in entries if entry.identity is not None), None)
