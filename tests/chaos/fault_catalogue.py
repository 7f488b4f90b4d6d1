"""Every fault that the nemesis knows by name, with its targets, its length and its bound X.

The names are what `FAULTS=` takes. Bounds, and whether anything may be observed at all
(`only_routes`: nothing), are those of the rows of docs/faults.md.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from cluster.parts import Kind
from tests.chaos.entry import ALONE, Build, Choose, Entry, Names, Place, everyone, hop, one
from tests.chaos.faults import Crash, Drain, Kill, KillLeader, Partition, Pause, Rolling, Stop
from tests.chaos.link_faults import Bent, Cut, Flaky, Hold
from tests.tcp_proxy import Bend, Direction

# What there must be for a group of faults.
_NEEDS: Mapping[str, tuple[Kind, ...]] = {
    "node": (Kind.NODE,),
    "dispatcher": (Kind.DISPATCHER,),
    "writer": (Kind.WRITER,),
    "zookeeper": (Kind.ZOOKEEPER, Kind.NODE),
    "store": (Kind.NODE, Kind.WRITER),
    "dispatch": (Kind.DISPATCHER,),
    "gateway": (),
    "redis": (Kind.REDIS,),
    "cassandra": (Kind.CASSANDRA,),
    "dynalite": (Kind.DYNALITE,),
    "single": (Kind.SINGLE,),
    ALONE: (Kind.NODE,),
}


def _crash(
    kind: Kind, bound_s: float, *points: str, only_routes: bool = False
) -> tuple[Choose, Build]:
    """The point and its count are one of the targets, so that the dice decide them too."""

    def choose(dice: random.Random, names: Names) -> Sequence[str]:
        return [dice.choice(names[kind]), f"{dice.choice(points)}:kill@{dice.randrange(5, 100)}"]

    return choose, lambda at, targets: Crash(
        at, targets[:1], bound_s, True, only_routes, point=targets[1]
    )


_OURS = (Kind.WRITER, Kind.DISPATCHER, Kind.NODE)


def _of_processes() -> dict[str, Entry]:
    """A process ends or stands still."""
    return {
        "node-kill": Entry(
            "node", (4, 10), one(Kind.NODE), lambda at, names: Kill(at, names, 5.0)
        ),
        "node-stop": Entry(
            "node", (4, 10), one(Kind.NODE), lambda at, names: Stop(at, names, 5.0)
        ),
        "node-drain": Entry(
            "node", (1, 4), one(Kind.NODE),
            lambda at, names: Drain(at, names, 0.0, only_routes=True),
        ),
        "node-pause": Entry(
            "node", (2, 3), one(Kind.NODE), lambda at, names: Pause(at, names, 4.0, True)
        ),
        "node-freeze": Entry(
            "node", (15, 25), one(Kind.NODE), lambda at, names: Pause(at, names, 20.0)
        ),
        "nodes-kill": Entry(
            "node", (2, 5), everyone(Kind.NODE), lambda at, names: Kill(at, names, 10.0, True)
        ),
        "dispatcher-kill": Entry(
            "dispatcher", (4, 10), one(Kind.DISPATCHER),
            lambda at, names: Kill(at, names, 4.0, only_routes=True),
        ),
        "dispatcher-stop": Entry(
            "dispatcher", (2, 6), one(Kind.DISPATCHER),
            lambda at, names: Drain(at, names, 4.0, only_routes=True),
        ),
        "dispatcher-freeze": Entry(
            "dispatcher", (8, 15), one(Kind.DISPATCHER),
            lambda at, names: Pause(at, names, 4.0, True, only_routes=True),
        ),
        "dispatchers-kill": Entry(
            "dispatcher", (4, 8), everyone(Kind.DISPATCHER),
            lambda at, names: Kill(at, names, 4.0, True, only_routes=True),
        ),
        "writer-kill": Entry(
            "writer", (4, 10), one(Kind.WRITER), lambda at, names: Kill(at, names, 3.0)
        ),
        "writer-stop": Entry(
            "writer", (2, 6), one(Kind.WRITER),
            lambda at, names: Drain(at, names, 0.0, only_routes=True),
        ),
        "writer-freeze": Entry(
            "writer", (2, 8), one(Kind.WRITER), lambda at, names: Pause(at, names, 6.0, True)
        ),
        "writers-kill": Entry(
            "writer", (2, 5), everyone(Kind.WRITER), lambda at, names: Kill(at, names, 3.0, True)
        ),
    }  # fmt: skip


def _of_crashes() -> dict[str, Entry]:
    """A process ends at a failpoint."""
    return {
        "writer-crash": Entry("writer", (0, 2), *_crash(
            Kind.WRITER, 3.0, "writer.before_commit", "writer.in_commit", "writer.after_commit",
            "writer.before_reply",
        )),
        "dispatcher-crash": Entry("dispatcher", (0, 2), *_crash(
            Kind.DISPATCHER, 4.0, "dispatcher.before_forward", "dispatcher.after_forward",
            only_routes=True,
        )),
        "node-crash": Entry("node", (0, 2), *_crash(
            Kind.NODE, 5.0, "node.before_append", "node.in_round",
        )),
    }  # fmt: skip


def _of_neighbours() -> dict[str, Entry]:
    """The gateway, ZooKeeper, or all one after the other."""
    return {
        "gateway-kill": Entry(
            "gateway", (0, 3), everyone(Kind.HAPROXY),
            lambda at, names: Kill(at, names, 5.0, True),
        ),
        "zookeeper-leader": Entry(
            "zookeeper", (4, 10), lambda *_: [],
            lambda at, names: KillLeader(at, names, 8.0, True, only_routes=True),
        ),
        "zookeeper-away": Entry(
            "zookeeper", (5, 20), everyone(Kind.ZOOKEEPER),
            lambda at, names: Kill(at, names, 10.0, True, only_routes=True),
        ),
        "zookeeper-freeze": Entry(
            "zookeeper", (5, 15), one(Kind.ZOOKEEPER),
            lambda at, names: Pause(at, names, 8.0, True, only_routes=True),
        ),
        "rolling": Entry(
            ALONE, (0, 1), everyone(*_OURS),
            lambda at, names: Rolling(at, names, 3.0, True, only_routes=True),
        ),
    }  # fmt: skip


def _of_links() -> dict[str, Entry]:
    """What lies between two processes."""
    return {
        "session-expiry": Entry(
            "zookeeper", (8, 12), lambda dice, names: [
                f"{dice.choice([n for kind in _OURS for n in names.get(kind, ())])}>zookeeper-*"
            ],
            lambda at, names: Hold(at, names, 3.0, True, only_routes=True), Place.LINKS,
        ),
        "sessions-flap": Entry(
            "zookeeper", (5, 10),
            lambda dice, names: [f"{dice.choice(names[Kind.NODE])}>zookeeper-*"],
            lambda at, names: Flaky(at, names, 10.0, True, True, every_s=1.0), Place.LINKS,
        ),
        "node-without-writers": Entry(
            "store", (3, 8), hop("{}>writer-*", Kind.NODE),
            lambda at, names: Hold(at, names, 5.0, True, only_routes=True), Place.LINKS,
            joins_wait=True,  # a hello of a video that is new to the node, and only that
        ),
        "node-without-dispatchers": Entry(
            "dispatch", (5, 10), hop("dispatcher-*>{}", Kind.NODE),
            lambda at, names: Hold(at, names, 4.0, True, only_routes=True), Place.LINKS,
        ),
        "node-deaf": Entry(  # it hears the calls, its answers are lost
            "dispatch", (5, 10), hop("dispatcher-*>{}", Kind.NODE),
            lambda at, names: Hold(
                at, names, 4.0, True, True, directions=frozenset({Direction.TO_CLIENT})
            ), Place.LINKS,
        ),
        "dispatcher-cut-off": Entry(
            "dispatch", (5, 10), hop("writer-*>{}", Kind.DISPATCHER),
            lambda at, names: Cut(at, names, 4.0, True, only_routes=True), Place.LINKS,
        ),
        "dispatcher-unreachable": Entry(
            "dispatch", (5, 10), hop("writer-*>{}", Kind.DISPATCHER),
            lambda at, names: Hold(at, names, 4.0, True, only_routes=True), Place.LINKS,
        ),
        "replies-lost": Entry(
            "dispatch", (5, 10), lambda *_: ["writer-*>dispatcher-*", "dispatcher-*>node-*"],
            lambda at, names: Flaky(
                at, names, 3.0, True, True, every_s=0.7, loses_replies=True
            ), Place.LINKS,
        ),
        "links-reset": Entry(
            "dispatch", (5, 10), lambda *_: ["*>dispatcher-*", "*>node-*", "*>writer-*"],
            lambda at, names: Flaky(at, names, 3.0, True, True, every_s=1.0), Place.LINKS,
        ),
        "links-slow": Entry(
            "dispatch", (5, 10), lambda *_: ["*>dispatcher-*", "*>node-*", "*>writer-*"],
            lambda at, names: Bent(at, names, 2.0, True, True), Place.LINKS,
        ),
        "links-sliced": Entry(
            "dispatch", (2, 4), lambda *_: ["*>dispatcher-*", "*>node-*"],
            lambda at, names: Bent(
                at, names, 2.0, True, True, shape=Bend(slice_bytes=61)
            ), Place.LINKS,
        ),
    }  # fmt: skip


def _of_networks() -> dict[str, Entry]:
    """A container loses its network."""
    return {
        "node-partition": Entry(
            "node", (8, 20), one(Kind.NODE), lambda at, names: Partition(at, names, 20.0, True),
            Place.NETWORKS,
        ),
        "dispatcher-partition": Entry(
            "dispatcher", (5, 12), one(Kind.DISPATCHER),
            lambda at, names: Partition(at, names, 6.0, True), Place.NETWORKS,
        ),
        "writer-partition": Entry(
            "writer", (5, 12), one(Kind.WRITER),
            lambda at, names: Partition(at, names, 6.0, True), Place.NETWORKS,
        ),
    }  # fmt: skip


def _of_stores() -> dict[str, Entry]:
    """The servers behind the writers and nodes, and the single process."""
    return {
        "redis-kill": Entry(
            "redis", (3, 10), everyone(Kind.REDIS),
            lambda at, names: Kill(at, names, 10.0, True, only_routes=True),
        ),
        "redis-freeze": Entry(
            "redis", (3, 15), everyone(Kind.REDIS),
            lambda at, names: Pause(at, names, 10.0, True, only_routes=True),
        ),
        "cassandra-kill": Entry(
            "cassandra", (2, 8), one(Kind.CASSANDRA),
            lambda at, names: Kill(at, names, 10.0, True),
        ),
        "cassandra-freeze": Entry(
            "cassandra", (3, 15), one(Kind.CASSANDRA),
            lambda at, names: Pause(at, names, 10.0, True),
        ),
        "dynalite-kill": Entry(
            "dynalite", (2, 8), one(Kind.DYNALITE),
            lambda at, names: Kill(at, names, 10.0, True),
        ),
        "dynalite-freeze": Entry(
            "dynalite", (3, 15), one(Kind.DYNALITE),
            lambda at, names: Pause(at, names, 10.0, True),
        ),
        "single-kill": Entry(
            "single", (1, 4), everyone(Kind.SINGLE),
            lambda at, names: Kill(at, names, 5.0, True),
        ),
    }  # fmt: skip


CATALOGUE = {
    **_of_processes(),
    **_of_crashes(),
    **_of_neighbours(),
    **_of_links(),
    **_of_networks(),
    **_of_stores(),
}


def available(names: Names, *, links: bool, networks: bool) -> list[str]:
    """The faults that can be done to a cluster with these parts."""
    places = {Place.ANYWHERE, *([Place.LINKS] * links), *([Place.NETWORKS] * networks)}
    return [
        name
        for name, entry in CATALOGUE.items()
        if entry.place in places and all(names.get(kind) for kind in _NEEDS[entry.group])
    ]
