"""What came out: samples of one topology at so many nodes, and what the rest was derived from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.child import BenchFailed
from bench.figures import percentile
from bench.topologies.readings import Reading


@dataclass(frozen=True, slots=True)
class Sample:
    """One load on one size of cluster. Everything is a total over the load but `idle_cpu`, which is
    CPU seconds a second without any comment; from `cpu_s` that is taken away already. `exponent`:
    how the viewers are spread (0: evenly), which makes them watch so many videos (`watched`).
    """

    nodes: int
    exponent: float
    watched: int
    comments: int
    messages: float
    received: float
    not_subscribed: float
    deliveries: float
    repairs: float
    held: float
    cpu_s: dict[str, float]
    idle_cpu: dict[str, float]
    rss_mib: dict[str, float]
    p50_ms: float
    p99_ms: float

    @property
    def received_per_comment(self) -> float:
        """How many nodes a comment came to."""
        return self.received / self.comments

    @property
    def waste(self) -> float:
        """The share of what came to nodes for which there was no viewer."""
        return self.not_subscribed / self.received if self.received else 0.0

    def cpu_ms_per_comment(self, *roles: str) -> float:
        """CPU milliseconds for a comment, of some roles or of all."""
        return 1000 * sum(self.cpu_s.get(role, 0.0) for role in roles or self.cpu_s) / self.comments


@dataclass(frozen=True, slots=True)
class Heal:
    """A node was killed, and so many viewers' streams ended. Of what was due from then on to these
    viewers: how many deliveries, and how late they were, in milliseconds.
    """

    viewers: int
    deliveries: int
    p50_ms: float
    max_ms: float


@dataclass(slots=True)
class Measured:
    """One topology. `samples`: the same audience on more and more nodes; `main` is one of them.
    `spread`: at the size of `main`, other audiences (and `main`). `burst`: the audience of `main`,
    comments on the hottest video alone. After `heal` ZooKeeper holds a few more znodes: parents
    that the killed node could not remove. `failure`: why it was not measured to the end; what was
    measured before that stays.
    """

    name: str
    label: str
    hops: int
    samples: list[Sample] = field(default_factory=list)
    spread: list[Sample] = field(default_factory=list)
    main: Sample | None = None
    burst: Sample | None = None
    heal: Heal | None = None
    failure: str = ""
    repeat: int = 1


def difference(
    before: Reading, after: Reading, idle_cpu: dict[str, float], seconds: float
) -> tuple[dict[str, float], dict[str, float]]:
    """CPU by role beyond what idling takes, and the totals, between two readings."""
    cpu_s = {
        role: max(after.cpu_s[role] - before.cpu_s[role] - idle_cpu.get(role, 0.0) * seconds, 0.0)
        for role in after.cpu_s
    }
    totals = {name: after.totals[name] - before.totals[name] for name in after.totals}
    return cpu_s, totals


def heal_of(viewers: int, pairs: Sequence[int], killed_ns: int) -> Heal:
    """`pairs`: when a delivery to one of these viewers was due and how late it was, and so on, in
    nanoseconds. What was due before the node was killed is left out. Raises BenchFailed if nothing
    is left.
    """
    dues, lates = pairs[::2], pairs[1::2]
    late_ms = [late / 1e6 for due, late in zip(dues, lates, strict=True) if due >= killed_ns]
    if not late_ms:
        raise BenchFailed(f"{viewers} streams ended, and nothing was due to their viewers")
    return Heal(viewers, len(late_ms), percentile(late_ms, 50), max(late_ms))
