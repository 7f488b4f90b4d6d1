"""From a placement to processes, links and CPU.

Invariants: a forecast is arithmetic on a placement (planner.placement) and on constants
(planner.constants); it has no state and measures nothing. All rates are per second, in the steady
state. What bounds one process is never averaged away: `busiest` is a stage's fullest process.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from math import exp

from coordination.registrar import AUDIT_EVERY_S
from coordination.resolver import COMPARE_EVERY_S
from coordination.routing_table import IDLE_S
from planner.constants import Constants
from planner.demand import Demand, audiences, gathered, rules
from planner.placement import Placement, place
from wire.chunks import chunk
from wire.sse import HEARTBEAT

GATEWAY, WRITER, DISPATCHER, NODE, ZOOKEEPER = STAGES = (
    "gateway",
    "writer",
    "dispatcher",
    "node",
    "zookeeper",
)
TO_VIEWERS, TO_ZOOKEEPER = "gateways to viewers", "nodes and dispatchers to ZooKeeper"


@dataclass(frozen=True, slots=True)
class Shape:
    """How many processes of each kind there are."""

    nodes: int
    dispatchers: int = 2
    writers: int = 2
    gateways: int = 1
    zookeepers: int = 1
    placement: str = "hash"

    def __post_init__(self) -> None:
        """Raises ValueError unless there is at least one of each."""
        counts = (self.nodes, self.dispatchers, self.writers, self.gateways, self.zookeepers)
        if min(counts) < 1:
            raise ValueError("there must be at least one of each process")


@dataclass(frozen=True, slots=True)
class Rates:
    """What happens, per second, and what is held. `streams`: viewers, and those that have left and
    were not missed yet; `copies`: comments times the nodes that each goes to.
    """

    streams: float
    joins: float
    comments: float
    batches: float
    copies: float
    openings: float
    forwards: float
    deliveries: float
    writes: float
    beats: float
    heads: float
    registrations: float
    routes: float
    route_reads: float
    znodes: float
    zookeeper_changes: float
    zookeeper_reads: float


@dataclass(frozen=True, slots=True)
class Stage:
    """All processes of one kind: CPU in cores, of all together and of the busiest one; memory of
    the largest one in bytes, the kernel's included.
    """

    name: str
    processes: int
    cores: float
    busiest: float
    memory_bytes: float


@dataclass(frozen=True, slots=True)
class Link:
    """What goes from one kind of process to another, all of them together."""

    name: str
    messages: float
    bytes: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """Everything predicted for one demand and one shape; `node_cores` of each node."""

    demand: Demand
    shape: Shape
    placement: Placement
    rates: Rates
    stages: dict[str, Stage]
    links: dict[str, Link]
    node_cores: array[float]


def forecast(demand: Demand, shape: Shape, constants: Constants | None = None) -> Forecast:
    """Place the viewers and count. Takes time in proportion to videos and nodes."""
    constants = constants or Constants()
    placement = place(audiences(demand), shape.nodes, shape.placement, rules(constants))
    return count(demand, shape, placement, constants)


def count(demand: Demand, shape: Shape, placement: Placement, constants: Constants) -> Forecast:
    """The forecast for viewers that have been placed."""
    rates = _rates(demand, shape, placement, constants)
    cores = _node_cores(shape, placement, rates, constants)
    return Forecast(
        demand=demand,
        shape=shape,
        placement=placement,
        rates=rates,
        stages=_stages(demand, shape, placement, rates, cores, constants),
        links=_links(demand, placement, rates, constants),
        node_cores=cores,
    )


def _rates(demand: Demand, shape: Shape, placement: Placement, constants: Constants) -> Rates:
    loads = placement.loads
    routes, unknown = _routes(demand)
    route_reads = unknown + 2 * placement.appearing
    each = shape.dispatchers
    members = shape.nodes + shape.dispatchers + shape.writers
    changes = 2 * (placement.appearing + placement.parents_appearing)
    return Rates(
        streams=sum(loads.viewers),
        joins=demand.viewers / demand.stay_s,
        comments=placement.comments,
        batches=placement.batches,
        copies=placement.copies,
        openings=placement.appearing,
        forwards=each * sum(gathered(rate / each, constants.loop_turn_s) for rate in loads.batches),
        deliveries=sum(loads.deliveries),
        writes=sum(loads.writes),
        beats=placement.beats,
        heads=sum(loads.heads),
        registrations=placement.registrations,
        routes=routes,
        route_reads=route_reads,
        znodes=placement.registrations + placement.videos + members,
        zookeeper_changes=changes,
        zookeeper_reads=placement.registrations / AUDIT_EVERY_S
        + routes / COMPARE_EVERY_S
        + 2 * placement.appearing
        + route_reads,
    )


def _routes(demand: Demand) -> tuple[float, float]:
    """Videos that the dispatchers know, those with a comment in the time after which one is
    forgotten; and comments per second for a video that they do not know.
    """
    known = unknown = 0.0
    for _, share, count in demand.steps():
        rate = demand.comments_per_s * share
        forgotten = exp(-min(rate * IDLE_S, 700.0))
        known += count * (1.0 - forgotten)
        unknown += count * rate * forgotten
    return known, unknown


def _node_cores(
    shape: Shape, placement: Placement, rates: Rates, constants: Constants
) -> array[float]:
    """CPU of each node. Joins, beats and changes are spread as the viewers are."""
    loads, each = placement.loads, shape.dispatchers
    streams = rates.streams or 1.0
    per_viewer = (
        rates.joins * constants.node_accept
        + rates.beats * constants.node_write
        + placement.appearing * constants.node_opening
    ) / streams
    return array(
        "d",
        (
            constants.node_idle
            + viewers * per_viewer
            + each * gathered(batches / each, constants.loop_turn_s) * constants.node_forward
            + batches * constants.node_added_batch
            + writes * constants.node_write
            + heads * constants.node_head
            for viewers, batches, writes, heads in zip(
                loads.viewers, loads.batches, loads.writes, loads.heads, strict=True
            )
        ),
    )


def _stages(
    demand: Demand,
    shape: Shape,
    placement: Placement,
    rates: Rates,
    node_cores: array[float],
    constants: Constants,
) -> dict[str, Stage]:
    c = constants
    per_gateway = rates.streams / shape.gateways
    stages = (
        _even(
            GATEWAY,
            shape.gateways,
            c.gateway_idle * shape.gateways
            + rates.comments * c.gateway_post
            + rates.joins * c.gateway_accept
            + (rates.writes + rates.beats) * c.gateway_write,
            per_gateway * (c.gateway_viewer_bytes + 2 * c.kernel_viewer_bytes),
        ),
        _even(
            WRITER,
            shape.writers,
            c.writer_idle * shape.writers
            + rates.comments * c.writer_post
            + rates.batches * c.writer_batch
            + rates.openings * c.writer_opening
            + rates.heads * c.writer_head,
            c.process_bytes,
        ),
        _even(
            DISPATCHER,
            shape.dispatchers,
            c.dispatcher_idle * shape.dispatchers
            + rates.batches * c.dispatcher_batch
            + rates.route_reads * c.dispatcher_route
            + rates.forwards * c.dispatcher_forward
            + sum(placement.loads.batches) * c.dispatcher_added_batch,
            c.process_bytes + rates.routes / shape.dispatchers * c.route_bytes,
        ),
        Stage(
            NODE,
            shape.nodes,
            sum(node_cores),
            max(node_cores),
            c.process_bytes
            + max(placement.loads.viewers) * (c.node_viewer_bytes + c.kernel_viewer_bytes)
            + max(placement.loads.registrations) * c.video_bytes,
        ),
        # Every server applies every change; clients, and so reads, are spread over them.
        _even(
            ZOOKEEPER,
            shape.zookeepers,
            c.zookeeper_idle * shape.zookeepers
            + rates.zookeeper_changes * c.zookeeper_change * shape.zookeepers
            + rates.zookeeper_reads * c.zookeeper_read,
            rates.znodes * c.znode_bytes,
        ),
    )
    return {stage.name: stage for stage in stages}


def _even(name: str, processes: int, cores: float, memory_bytes: float) -> Stage:
    return Stage(name, processes, cores, cores / processes, memory_bytes)


def _links(
    demand: Demand, placement: Placement, rates: Rates, constants: Constants
) -> dict[str, Link]:
    c, comment = constants, demand.comment_bytes
    frame = comment + c.frame_bytes
    streamed = (
        rates.deliveries * frame
        + rates.beats * len(chunk(HEARTBEAT))
        + rates.joins * (c.hello_bytes + demand.replay * frame)
    )
    packets = rates.writes + rates.beats + 2 * rates.joins
    audited = placement.squares / AUDIT_EVERY_S * c.node_name_bytes
    links = (
        Link("commenters to writers", rates.comments, rates.comments * (c.post_bytes + comment)),
        Link(
            "writers to dispatchers",
            rates.batches,
            rates.comments * comment + rates.batches * (c.batch_bytes + c.request_bytes),
        ),
        Link(
            "dispatchers to nodes",
            rates.forwards,
            rates.copies * comment
            + sum(placement.loads.batches) * c.batch_bytes
            + rates.forwards * c.request_bytes,
        ),
        Link("nodes to gateways", packets, streamed + packets * c.packet_bytes),
        Link(TO_VIEWERS, packets, streamed + packets * c.packet_bytes),
        Link("nodes to writers (heads)", rates.heads, rates.heads * c.head_bytes),
        Link(
            TO_ZOOKEEPER,
            rates.zookeeper_reads + rates.zookeeper_changes,
            (rates.zookeeper_reads + rates.zookeeper_changes) * c.znode_read_bytes + audited,
        ),
    )
    return {link.name: link for link in links}
