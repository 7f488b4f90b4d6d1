"""How much memory a container may take, and what follows from that.

A node's and a Cassandra's limit follow from their variables. Of the gateway the limit is given
(GATEWAY_MIB), and how many connections it takes follows. The defaults in compose/docker-compose.yml
are what comes of no variables; a test compares.
"""

from __future__ import annotations

from collections.abc import Mapping

from cluster.parts import Kind
from cluster.servers.cassandra import read_heap_mib
from cluster.settings import CASSANDRA_HEAP
from rtms_node.config import read_limits
from service.config import EnvReader

GATEWAY_MIB = "GATEWAY_MIB"
_MIB = 1024 * 1024
# A heap's worth again for what Netty and the memtables keep outside, the rest is the JVM's own.
_CASSANDRA_BESIDE_MIB = 600
# Python, its programs, and 20,000 viewers of 20,000 videos.
_NODE_BESIDE_MIB = 320
# Room that was given back lies between frames.
_FRAMES_COST = 1.25
# HAProxy with nobody there, rounded up; and a stream, both its connections, with TLS and a buffer
# of 16 KiB in use. Measured: 14 KiB of an idle stream, 28 with TLS.
_GATEWAY_ALONE_MIB = 64
_STREAM_KIB = 64
MIN_GATEWAY_MIB = 2 * _GATEWAY_ALONE_MIB


def read_gateway_mib(env: EnvReader) -> int:
    """GATEWAY_MIB; faults are left in `env`."""
    return env.integer(GATEWAY_MIB, 1024, MIN_GATEWAY_MIB, 65_536)


def gateway_connections(mib: int) -> int:
    """How many a gateway may take on with so much memory."""
    return (mib - _GATEWAY_ALONE_MIB) * 1024 // _STREAM_KIB


def limit_mib(kind: Kind, variables: Mapping[str, str]) -> int | None:
    """Of a part with such variables; None if the compose file's fixed one is right. Raises
    ValueError for a heap that cannot be.
    """
    if kind is Kind.CASSANDRA:
        return 2 * read_heap_mib(variables.get(CASSANDRA_HEAP, "")) + _CASSANDRA_BESIDE_MIB
    if kind in (Kind.NODE, Kind.SINGLE):
        frames = read_limits(EnvReader(variables)).frame_budget_bytes / _MIB
        return _NODE_BESIDE_MIB + round(frames * _FRAMES_COST)
    if kind is Kind.HAPROXY:
        return read_gateway_mib(EnvReader(variables))
    return None
