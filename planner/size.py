"""How many processes a demand needs, on machines of a given size.

Invariants: the smallest shape in which no process is planned over what the machine allows: its
share of a core, its streams, its memory, its link. Nodes are added until the busiest one fits, for
adding nodes is all that helps it: a full node hands a hot video on to the next.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil

from cluster.servers.haproxy import MAX_CONNECTIONS, RESERVED_CONNECTIONS
from planner.constants import Constants
from planner.demand import Demand
from planner.model import (
    DISPATCHER,
    GATEWAY,
    NODE,
    TO_VIEWERS,
    WRITER,
    Forecast,
    Shape,
    count,
    forecast,
)
from rtms_node.limits import Limits

MAX_NODES = 20_000
STREAMS_PER_GATEWAY = MAX_CONNECTIONS - RESERVED_CONNECTIONS
_BALANCE = 1.25
_ROUNDS = 8
_AT_LEAST = 2  # of each kind: one may die


@dataclass(frozen=True, slots=True)
class Machine:
    """One machine: a node, a writer and a dispatcher use one of its `cores` each, a gateway all.
    `used` is the share of a core (and of a link) that is planned for.
    """

    cores: int = 8
    memory_bytes: float = 32e9
    link_bytes_per_s: float = 10e9 / 8
    viewers_per_node: float = float(Limits().max_streams)
    used: float = 0.6
    price_per_hour: float = 0.0

    def __post_init__(self) -> None:
        """Raises ValueError for a machine that can hold nothing."""
        if self.cores < 1 or not 0 < self.used <= 1:
            raise ValueError("a machine needs a core, and a share of it between 0 and 1")
        if min(self.memory_bytes, self.link_bytes_per_s, self.viewers_per_node) <= 0:
            raise ValueError("memory, link and viewers per node must be more than nothing")


@dataclass(frozen=True, slots=True)
class Plan:
    """The forecast for the shape that was found; `fits` is False if none was (`MAX_NODES`)."""

    machine: Machine
    forecast: Forecast
    fits: bool

    def machines(self, stage: str) -> int:
        """How many machines its processes fill, by cores or by memory. Raises KeyError."""
        one = self.forecast.stages[stage]
        each = self.machine.cores if stage == GATEWAY else 1
        by_memory = one.processes * one.memory_bytes / self.machine.memory_bytes
        return ceil(max(one.processes * each / self.machine.cores, by_memory))

    def cost_per_hour(self, stage: str) -> float:
        """In the unit of the machine's price."""
        return self.machines(stage) * self.machine.price_per_hour


def find_plan(
    demand: Demand,
    machine: Machine,
    constants: Constants | None = None,
    placement: str = "hash",
    nodes: int | None = None,
) -> Plan:
    """The smallest shape, or the one with `nodes` nodes. Each of a few tries places all viewers."""
    constants = constants or Constants()
    shape = Shape(nodes or _fewest_nodes(demand, machine, constants), placement=placement)
    found = _with_others(forecast(demand, shape, constants), machine, constants)
    for _ in range(_ROUNDS):
        over = _over(found, machine)
        if nodes or over <= 1.0 or found.shape.nodes >= MAX_NODES:
            break
        more = min(ceil(found.shape.nodes * min(max(over**1.3, 1.05), 4.0)), MAX_NODES)
        shape = replace(found.shape, nodes=more)
        found = _with_others(forecast(demand, shape, constants), machine, constants)
    return Plan(machine, found, _over(found, machine) <= 1.0)


def _fewest_nodes(demand: Demand, machine: Machine, constants: Constants) -> int:
    per_viewer = constants.node_viewer_bytes + constants.kernel_viewer_bytes
    by_memory = machine.memory_bytes / machine.cores * machine.used / per_viewer
    each = min(machine.viewers_per_node / _BALANCE, by_memory)
    return min(max(ceil(demand.viewers / each), _AT_LEAST), MAX_NODES)


def _over(found: Forecast, machine: Machine) -> float:
    """How far the busiest node is over what it may use; 1 is just as much."""
    node = found.stages[NODE]
    streams = max(found.placement.loads.viewers)
    link = found.links[TO_VIEWERS].bytes / max(found.rates.streams, 1.0)
    return max(
        node.busiest / machine.used,
        streams / machine.viewers_per_node,
        node.memory_bytes / (machine.memory_bytes / machine.cores),
        link * streams / (machine.link_bytes_per_s * machine.used / machine.cores),
    )


def _with_others(found: Forecast, machine: Machine, constants: Constants) -> Forecast:
    """The same nodes, with as many of the other processes as they need."""
    shape = found.shape
    for _ in range(2):  # the fewer dispatchers, the fewer and larger the forwards
        cores = {name: stage.cores / machine.used for name, stage in found.stages.items()}
        egress = found.links[TO_VIEWERS].bytes / machine.link_bytes_per_s / machine.used
        shape = replace(
            shape,
            dispatchers=max(ceil(cores[DISPATCHER]), _AT_LEAST),
            writers=max(ceil(cores[WRITER]), _AT_LEAST),
            gateways=max(
                ceil(cores[GATEWAY] / machine.cores),
                ceil(found.rates.streams / STREAMS_PER_GATEWAY),
                ceil(egress),
                _AT_LEAST,
            ),
            zookeepers=3,
        )
        found = count(found.demand, shape, found.placement, constants)
    return found
