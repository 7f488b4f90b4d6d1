"""A node's configuration; every default is here or in `limits`."""

from __future__ import annotations

import resource
from collections.abc import Mapping
from dataclasses import dataclass

from identity.config import ReadingConfig
from rtms_node.antientropy import AntiEntropyTimes
from rtms_node.limits import Limits, videos_in_budget
from service.config import EnvReader, PubSubConfig, ServiceConfig, read_viewer_counts
from service.edge import PublicEdge
from wire.roles import Peer, Role
from wire.topology import MANY_PROCESSES, PUBSUB, Topology

_RESERVED_DESCRIPTORS = 500


@dataclass(frozen=True, slots=True)
class Config:
    """Times in seconds. `writers` is for the topologies without ZooKeeper, which tells of them."""

    service: ServiceConfig
    topology: str
    public_port: int
    zookeeper: tuple[str, ...]
    zookeeper_session_s: float
    pubsub: PubSubConfig
    writers: tuple[Peer, ...]
    edge: PublicEdge
    reading: ReadingConfig
    drain_notice_s: float
    drain_window_s: float
    limits: Limits
    antientropy: AntiEntropyTimes
    viewer_counts: bool

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Config:
        """Raises ConfigError with every fault at once."""
        env = EnvReader(environ)
        topology = env.choice("TOPOLOGY", Topology.DISPATCHER, MANY_PROCESSES)
        announced = topology == Topology.DISPATCHER
        service = ServiceConfig.read(env, Role.NODE, announced=announced)
        config = cls(
            service=service,
            topology=topology,
            public_port=env.integer("PUBLIC_PORT", 0, 0, 65535),
            zookeeper=env.servers("ZOOKEEPER", "127.0.0.1:2181", 2181),
            zookeeper_session_s=env.number("ZOOKEEPER_SESSION_S", 6, 1, 60),
            pubsub=PubSubConfig.read(env),
            writers=env.peers("WRITER_ADDRESSES", Role.WRITER),
            edge=PublicEdge.read(env),
            reading=ReadingConfig.read(env, issues=False),
            drain_notice_s=env.number("DRAIN_NOTICE_S", 3, 0, 60),
            drain_window_s=env.number("DRAIN_WINDOW_S", 10, 0, 3600),
            limits=read_limits(env, registered_by=service.id if announced else ""),
            antientropy=read_antientropy(env),
            viewer_counts=read_viewer_counts(env),
        )
        if config.topology in PUBSUB and not env.words("WRITER_ADDRESSES"):
            env.fault("WRITER_ADDRESSES is not set: without ZooKeeper nobody else tells them")
        env.done()
        return config


def read_limits(env: EnvReader, *, registered_by: str = "") -> Limits:
    """The bounds that an operator may want to change. registered_by: the node that tells ZooKeeper
    of its videos; the longer its id, the fewer it can.
    """
    standard = Limits()
    max_videos = min(standard.max_videos, videos_in_budget(registered_by))
    descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    max_streams = max(descriptors - _RESERVED_DESCRIPTORS, descriptors // 2)
    return Limits(
        max_videos=env.integer("MAX_VIDEOS", max_videos, 1, 1_000_000),
        max_streams=env.integer("MAX_STREAMS", max_streams, 1, 1_000_000),
        max_streams_per_address=env.integer(
            "MAX_STREAMS_PER_ADDRESS", standard.max_streams_per_address, 1, 1_000_000
        ),
        frame_budget_bytes=env.integer("FRAME_BUDGET_MIB", 256, 1, 65_536) * 1024 * 1024,
        heartbeat_s=env.number("HEARTBEAT_S", standard.heartbeat_s, 0.1, 6),
        linger_s=env.number("LINGER_S", standard.linger_s, 0, 60),
        slow_after_s=env.number("SLOW_AFTER_S", standard.slow_after_s, 0.1, 60),
    )


def read_antientropy(env: EnvReader) -> AntiEntropyTimes:
    """How often videos are compared with the store."""
    env.renamed("PROBE_ACTIVE_S", "ANTIENTROPY_ACTIVE_S")
    env.renamed("PROBE_QUIET_S", "ANTIENTROPY_QUIET_S")
    return AntiEntropyTimes(
        active_s=env.number("ANTIENTROPY_ACTIVE_S", 2, 0.1, 60),
        quiet_s=env.number("ANTIENTROPY_QUIET_S", 10, 0.1, 600),
    )
