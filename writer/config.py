"""Configuration of a writer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from identity.config import IdentityConfig, ReadingConfig
from pages.config import PagesConfig
from service.config import EnvReader, PubSubConfig, ServiceConfig, read_viewer_counts
from service.edge import PublicEdge
from wire.roles import Role
from wire.topology import MANY_PROCESSES, Topology
from writer.rate_limit import Rates
from writer.stores import StoreConfig


def read_rates(env: EnvReader) -> Rates:
    """How much one address may ask for; off by default."""
    return Rates(
        posts=env.number("POST_RATE_PER_ADDRESS", 0, 0, 1e6),
        gets=env.number("GET_RATE_PER_ADDRESS", 0, 0, 1e6),
    )


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that a writer can be told.

    `drain_notice_s` is how long replies say `Connection: close` before the listener closes.
    """

    service: ServiceConfig
    topology: str
    public_port: int
    store: StoreConfig
    edge: PublicEdge
    rates: Rates
    identity: IdentityConfig
    reading: ReadingConfig
    pages: PagesConfig
    zookeeper: tuple[str, ...]
    zookeeper_session_s: float
    pubsub: PubSubConfig
    drain_notice_s: float
    viewer_counts: bool

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Config:
        """Read the environment; raises ConfigError with every fault in it."""
        env = EnvReader(environ)
        topology = env.choice("TOPOLOGY", Topology.DISPATCHER, MANY_PROCESSES)
        announced = topology == Topology.DISPATCHER
        service = ServiceConfig.read(env, Role.WRITER, announced=announced)
        config = cls(
            service=service,
            topology=topology,
            public_port=env.integer("PUBLIC_PORT", 0, 0, 65535),
            store=StoreConfig.read(env),
            edge=PublicEdge.read(env),
            rates=read_rates(env),
            identity=IdentityConfig.read(env, service.public_host),
            reading=ReadingConfig.read(env, issues=True),
            pages=PagesConfig.read(env, service.public_host),
            zookeeper=env.servers("ZOOKEEPER", "127.0.0.1:2181", 2181),
            zookeeper_session_s=env.number("ZOOKEEPER_SESSION_S", 6, 1, 60),
            pubsub=PubSubConfig.read(env),
            drain_notice_s=env.number("DRAIN_NOTICE_S", 3, 0, 60),
            viewer_counts=read_viewer_counts(env),
        )
        env.done()
        return config
