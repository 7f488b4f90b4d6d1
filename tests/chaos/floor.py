"""The load below which a run shows nothing: a system that idles keeps every promise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from tests.chaos.calm import Span, acks_between, calm_after_faults, deliveries_between
from tests.chaos.history import History
from tests.chaos.judge_counts import counts_in_calm
from tests.chaos.judge_routes import calls_long_after_faults
from tests.chaos.verdict import LAWS, RULINGS, SCREENING, Ledger
from tests.support import TIMEOUT_FACTOR

ALL_PROMISES = ("P1", "P2", "P3", "P4", "P5", "P6", "P7", "P8")
# Of the load before the first fault so much must have gone on in the calm after faults: more would
# be void where a machine is slow for a moment, and what is not answered then is broken anyway.
_AFTERWARDS = 0.75


@dataclass(frozen=True, slots=True)
class Floor:
    """Before the first fault: comments a second, viewers per node (on each at least half of that),
    deliveries a second (far above it the machine that records is itself the fault). In the calm
    after faults: at least `calm_s` of it, most of that load, and so many calls of nodes long after
    any fault; of all deliveries in calm at most `late_share` may be late. `promises` must have been
    looked at; where viewers are counted, P9 too, and at least so many `counts` that had to be
    right; where there is a moderator, what removals promise too, and at least so many `decisions`
    answered; where somebody rules, what rulings promise; where filters screen, what is promised of
    that, and as many decided. `faults`: fewer of them show nothing. A
    recorder that came more than `lag_s` late to its own clock has seen everything late.
    """

    comments: float = 100.0
    viewers_per_node: float = 200.0
    deliveries: tuple[float, float] = (3_000.0, 10_000.0)
    promises: tuple[str, ...] = ALL_PROMISES
    lag_s: float = 1.0 * TIMEOUT_FACTOR
    faults: int = 1
    calm_s: float = 5.0
    calls: int = 100
    counts: int = 100
    decisions: int = 10
    late_share: float = 0.01


@dataclass(frozen=True, slots=True)
class Rates:
    """What was measured in some stretches of a run."""

    seconds: float
    comments: float
    deliveries: float


def rates_before(history: History) -> Rates:
    """The load between the beginning and the first fault."""
    return _rates(history, [(history.began_at, history.first_fault_at)])


def rates_after(history: History) -> Rates:
    """The load in the calm after faults."""
    return _rates(history, calm_after_faults(history))


def viewers_by_node(history: History) -> Counter[str]:
    """Who served how many when the first fault came, by the gateway's word."""
    at = history.first_fault_at
    return Counter(
        stream.node
        for watch in history.watches
        for stream in watch.streams
        if stream.opened_at <= at and (stream.closed_at is None or stream.closed_at > at)
    )


def missing_load(history: History, ledger: Ledger, floor: Floor) -> tuple[str, ...]:
    """Why the run is void; empty if it is not."""
    faults = len(history.troubles)
    reasons = list(_missing_before(history, floor))
    if faults < floor.faults:
        reasons.append("no fault was injected" if not faults else f"only {faults} faults")
    if faults:
        reasons += _missing_after(history, floor)
    if history.lag_s > floor.lag_s:
        reasons.append(f"the recorder was {history.lag_s:.1f} s late")
    promises = floor.promises
    if history.counted:
        promises += ("P9",)
    if history.moderated:
        promises += tuple(LAWS)
        answered = sum(bool(decision.acks) for decision in history.decisions)
        if answered < floor.decisions:
            reasons.append(f"only {answered} decisions of the moderator were answered")
    if history.ruled:
        promises += tuple(RULINGS)
    if history.screened:
        promises += tuple(SCREENING)
        decided = sum(bool(choice.acks) for choice in history.choices)
        if decided < floor.decisions:
            reasons.append(f"only {decided} held comments were decided")
    reasons += [f"{name} was not judged" for name in promises if not ledger.judged[name]]
    return tuple(reasons)


def _missing_before(history: History, floor: Floor) -> Iterator[str]:
    found = rates_before(history)
    if found.comments < floor.comments:
        yield f"{found.comments:.0f} comments/s, not {floor.comments:.0f}"
    by_node = viewers_by_node(history)
    if by_node.total() < floor.viewers_per_node * history.nodes:
        yield f"{by_node.total() / history.nodes:.0f} viewers a node"
    fewest = sorted(by_node.values(), reverse=True)[: history.nodes]
    if len(fewest) < history.nodes or min(fewest) < floor.viewers_per_node / 2:
        yield f"a node had too few viewers: {dict(by_node)}"
    low, high = floor.deliveries
    if not low <= found.deliveries <= high:
        yield f"{found.deliveries:.0f} deliveries/s"


def _missing_after(history: History, floor: Floor) -> Iterator[str]:
    found = rates_after(history)
    if found.seconds < floor.calm_s:
        yield f"only {found.seconds:.1f} s of calm after a fault"
    if found.comments < floor.comments * _AFTERWARDS:
        yield f"{found.comments:.0f} comments/s in the calm after a fault"
    if found.deliveries < floor.deliveries[0] * _AFTERWARDS:
        yield f"{found.deliveries:.0f} deliveries/s in the calm after a fault"
    calls = calls_long_after_faults(history)
    if "P6" in floor.promises and calls < floor.calls:
        yield f"P6: only {calls} calls of nodes long enough after a fault"
    counts = counts_in_calm(history)
    if history.counted and counts < floor.counts:
        yield f"P9: only {counts} counts of viewers long enough after a fault"


def _rates(history: History, spans: list[Span]) -> Rates:
    seconds = sum(end - begin for begin, end in spans)
    if seconds <= 0:
        return Rates(0.0, 0.0, 0.0)
    acked = sum(acks_between(history, begin, end) for begin, end in spans)
    shown = sum(
        deliveries_between(watch, begin, end) for watch in history.watches for begin, end in spans
    )  # fmt: skip
    return Rates(seconds, acked / seconds, shown / seconds)
