"""A table with a bound: when it is full, what was put in longest ago makes room."""

from __future__ import annotations

from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class RecentValues(Generic[K, V]):
    """At most `bound` values; `evicted` counts those that made room."""

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._values: dict[K, V] = {}
        self.evicted = 0

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: K) -> V | None:
        """The value, None if there is none (any more)."""
        return self._values.get(key)

    def put(self, key: K, value: V) -> None:
        """Remember a value; it counts as the newest."""
        self._values.pop(key, None)
        if len(self._values) >= self._bound:
            del self._values[next(iter(self._values))]
            self.evicted += 1
        self._values[key] = value

    def forget(self, key: K) -> None:
        """Drop a value if it is there."""
        self._values.pop(key, None)
