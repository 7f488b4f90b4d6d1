"""Configuration of the single process: what a writer and a node are told, where it makes sense."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from identity.config import IdentityConfig, ReadingConfig
from pages.config import PagesConfig
from rtms_node.antientropy import AntiEntropyTimes
from rtms_node.config import read_antientropy, read_limits
from rtms_node.limits import Limits
from service.config import EnvReader, ServiceConfig, read_viewer_counts
from service.edge import PublicEdge
from wire.roles import Role
from writer.config import read_rates
from writer.rate_limit import Rates
from writer.stores import StoreConfig

# There is one of it and nobody looks for it by name, so it needs none.
_NAME = {"SERVICE_ID": "single-1"}


@dataclass(frozen=True, slots=True)
class Config:
    """Times in seconds.

    drain_notice_s: how long it goes on when asked to stop, for a load balancer in front to notice;
    drain_window_s: how long it takes to send all viewers away.
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
    drain_notice_s: float
    drain_window_s: float
    limits: Limits
    antientropy: AntiEntropyTimes
    viewer_counts: bool

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Config:
        """Read the environment; raises ConfigError with every fault in it."""
        env = EnvReader(_NAME | {name: value for name, value in environ.items() if value})
        service = ServiceConfig.read(env, Role.SINGLE)
        config = cls(
            service=service,
            topology=env.choice("TOPOLOGY", "single", ("single",)),
            public_port=env.integer("PUBLIC_PORT", 8080, 0, 65535),
            store=StoreConfig.read(env, "comments.sqlite3"),
            edge=PublicEdge.read(env, always_behind_gateway=False),
            rates=read_rates(env),
            identity=IdentityConfig.read(env, service.public_host),
            reading=ReadingConfig.read(env, issues=True),
            pages=PagesConfig.read(env, service.public_host),
            drain_notice_s=env.number("DRAIN_NOTICE_S", 0, 0, 60),
            drain_window_s=env.number("DRAIN_WINDOW_S", 2, 0, 3600),
            limits=read_limits(env),
            antientropy=read_antientropy(env),
            viewer_counts=read_viewer_counts(env),
        )
        env.done()
        return config
