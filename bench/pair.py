"""Two revisions of this product side by side, and the rows that compare them.

Where the older one cannot be had, rows come without it, and nothing is judged by it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Generic, TypeVar

from bench.effort import Effort
from bench.figures import Beside, Measured, On, Row, Target, measured
from bench.revision import Tree, unpacked, why_missing, working_tree
from bench.tree_cluster import cluster_of
from cluster.cluster import Cluster

OURS, OLD = "ours", "old"  # sides of a benchmark
_DIGITS = 2

T = TypeVar("T")


def trees(stack: ExitStack, effort: Effort) -> tuple[Tree, Tree | None]:
    """Ours, and the older one; None if there is none here. Raises BenchFailed."""
    ours = stack.enter_context(unpacked(effort.ours)) if effort.ours else working_tree()
    if not effort.peer or why_missing(effort.peer):
        return ours, None
    return ours, stack.enter_context(unpacked(effort.peer))


def started(stack: ExitStack, ours: Tree, old: Tree | None) -> dict[str, Cluster]:
    """A cluster of three nodes of each, by side; `stack` stops them. Raises BenchFailed."""
    wanted = {OURS: ours} if old is None else {OURS: ours, OLD: old}
    return {name: stack.enter_context(cluster_of(tree, nodes=3)) for name, tree in wanted.items()}


@dataclass(frozen=True, slots=True)
class Pair(Generic[T]):
    """What was measured of both, repeat by repeat. `old` is empty where there is none; `name` is
    the older revision's.
    """

    ours: Sequence[T]
    old: Sequence[T]
    name: str

    def row(
        self, figure: str, pick: Callable[[T], float], unit: str, target: Target | None = None
    ) -> Row:
        """One figure of both."""
        ours = _all(self.ours, pick, unit)
        if self.old:
            return Row(
                figure, ours, peer=Beside(self.name, _all(self.old, pick, unit)), target=target
            )
        judged = None if target is not None and target.on is On.PEER else target
        return Row(figure, ours, target=judged)

    def ratio_row(self, figure: str, pick: Callable[[T], float], unit: str, at_most: float) -> Row:
        """The same, to be at most so many times the older one's."""
        return self.row(figure, pick, unit, Target(at_most, "times", on=On.PEER))


def pair_of(done: Sequence[dict[str, T]], old: Tree | None) -> Pair[T]:
    """Of what each repeat found, by side."""
    return Pair(
        [one[OURS] for one in done],
        [one[OLD] for one in done if old is not None],
        old.name if old is not None else "",
    )


def _all(done: Sequence[T], pick: Callable[[T], float], unit: str) -> Measured:
    return measured([pick(one) for one in done], unit, _DIGITS)
