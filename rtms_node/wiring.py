"""How a node is connected with the rest of the system: the one place where topologies differ."""

from __future__ import annotations

from typing import Any, Protocol

from rtms_node.config import Config
from rtms_node.feed import Feed
from rtms_node.node import Node
from rtms_node.via_dispatchers import ViaDispatchers
from rtms_node.via_redis import ViaRedis
from rtms_node.writers import Writers
from service.shell import Shell
from wire.topology import PUBSUB


class Wiring(Protocol):
    """How comments find this node, and how it finds the writers. It marks `shell.health`, and tells
    the node of messages, of videos that are announced and of when to check often.
    """

    @property
    def feed(self) -> Feed:
        """Who is told which videos are served here."""

    @property
    def source(self) -> Writers:
        """Where heads, ranges and revocations are read."""

    async def start(self, node: Node) -> None:
        """Get ready to receive comments, without waiting for any other process."""

    async def announce(self) -> None:
        """Announce this node and find the others; returns when viewers may come."""

    async def withdraw(self) -> None:
        """Leave, after the last viewer. Never raises."""

    async def stop(self) -> None:
        """Release everything. Idempotent."""

    def describe(self) -> dict[str, Any]:
        """What /state tells of it; its `queues` are those of the wiring."""


def wire_up(config: Config, shell: Shell) -> Wiring:
    """The wiring of the configured topology."""
    return ViaRedis(config, shell) if config.topology in PUBSUB else ViaDispatchers(config, shell)
