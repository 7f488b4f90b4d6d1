"""Topologies `broadcast`, `partitioned` and `gateway`: this node hears comments from Redis, and is
told where the writers are.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from pubsub import Subscriber, channels_of
from rtms_node.config import Config
from rtms_node.node import Node
from rtms_node.writers import Writers
from service.metrics import Exports
from service.shell import Shell
from wire.topology import Topology


class ViaRedis:
    """See rtms_node.wiring.Wiring."""

    def __init__(self, config: Config, shell: Shell) -> None:
        self._shell = shell
        channels = channels_of(config.topology, config.pubsub.channels)
        heard_always = channels.all() if config.topology == Topology.BROADCAST else ()
        self.feed = Subscriber(config.pubsub.url, channels, always=heard_always)
        self.source = Writers(
            shell.new_client,
            lambda: config.writers,
            on_stores=partial(shell.health.mark, "stores"),
        )
        self._node: Node | None = None
        self._export()

    async def start(self, node: Node) -> None:
        """Begin to connect."""
        self._node = node
        await self.source.start()
        subscriber = self.feed
        subscriber.on_message(node.accept_message)
        subscriber.on_announced(node.announced)
        subscriber.on_connected(self._on_redis)
        self._shell.tasks.spawn(subscriber.run(), "subscriber")

    async def announce(self) -> None:
        """Try Redis once. A node is of use without it too: its anti-entropy checks deliver."""
        await self.feed.wait_tried()

    async def withdraw(self) -> None:
        """The subscriptions end with the connection."""

    async def stop(self) -> None:
        """The subscriber's task ends with the process's others."""
        await self.source.stop()

    def describe(self) -> dict[str, Any]:
        """How it stands with Redis."""
        return {
            "zookeeper": "none",
            "redis": "connected" if self.feed.connected else "away",
            "registered": self.feed.subscriptions,
            "queues": {"subscriptions": self.feed.pending},
        }

    def _on_redis(self, connected: bool) -> None:
        assert self._node is not None
        self._shell.health.mark("redis", None if connected else "away")
        self._node.check_often(not connected)

    def _export(self) -> None:
        exports, subscriber, stats = Exports(self._shell.registry), self.feed, self.feed.stats
        exports.gauge("redis_connected", "1 while connected", lambda: subscriber.connected)
        exports.counter("redis_failures", "Connections lost or refused", lambda: stats.failures)
        exports.gauge("subscriptions", "Channels subscribed", lambda: subscriber.subscriptions)
        exports.gauge(
            "subscriptions_pending", "Channels not yet confirmed", lambda: subscriber.pending
        )
        exports.counter("junk_messages", "Messages that are not valid", lambda: stats.junk)
