"""Topologies `broadcast`, `partitioned` and `gateway`: comments are published on Redis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pubsub import Publisher, channels_of
from service.metrics import Exports
from service.shell import Shell
from writer.config import Config


class ViaRedis:
    """See writer.wiring.Wiring. Nodes are told the writers' addresses, so nothing is announced."""

    def __init__(self, config: Config, shell: Shell) -> None:
        channels = channels_of(config.topology, config.pubsub.channels)
        self.sink = Publisher(config.pubsub.url, channels, shell.tasks)
        stats, exports = self.sink.stats, Exports(shell.registry)
        exports.gauge("redis_connected", "1 while connected", lambda: self.sink.connected)
        exports.counter("redis_failures", "Connections lost or refused", lambda: stats.failures)
        exports.counter("published", "Batches published", lambda: stats.batches)
        exports.counter("published_messages", "Messages with these batches", lambda: stats.messages)
        exports.counter(
            "published_heard", "Nodes that received these messages, summed", lambda: stats.receivers
        )
        exports.counters(
            "publish_dropped",
            "Batches dropped; anti-entropy checks deliver them",
            "reason",
            lambda: stats.dropped,
        )

    @property
    def problems(self) -> Mapping[str, str | None]:
        """Redis."""
        return {"redis": None if self.sink.connected else "away"}

    async def start(self) -> None:
        """Nothing to learn: the sink connects by itself."""

    async def announce(self, internal_port: int) -> None:
        """Nobody asks."""

    async def withdraw(self) -> None:
        """Nodes try another writer when this one does not answer."""

    async def stop(self) -> None:
        """The sink's task ends with the process's others."""

    def describe(self) -> dict[str, Any]:
        """How it stands with Redis."""
        return {"zookeeper": "none", "redis": "connected" if self.sink.connected else "away"}
