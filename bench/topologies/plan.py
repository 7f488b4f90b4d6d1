"""What is measured: the topologies, and the load that all of them get."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bench.revision import OLD_REVISION
from cluster.parts import Kind, kinds_of
from cluster.settings import Settings
from wire.topology import Topology


@dataclass(frozen=True, slots=True)
class Variant:
    """One line of the table. `hops`: processes between the writer and the node. `revision`: of
    this product, if it is not the working tree that is measured.
    """

    name: str
    label: str
    topology: Topology
    placement: str
    hops: int
    revision: str = ""

    @property
    def grows(self) -> bool:
        """Whether it has nodes to add."""
        return self.topology is not Topology.SINGLE

    def settings(self, nodes: int) -> Settings:
        """The cluster on which it is measured."""
        return Settings("compare", topology=self.topology, placement=self.placement, nodes=nodes)


# The dispatcher three times: what it saves by itself, what the gateway's placement saves with it,
# and what that took while each batch was a request.
VARIANTS = (
    Variant("single", "single", Topology.SINGLE, "", 0),
    Variant("broadcast", "broadcast", Topology.BROADCAST, "round_robin", 1),
    Variant("partitioned", "partitioned", Topology.PARTITIONED, "round_robin", 1),
    Variant("gateway", "gateway", Topology.GATEWAY, "hash", 1),
    Variant("in-turn", "dispatcher, in turn", Topology.DISPATCHER, "round_robin", 1),
    Variant("dispatcher", "dispatcher", Topology.DISPATCHER, "hash", 1),
    Variant("before", "dispatcher, before links", Topology.DISPATCHER, "hash", 1, OLD_REVISION),
)


def kinds_needed(variants: Iterable[Variant]) -> list[Kind]:
    """Every program that one of them is made of."""
    found = (kind for variant in variants for kind in kinds_of(variant.settings(nodes=1)))
    return list(dict.fromkeys(found))


@dataclass(frozen=True, slots=True)
class Plan:
    """The load. Videos are chosen by Zipf's law with this exponent, by viewers and by comments;
    the same seed gives every topology the same ones.

    settle_s: after the viewers came; idle_s: without comments, to know what a cluster costs that
    has nothing to do; a step is a number of nodes; main_nodes: the step with the burst, the kill
    and the spreads, which are exponents of other audiences (0: evenly over all videos) under the
    same comments. The kill comes a second after the first comment.
    """

    steps: tuple[int, ...] = (1, 2, 4, 8)
    main_nodes: int = 4
    videos: int = 400
    viewers: int = 240
    exponent: float = 1.0
    spreads: tuple[float, ...] = (0.0, 0.5, 1.5)
    seed: int = 7
    settle_s: float = 1.5
    idle_s: float = 3.0
    comments: int = 400
    per_s: float = 100.0
    burst_comments: int = 600
    burst_per_s: float = 300.0
    heal_comments: int = 400
    heal_per_s: float = 100.0

    @property
    def text(self) -> str:
        """For people."""
        others = ", ".join(f"{exponent:g}" for exponent in self.spreads)
        return (
            f"{self.viewers} viewers and {self.videos} videos by Zipf (exponent {self.exponent:g};"
            f" at {self.main_nodes} nodes also viewers by {others}); {self.comments} comments at"
            f" {self.per_s:g}/s, then {self.burst_comments} of the hottest video at"
            f" {self.burst_per_s:g}/s, then {self.heal_comments} at {self.heal_per_s:g}/s, a node"
            " killed after a second; SQLite"
        )


FULL = Plan()
QUICK = Plan(
    steps=(1, 2),
    main_nodes=2,
    videos=40,
    viewers=24,
    spreads=(0.0,),
    settle_s=1.0,
    idle_s=1.0,
    comments=60,
    per_s=60.0,
    burst_comments=60,
    burst_per_s=100.0,
    heal_comments=120,
    heal_per_s=40.0,
)
