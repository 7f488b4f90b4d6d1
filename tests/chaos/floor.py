"""The load below which a run shows nothing: a system that idles keeps every promise."""

from __future__ import annotations

from dataclasses import dataclass

from tests.chaos.history import History
from tests.chaos.judge_times import deliveries_between
from tests.chaos.verdict import Ledger
from tests.support import TIMEOUT_FACTOR

ALL_PROMISES = ("P1", "P2", "P3", "P4", "P5", "P6", "P7", "P8")


@dataclass(frozen=True, slots=True)
class Floor:
    """Before the first fault: comments a second, viewers per node, deliveries a second (far
    above it the machine that records is itself the fault). `promises` must have been looked at.
    A recorder that came more than `lag_s` late to its own clock has seen everything late.
    """

    comments: float = 100.0
    viewers_per_node: float = 200.0
    deliveries: tuple[float, float] = (3_000.0, 10_000.0)
    promises: tuple[str, ...] = ALL_PROMISES
    lag_s: float = 1.0 * TIMEOUT_FACTOR


@dataclass(frozen=True, slots=True)
class Rates:
    """What was measured before the first fault."""

    seconds: float
    comments: float
    viewers: float
    deliveries: float


def rates(history: History) -> Rates:
    """The load between the beginning and the first fault."""
    begin, end = history.began_at, history.first_fault_at
    seconds = end - begin
    if seconds <= 0:
        return Rates(0.0, 0.0, 0.0, 0.0)
    acked = sum(
        begin <= call.returned_at <= end for post in history.posts for call in post.acks[:1]
    )
    watching = sum(
        any(
            s.opened_at <= end and (s.closed_at is None or s.closed_at > end) for s in watch.streams
        )
        for watch in history.watches
    )
    deliveries = sum(deliveries_between(watch, begin, end) for watch in history.watches)
    return Rates(seconds, acked / seconds, watching, deliveries / seconds)


def missing_load(history: History, ledger: Ledger, floor: Floor) -> tuple[str, ...]:
    """Why the run is void; empty if it is not."""
    found = rates(history)
    viewers = found.viewers / max(history.nodes, 1)
    low, high = floor.deliveries
    reasons = [
        (
            found.comments < floor.comments,
            f"{found.comments:.0f} comments/s, not {floor.comments:.0f}",
        ),
        (viewers < floor.viewers_per_node, f"{viewers:.0f} viewers a node"),
        (not low <= found.deliveries <= high, f"{found.deliveries:.0f} deliveries/s"),
    ]
    reasons.append((history.lag_s > floor.lag_s, f"the recorder was {history.lag_s:.1f} s late"))
    reasons += [(not ledger.judged[name], f"{name} was not judged") for name in floor.promises]
    return tuple(text for is_void, text in reasons if is_void)
