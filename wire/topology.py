"""The five ways in which a comment gets from the writer to the viewers' nodes."""

from __future__ import annotations

from enum import StrEnum


class Topology(StrEnum):
    """What `TOPOLOGY` may be; see docs/topologies.md."""

    SINGLE = "single"  # one process
    BROADCAST = "broadcast"  # Redis, one channel: every node hears every comment
    PARTITIONED = "partitioned"  # Redis, N channels: a node hears those of its videos
    GATEWAY = "gateway"  # as PARTITIONED; the gateway keeps a video's viewers together
    DISPATCHER = "dispatcher"  # HTTPS, to only the nodes that registered the video


PUBSUB = (Topology.BROADCAST, Topology.PARTITIONED, Topology.GATEWAY)
MANY_PROCESSES = (*PUBSUB, Topology.DISPATCHER)
