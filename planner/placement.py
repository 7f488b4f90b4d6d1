"""Where viewers land, for as many of them as there may ever be.

Invariants: what is computed is the steady state of the gateway's rule, in expectation. Streams come
and go all the time; a node that is full takes the fraction of its arrivals for which streams leave,
the others go on to the next point of the ring. So no viewer is walked through: a video is, from
point to point, until less than a hundredth of a viewer is left.
- No viewer is lost: the nodes' viewers add up to all viewers.
- No node holds more than its share times the balance factor.
- Round robin spreads every video evenly.
A video with `m` expected viewers on a node is registered there unless the last of them left longer
ago than the linger. With viewers who come independently at rate `r` the share of time without is
exp(-(m + r * linger)), and `r` times that is how often a registration appears (and goes).
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from itertools import islice
from math import exp, expm1

from planner.gateway_hash import BALANCE_FACTOR, Ring, hash_of

MAX_SWEEPS = 200
Audiences = Callable[[], "Iterator[Audience]"]
_SETTLED = 1e-5  # of all viewers still moving between two sweeps
_REST = 1e-2  # viewers
HASH, ROUND_ROBIN = "hash", "round_robin"


@dataclass(frozen=True, slots=True)
class Rules:
    """What nodes and viewers have in common, in seconds: how long a registration outlives its last
    viewer, how long after a comment or a join a video is checked often, both checking intervals,
    and the silence after which a stream is beaten.
    """

    linger_s: float
    active_for_s: float
    active_every_s: float
    quiet_every_s: float
    beat_after_s: float
    batches_per_s: Callable[[float], float]  # of a video, by its comments/s
    rounds_per_s: Callable[[float, float], float]  # by comments/s and viewers on the node


@dataclass(frozen=True, slots=True)
class Audience:
    """`count` videos that are alike, `prefix` and a number from `first` on. Each has so many
    viewers and comments/s, and that share of the viewers is replaced in a second.
    """

    prefix: str
    first: int
    count: int
    viewers: float
    comments_per_s: float
    turnover_per_s: float

    def hashes(self) -> Iterator[int]:
        """Where each video lies on the ring."""
        for number in range(self.first, self.first + self.count):
            yield hash_of(f"{self.prefix}{number}")


@dataclass(slots=True)
class NodeLoads:
    """Of each node: what it holds and does, expected values (rates per second)."""

    viewers: array[float]
    registrations: array[float]
    comments: array[float]
    batches: array[float]
    writes: array[float]  # that carry comments
    deliveries: array[float]
    heads: array[float]  # asked for by anti-entropy checks

    @classmethod
    def zero(cls, nodes: int) -> NodeLoads:
        """Nothing yet."""
        return cls(*(array("d", bytes(8 * nodes)) for _ in range(7)))


_LOADS = tuple(field.name for field in fields(NodeLoads))


@dataclass(slots=True)
class Placement:
    """What a placement comes to; rates per second. `copies`: comments times the nodes that each
    goes to; `appearing`, `parents_appearing`: registrations and videos that come (and as many go);
    `squares`: the sum of each video's nodes, squared; `widest`: the nodes of the widest video.
    """

    loads: NodeLoads
    videos: float = 0.0  # that have a viewer
    registrations: float = 0.0
    comments: float = 0.0
    batches: float = 0.0
    copies: float = 0.0
    beats: float = 0.0
    appearing: float = 0.0
    parents_appearing: float = 0.0
    squares: float = 0.0
    widest: float = 0.0
    busiest_per_s: float = 0.0  # comments of the busiest video

    @property
    def copies_per_comment(self) -> float:
        """Nodes to which a comment is forwarded, on average."""
        return self.copies / self.comments if self.comments else 0.0

    @property
    def imbalance(self) -> float:
        """Viewers of the fullest node over the mean."""
        return imbalance(self.loads.viewers)


def imbalance(loads: array[float]) -> float:
    """The highest over the mean; 1 if all are nothing."""
    total = sum(loads)
    return max(loads) * len(loads) / total if total else 1.0


def place_by_hash(
    audiences: Audiences,
    nodes: int,
    rules: Rules,
    factor_percent: float = BALANCE_FACTOR,
) -> Placement:
    """HAProxy's consistent hash with bounded load. `audiences` is asked twice and must repeat
    itself. The videos' places take 4 bytes each, all else grows with the nodes only.
    """
    ring = Ring(nodes)
    starts = array("I")
    direct = array("d", bytes(8 * len(ring)))
    for audience in audiences():
        for hashed in audience.hashes():
            start = ring.start(hashed)
            starts.append(start)
            direct[start] += audience.viewers
    accepted = settle(ring, direct, factor_percent / 100)
    placement, position = Placement(NodeLoads.zero(nodes)), iter(starts)
    for audience in audiences():
        each = _Each(rules, audience)
        for start in islice(position, audience.count):
            each.add(placement, _walk(ring, accepted, start, audience.viewers))
    return placement


def place_round_robin(audiences: Audiences, nodes: int, rules: Rules) -> Placement:
    """Every stream to the next node."""
    placement = Placement(NodeLoads.zero(1))
    for audience in audiences():
        _Each(rules, audience).add_evenly(placement, nodes)
    sums = [getattr(placement.loads, name)[0] for name in _LOADS]
    placement.loads = NodeLoads(*(array("d", [total / nodes]) * nodes for total in sums))
    return placement


def place(audiences: Audiences, nodes: int, how: str, rules: Rules) -> Placement:
    """By `hash` or by `round_robin`. Raises ValueError for any other."""
    if how == HASH:
        return place_by_hash(audiences, nodes, rules)
    if how == ROUND_ROBIN:
        return place_round_robin(audiences, nodes, rules)
    raise ValueError(f"no placement {how!r}")


def settle(ring: Ring, direct: array[float], factor: float) -> array[float]:
    """The fraction of the streams that come by which each node takes. `direct`: viewers whose
    search begins at each point.

    One sweep follows the ring once round, with what is known so far; the fractions only fall, so
    the sweeps come to rest.
    """
    owners, total = ring.owners, sum(direct)
    bound = max(factor * total / ring.servers, 1.0)
    accepted = array("d", [1.0]) * ring.servers
    offered = array("d", bytes(8 * ring.servers))
    came = array("d", bytes(8 * len(ring)))
    passed = 0.0
    for _ in range(MAX_SWEEPS):
        moved = 0.0
        for point, owner in enumerate(owners):
            comes = direct[point] + passed
            change = comes - came[point]
            if change:
                moved += abs(change)
                came[point] = comes
                offered[owner] += change
                if offered[owner] > bound:
                    accepted[owner] = bound / offered[owner]
            passed = comes * (1.0 - accepted[owner])
        if moved <= _SETTLED * total:
            break
    return accepted


def _walk(
    ring: Ring, accepted: array[float], start: int, viewers: float
) -> list[tuple[int, float]]:
    """(node, viewers) of one video; a node may be met at several of its points."""
    owners, points = ring.owners, len(ring)
    owner = owners[start]
    taken = viewers * accepted[owner]
    rest = viewers - taken
    if rest < _REST:
        return [(owner, viewers)]
    met = {owner: taken}
    point = start
    for _ in range(MAX_SWEEPS * points):
        point = point + 1 if point + 1 < points else 0
        owner = owners[point]
        taken = rest * accepted[owner]
        met[owner] = met.get(owner, 0.0) + taken
        rest -= taken
        if rest < _REST:
            break
    met[owner] += rest
    return list(met.items())


class _Each:
    """Counts videos of one audience."""

    def __init__(self, rules: Rules, audience: Audience) -> None:
        self._rules, self._audience = rules, audience
        self._batches = rules.batches_per_s(audience.comments_per_s)
        self._whole = self._on_node(audience.viewers)

    def add(self, placement: Placement, parts: list[tuple[int, float]]) -> None:
        """One video, with its viewers on these nodes."""
        loads, nodes = placement.loads, 0.0
        for node, viewers in parts:
            figures = self._whole if len(parts) == 1 else self._on_node(viewers)
            present, appearing, comments, batches, writes, deliveries, heads = figures
            nodes += present
            placement.appearing += appearing
            loads.viewers[node] += viewers
            loads.registrations[node] += present
            loads.comments[node] += comments
            loads.batches[node] += batches
            loads.writes[node] += writes
            loads.deliveries[node] += deliveries
            loads.heads[node] += heads
        self._sum_up(placement, 1, nodes)

    def add_evenly(self, placement: Placement, nodes: int) -> None:
        """All videos, with equal parts on all nodes; `loads` has one entry for all of them."""
        loads, times = placement.loads, self._audience.count * nodes
        viewers = self._audience.viewers / nodes
        present, appearing, *others = self._on_node(viewers)
        placement.appearing += appearing * times
        for name, each in zip(_LOADS, (viewers, present, *others), strict=True):
            getattr(loads, name)[0] += each * times
        self._sum_up(placement, self._audience.count, nodes * present)

    def _on_node(self, viewers: float) -> tuple[float, ...]:
        """For one video and node: share of time registered, appearances, and the loads after that
        in the order of `NodeLoads`.
        """
        rules, rate, turnover = self._rules, self._audience.comments_per_s, self._turnover
        absent = exp(-viewers * (1.0 + turnover * rules.linger_s))
        present = 1.0 - absent
        return (
            present,
            viewers * turnover * absent,
            rate * present,
            self._batches * present,
            viewers * rules.rounds_per_s(rate, viewers),
            viewers * rate,
            present * _heads_per_s(rules, rate + viewers * turnover),
        )

    @property
    def _turnover(self) -> float:
        return self._audience.turnover_per_s

    def _sum_up(self, placement: Placement, count: int, nodes: float) -> None:
        """What concerns `count` videos as such; each is on so many nodes."""
        rate, (present, appearing, *_) = self._audience.comments_per_s, self._whole
        beats = beats_per_s(self._rules.beat_after_s, rate)
        placement.videos += count * present
        placement.parents_appearing += count * appearing
        placement.registrations += count * nodes
        placement.comments += count * rate
        placement.batches += count * self._batches
        placement.copies += count * rate * nodes
        placement.beats += count * self._audience.viewers * beats
        placement.squares += count * nodes * nodes
        placement.widest = max(placement.widest, nodes)
        placement.busiest_per_s = max(placement.busiest_per_s, rate)


def _heads_per_s(rules: Rules, events_per_s: float) -> float:
    """Anti-entropy checks of one video by one node, where comments and joins come by chance."""
    active = -expm1(-events_per_s * rules.active_for_s)
    return active / rules.active_every_s + (1.0 - active) / rules.quiet_every_s


def beats_per_s(after_s: float, rate: float) -> float:
    """Heartbeats to one viewer: each silence of `after_s` since the last comment or beat is one."""
    if rate * after_s < 1e-9:
        return 1.0 / after_s
    return rate / expm1(min(rate * after_s, 700.0))
