"""A dispatcher's configuration; every default is here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from service.config import EnvReader, ServiceConfig
from service.outbox import OutboxLimits
from wire.roles import Role

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Config:
    """Times in seconds."""

    service: ServiceConfig
    zookeeper: tuple[str, ...]
    zookeeper_session_s: float
    route_wait_s: float
    drain_serve_s: float
    drain_flush_s: float
    outbox: OutboxLimits
    ack_deadline_s: float

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Config:
        """Raises ConfigError with every fault at once."""
        env = EnvReader(environ)
        config = cls(
            service=ServiceConfig.read(env, Role.DISPATCHER, announced=True),
            zookeeper=env.servers("ZOOKEEPER", "127.0.0.1:2181", 2181),
            zookeeper_session_s=env.number("ZOOKEEPER_SESSION_S", 6, 1, 60),
            route_wait_s=env.number("ROUTE_WAIT_S", 2, 0.1, 10),
            drain_serve_s=env.number("DRAIN_SERVE_S", 2, 0, 60),
            drain_flush_s=env.number("DRAIN_FLUSH_S", 2, 0, 60),
            outbox=OutboxLimits(
                # One batch of the largest kind must fit.
                max_bytes=env.integer("QUEUE_MIB", 8, 4, 1024) * _MIB,
                max_batches=env.integer("QUEUE_BATCHES", 5_000, 1, 1_000_000),
                max_age_s=env.number("QUEUE_AGE_S", 5, 0.1, 60),
            ),
            ack_deadline_s=env.number("FORWARD_DEADLINE_S", 2, 0.1, 30),
        )
        env.done()
        return config
