"""Where the design stops scaling: every bound that a plan comes near, and what comes after it.

Invariants: each limit is a figure of the forecast over the figure at which it bites. A share over 1
means that the plan does not work, whatever the number of machines: sizing has been done already, so
what is left is what more processes do not help.
"""

from __future__ import annotations

from dataclasses import dataclass

from coordination.registrar import AUDIT_EVERY_S
from coordination.routing_table import MAX_ROUTES
from planner.constants import Constants
from planner.demand import gathered
from planner.model import NODE, TO_ZOOKEEPER, ZOOKEEPER, Forecast
from planner.size import Plan
from rtms_node.limits import Limits

# The longest record ZooKeeper reads back: jute.maxbuffer and as much again. Tried on 3.8: the end
# of a session with 1.9 MB of ephemeral paths is survived; after one with 2.3 MB the server does not
# start any more.
JUTE_MAX_BYTES = 2 * 0xFFFFF
ROUND_S = 0.2  # what a comment may wait for its turn among the nodes
READABLE_PER_S = 20.0  # comments of one video that anybody can follow
CHECKS_PER_NODE = 250.0  # a tenth of a core, at some 0.4 ms for each check by a gateway
DESCRIPTORS = 20_000.0
ONE_PARTITION_PER_S = 13_000.0  # Cassandra, one video: docs/performance.md
_LENGTH_BYTES = 4.0
_VIDEOS_PATH = len("/livecomments/videos/") + 11 + 1  # with an id of 11 characters


@dataclass(frozen=True, slots=True)
class Limit:
    """`now` of `bites_at`, in `unit`; `after` is what to build then."""

    what: str
    unit: str
    now: float
    bites_at: float
    after: str

    @property
    def share(self) -> float:
        """1 is where it bites."""
        return self.now / self.bites_at


def limits_of(plan: Plan, constants: Constants | None = None) -> list[Limit]:
    """All limits, the nearest first."""
    c = constants or Constants()
    found = [
        *_of_hot_video(plan.forecast, c),
        *_of_zookeeper(plan, c),
        *_of_processes(plan, c),
    ]
    return sorted(found, key=lambda limit: limit.share, reverse=True)


def _of_hot_video(found: Forecast, c: Constants) -> list[Limit]:
    """One video has one writer, one dispatcher, one partition, and every viewer gets all of it."""
    rate, nodes = found.placement.busiest_per_s, found.placement.widest
    batches = gathered(rate, c.commit_s)
    requests = gathered(batches, c.loop_turn_s)
    forwarding = batches * c.dispatcher_batch + nodes * (
        requests * c.dispatcher_forward + batches * c.dispatcher_added_batch
    )
    return [
        Limit(
            "hottest video: its dispatcher (beyond this its batches grow)",
            "cores",
            forwarding,
            1.0,
            "a tree: that dispatcher forwards to sqrt(nodes) others, each to its share of nodes",
        ),
        Limit(
            "hottest video: one round of its dispatcher over all its nodes",
            "s",
            nodes * c.dispatcher_forward,
            ROUND_S,
            "the same tree; until then placement by hash, which spreads it over fewest nodes",
        ),
        Limit(
            "hottest video: its writer",
            "cores",
            rate * c.writer_post + batches * c.writer_batch,
            1.0,
            "several writers for a hot video (correct today, since the store assigns the numbers)",
        ),
        Limit(
            "hottest video: its partition in the store",
            "comments/s",
            rate,
            ONE_PARTITION_PER_S,
            "comments of one video in several numbered lanes",
        ),
        Limit(
            "hottest video: what a person can read",
            "comments/s",
            rate,
            READABLE_PER_S,
            "show each viewer a sample above some rate; everything stays in the history",
        ),
    ]


def _of_zookeeper(plan: Plan, c: Constants) -> list[Limit]:
    found, rates = plan.forecast, plan.forecast.rates
    used, servers = plan.machine.used, found.shape.zookeepers
    held = max(found.placement.loads.registrations)
    cells = "cells: each with its own ZooKeeper, nodes and share of the videos"
    return [
        Limit(
            "ZooKeeper: registrations that change",
            "changes/s",
            rates.zookeeper_changes,
            used / c.zookeeper_change,  # one leader orders them, one after another
            f"a longer linger for small rooms; {cells}",
        ),
        Limit(
            f"ZooKeeper: reads, mostly audits every {AUDIT_EVERY_S:.0f} s",
            "reads/s",
            rates.zookeeper_reads,
            used * plan.machine.cores * servers / c.zookeeper_read,
            "audit less often (anti-entropy checks heal meanwhile); observers",
        ),
        Limit(
            "ZooKeeper: bytes of these reads (nodes of a video, squared)",
            "bytes/s",
            found.links[TO_ZOOKEEPER].bytes,
            used * plan.machine.link_bytes_per_s * servers,
            "audit a registration by its own path, not by its parent's children",
        ),
        Limit(
            "ZooKeeper: memory",
            "bytes",
            found.stages[ZOOKEEPER].memory_bytes,
            used * plan.machine.memory_bytes,
            cells,
        ),
        Limit(
            "ZooKeeper: registrations of one session when it ends (ZOOKEEPER-4306)",
            "bytes",
            held * (_VIDEOS_PATH + c.node_name_bytes + _LENGTH_BYTES),
            JUTE_MAX_BYTES,
            "a higher jute.maxbuffer on every server, or fewer videos a node",
        ),
    ]


def _of_processes(plan: Plan, c: Constants) -> list[Limit]:
    found, shape = plan.forecast, plan.forecast.shape
    return [
        Limit(
            "nodes: CPU of the busiest",
            "cores",
            found.stages[NODE].busiest,
            plan.machine.used,
            "more nodes while a hot video spreads; then write less often (a longer tick)",
        ),
        Limit(
            "nodes: videos of the busiest",
            "videos",
            max(found.placement.loads.registrations),
            float(Limits().max_videos),
            "hash instead of round robin; more nodes",
        ),
        Limit(
            "nodes: health checks by all gateways",
            "checks/s",
            shape.gateways * 1.0,
            CHECKS_PER_NODE,
            "cells: a gateway that knows only the nodes of its cell",
        ),
        Limit(
            "dispatchers: routes of each",
            "routes",
            found.rates.routes / shape.dispatchers,
            float(MAX_ROUTES),
            "more dispatchers",
        ),
        Limit(
            "dispatchers: connections to nodes",
            "descriptors",
            float(shape.nodes),
            DESCRIPTORS,
            "a tree of dispatchers, or cells",
        ),
        Limit(
            "SQLite: writers on one host",
            "writers",
            float(shape.writers),
            float(plan.machine.cores),
            "Cassandra, with writers on any number of hosts",
        ),
    ]
