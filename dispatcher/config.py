"""A dispatcher's configuration; every default is here or in `sender` and `outbox`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dispatcher.outbox import OutboxLimits
from dispatcher.sender import SenderConfig
from service.config import EnvReader, ServiceConfig
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
    sender: SenderConfig

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Config:
        """Raises ConfigError with every fault at once."""
        env = EnvReader(environ)
        standard = OutboxLimits()
        config = cls(
            service=ServiceConfig.read(env, Role.DISPATCHER, announced=True),
            zookeeper=env.servers("ZOOKEEPER", "127.0.0.1:2181", 2181),
            zookeeper_session_s=env.number("ZOOKEEPER_SESSION_S", 6, 1, 60),
            route_wait_s=env.number("ROUTE_WAIT_S", 2, 0.1, 10),
            drain_serve_s=env.number("DRAIN_SERVE_S", 2, 0, 60),
            drain_flush_s=env.number("DRAIN_FLUSH_S", 2, 0, 60),
            sender=SenderConfig(
                limits=OutboxLimits(
                    # One batch of the largest kind must fit.
                    max_bytes=env.integer("QUEUE_MIB", 8, 4, 1024) * _MIB,
                    max_batches=env.integer("QUEUE_BATCHES", standard.max_batches, 1, 1_000_000),
                    max_age_s=env.number("QUEUE_AGE_S", standard.max_age_s, 0.1, 60),
                ),
                deadline_s=env.number("FORWARD_DEADLINE_S", 2, 0.1, 30),
            ),
        )
        env.done()
        return config
