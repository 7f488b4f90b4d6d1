"""What came out: samples of one topology at so many nodes, and what the rest was derived from."""

from __future__ import annotations

from dataclasses import dataclass, field

from bench.topologies.readings import Reading


@dataclass(frozen=True, slots=True)
class Sample:
    """One load on one size of cluster. Everything is a total over the load but `idle_cpu`, which is
    CPU seconds a second without any comment; from `cpu_s` that is taken away already.
    """

    nodes: int
    comments: int
    messages: float
    received: float
    unwanted: float
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
        return self.unwanted / self.received if self.received else 0.0

    def cpu_ms_per_comment(self, *roles: str) -> float:
        """CPU milliseconds for a comment, of some roles or of all."""
        return 1000 * sum(self.cpu_s.get(role, 0.0) for role in roles or self.cpu_s) / self.comments


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds, from when a comment was due to a viewer's socket."""

    p50_ms: float
    p99_ms: float
    max_ms: float


@dataclass(slots=True)
class Measured:
    """One topology. `samples` are those that grow; `main` is one of them, `burst` was taken from
    the same audience under comments on the hottest video alone. `heal`: latencies around
    the kill of a node; their maximum is the time to heal, for the comment that was due when the
    node died had to wait so long. `failure`: why it was not measured to the end; what was measured
    before that stays.
    """

    name: str
    label: str
    hops: int
    samples: list[Sample] = field(default_factory=list)
    main: Sample | None = None
    burst: Sample | None = None
    heal: Latency | None = None
    failure: str = ""


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
