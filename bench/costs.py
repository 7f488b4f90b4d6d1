"""What slices of a load come to: CPU of a comment by role, how late it was, who measured."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.contender import Slice
from bench.figures import percentile

# The server between the roles: ZooKeeper in one topology, Redis in another.
BUS = "ZooKeeper or Redis"
ROLES = ("writer", "dispatcher", "node", "haproxy")
_BUSES = ("zookeeper", "redis")


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one repeat. Milliseconds of CPU for a comment, beyond what idling takes; milliseconds of
    lateness of every delivery; `measuring`: cores that who measures took.
    """

    cpu_ms: Mapping[str, float]
    late_ms: Sequence[float]
    measuring: float

    @property
    def total_ms(self) -> float:
        """Of all processes."""
        return sum(self.cpu_ms.values())

    def late(self, percent: float) -> float:
        """A percentile of the lateness, in milliseconds."""
        return percentile(self.late_ms, percent)


def cost_of(slices: Sequence[Slice], idle: Mapping[str, float]) -> Cost:
    """All slices together. `idle`: CPU seconds a second by part, without posts."""
    took_s = sum(one.took_s for one in slices)
    comments = sum(one.comments for one in slices)
    cpu_s = {
        name: sum(one.cpu_s[name] for one in slices) - rate * took_s for name, rate in idle.items()
    }
    return Cost(
        {role: 1e3 * seconds / comments for role, seconds in by_role(cpu_s).items()},
        [late for one in slices for late in one.late_ms],
        sum(one.measuring_s for one in slices) / took_s,
    )


def by_role(by_part: Mapping[str, float]) -> dict[str, float]:
    """Sums over the parts of one role (`writer-1`, `writer-2`)."""
    found: dict[str, float] = defaultdict(float)
    for name, value in by_part.items():
        role = name.partition("-")[0]
        found[BUS if role in _BUSES else role] += value
    return dict(found)
