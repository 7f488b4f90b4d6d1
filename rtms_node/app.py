"""The node as a process: Node, stream listener, ops, and the wiring of its topology."""

from __future__ import annotations

from functools import partial
from typing import Any

from identity.build import build_readers
from identity.revocations import Revocations
from rtms_node.config import Config
from rtms_node.drain import drain_viewers
from rtms_node.figures import describe_streams, find_viewers
from rtms_node.node import Node
from rtms_node.revoked import follow_revocations, learn_revocations
from rtms_node.stream_listener import StreamListener
from rtms_node.viewer_counts import ViewerCounts, report_last
from rtms_node.wiring import wire_up
from service.edge_metrics import export_edge
from service.metrics import Exports
from service.ops import OpsServer
from service.shell import Shell

_CLOSE_WITHIN_S = 1.0


class NodeService:
    """See service.runner.Service."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._shell = shell = Shell(config.service)
        self.health, self.tasks = shell.health, shell.tasks
        self._wiring, self._revocations = wire_up(config, shell), Revocations(known=False)
        self._node = Node(
            config.service.id,
            config.limits,
            config.antientropy,
            self._wiring.source,
            self._wiring.feed,
            self.tasks,
            shell.registry,
            on_reachable=self._on_store,
        )
        self._listener = StreamListener(
            self._node.hub,
            config.edge,
            config.service.public_host,
            config.public_port,
            readers=build_readers(config.reading, shell.registry, self._revocations),
        )
        self._counts: ViewerCounts | None = None
        self._revocations.on_change = lambda: self._node.hub.ends.revoke(self._revocations)
        self._revocations.on_change()  # they are not known yet
        find_videos = partial(find_viewers, self._node.hub)
        self._ops = OpsServer(
            config.service, self.health, shell.registry, self._describe, find_videos
        )
        Exports(shell.registry).counter(
            "connections_refused", "Too many at once", lambda: self._listener.refused
        )
        export_edge(shell.registry, config.edge)

    async def start(self) -> None:
        """Bind, connect, announce; returns when ready."""
        self._shell.start()
        await self._ops.start()
        self._node.start()
        await self._wiring.start(self._node)
        if self._config.viewer_counts:
            writers = self._wiring.source
            self._counts = self._node.count_viewers(writers)
            writers.carry(self._counts)
        if self._config.reading.keys is not None:
            await learn_revocations(self._wiring.source, self._revocations)
            watch = follow_revocations(self._wiring.source, self._revocations)
            self.tasks.spawn(watch, "revocations")
        await self._listener.start()
        await self._wiring.announce()

    async def drain(self) -> None:
        """Not ready, wait for the gateway, send viewers away evenly, say so, withdraw."""
        if self._counts is not None:
            self._counts.hurry()
        await drain_viewers(
            self._node.hub, self._config.drain_notice_s, self._config.drain_window_s
        )
        if self._counts is not None:
            await report_last(self._counts, self._wiring.source)
        await self._wiring.withdraw()

    async def stop(self) -> None:
        """Release everything. Idempotent."""
        await self._listener.stop()
        self._node.close()
        await self._node.hub.wait_empty(_CLOSE_WITHIN_S)
        await self.tasks.aclose()
        await self._wiring.stop()
        await self._ops.stop()

    def _on_store(self, reachable: bool) -> None:
        self.health.mark("store", None if reachable else "unreachable")

    def _describe(self) -> dict[str, Any]:
        wiring = self._wiring.describe()
        return (
            wiring
            | describe_streams(self._node.hub, self._node.stats)
            | {
                "queues": wiring["queues"] | self._node.queues,
                "public_port": self._listener.port,
            }
        )
