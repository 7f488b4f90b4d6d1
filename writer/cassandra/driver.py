"""The driver's settings for this store: its defaults lose answers or time."""

from __future__ import annotations

import logging
import socket
import ssl

from cassandra import ConsistencyLevel
from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile
from cassandra.policies import (
    ConstantSpeculativeExecutionPolicy,
    DCAwareRoundRobinPolicy,
    ExponentialReconnectionPolicy,
    FallthroughRetryPolicy,
    TokenAwarePolicy,
)
from cassandra.query import dict_factory, tuple_factory

from writer.cassandra.config import CassandraConfig

# What is created at a start: it may wait for several servers to agree.
SCHEMA = EXEC_PROFILE_DEFAULT
SCHEMA_WITHIN_S = 10.0
READ = "read"  # and writes that may be repeated
READ_WITHIN_S = 1.5
ASK_ANOTHER_AFTER_S = 0.5  # a server that is frozen must not hold up a read
CONDITION = "condition"
CONDITION_WITHIN_S = 2.5  # the server gives up after 2 s, and its answer says more than our own
_CONNECT_WITHIN_S = 2.0
_RECONNECT_S = 0.5  # at most, from one attempt to the next: posts are refused meanwhile
_HEARTBEAT_S = 2.0  # a connection on which nothing comes back is given up after two of them
_PROTOCOL = 5


def new_cluster(config: CassandraConfig) -> Cluster:
    """A driver object that is not connected; resolves host names, so it may block.

    Raises OSError when a name cannot be resolved or a file cannot be read.
    """
    # It logs every attempt with a traceback; the session says what matters.
    logging.getLogger("cassandra").setLevel(logging.CRITICAL)
    return Cluster(
        list(config.contact_points),
        protocol_version=_PROTOCOL,
        # Without it requests of more than one segment wait for the server's delayed ACK, 40 ms.
        sockopts=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
        execution_profiles=_profiles(config),
        reconnection_policy=ExponentialReconnectionPolicy(0.25, _RECONNECT_S, max_attempts=None),
        connect_timeout=_CONNECT_WITHIN_S,
        control_connection_timeout=_CONNECT_WITHIN_S,
        idle_heartbeat_interval=_HEARTBEAT_S,
        idle_heartbeat_timeout=_HEARTBEAT_S,
        auth_provider=_auth(config),
        ssl_context=_tls(config),
    )


def level(config: CassandraConfig) -> int:
    """Of reads and commits: what has been acknowledged is in every later read."""
    return int(ConsistencyLevel.QUORUM if config.worldwide else ConsistencyLevel.LOCAL_QUORUM)


def serial_level(config: CassandraConfig) -> int:
    """Of conditions, and of reads that must also see what is under way."""
    return int(ConsistencyLevel.SERIAL if config.worldwide else ConsistencyLevel.LOCAL_SERIAL)


def _profiles(config: CassandraConfig) -> dict[object, ExecutionProfile]:
    nearest = TokenAwarePolicy(DCAwareRoundRobinPolicy(config.datacenter))

    def profile(within_s: float, **more: object) -> ExecutionProfile:
        return ExecutionProfile(
            load_balancing_policy=nearest,
            consistency_level=level(config),
            serial_consistency_level=serial_level(config),
            request_timeout=within_s,
            **more,
        )

    ask_another = ConstantSpeculativeExecutionPolicy(ASK_ANOTHER_AFTER_S, 1)
    return {
        SCHEMA: profile(SCHEMA_WITHIN_S, row_factory=tuple_factory),
        READ: profile(
            READ_WITHIN_S, row_factory=tuple_factory, speculative_execution_policy=ask_another
        ),
        # Never retried by the driver: the second attempt would only find the first one's head.
        CONDITION: profile(
            CONDITION_WITHIN_S, row_factory=dict_factory, retry_policy=FallthroughRetryPolicy()
        ),
    }


def _auth(config: CassandraConfig) -> PlainTextAuthProvider | None:
    if config.password_file is None:
        return None
    password = config.password_file.read_text().strip()
    return PlainTextAuthProvider(config.user, password)


def _tls(config: CassandraConfig) -> ssl.SSLContext | None:
    """Checks the server's certificate, which must name the address that is called."""
    if config.ca_file is None:
        return None
    return ssl.create_default_context(cafile=str(config.ca_file))
