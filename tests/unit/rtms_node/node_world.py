"""A hub on manual reads: nothing happens that the test does not ask for, except timers, which a
manual clock keeps in hand too.
"""

from __future__ import annotations

import asyncio
import json
import math
from dataclasses import dataclass, field
from typing import Any

from rtms_node.context import NodeContext
from rtms_node.hub import Hub
from rtms_node.limits import Limits
from rtms_node.stats import Stats
from rtms_node.stream_ends import Issue
from rtms_node.testing import ManualReads, MemorySource, RecordingTransport
from rtms_node.upkeep import Upkeep
from rtms_node.viewer import Viewer


@dataclass
class Watcher:
    """A viewer and what it was sent, decoded."""

    viewer: Viewer
    transport: RecordingTransport

    @property
    def events(self) -> list[tuple[str, str | None, Any]]:
        """(event, id, data) of each whole frame; comment lines are left out."""
        events = []
        for block in bytes(self.transport.written).decode().split("\n\n"):
            fields = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line)
            if "event" in fields:
                events.append((fields["event"], fields.get("id"), json.loads(fields["data"])))
        return events

    @property
    def seqs(self) -> list[int]:
        return [data["seq"] for event, _, data in self.events if event == "comment"]

    def named(self, name: str) -> list[tuple[str | None, Any]]:
        return [(event_id, data) for event, event_id, data in self.events if event == name]


class RecordingFeed:
    """Says yes to everything and remembers it."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []

    def subscribe(self, video_id: str) -> None:
        self.calls.append(("subscribe", video_id))

    def unsubscribe(self, video_id: str) -> None:
        self.calls.append(("unsubscribe", video_id))


@dataclass
class Node:
    """A hub, its context, its store and its clock: the one room world, of all tests of rooms."""

    limits: Limits
    store: MemorySource = field(default_factory=MemorySource)
    stats: Stats = field(default_factory=Stats)
    feed: RecordingFeed = field(default_factory=RecordingFeed)
    observed: list[float] = field(default_factory=list)
    clock: Any = field(default_factory=asyncio.get_running_loop)  # or a ManualClock

    def __post_init__(self) -> None:
        self.reads = ManualReads(self.store)
        self.context = context = NodeContext(
            "node-1", self.clock, self.limits, self.stats, self.reads, self.observed.append
        )
        self.hub = Hub(context, self.feed, lambda video_id: None)
        self.upkeep = Upkeep(context, self.hub)

    def watch(
        self,
        video_id: str = "v1",
        cursor: str | None = None,
        replay: int = 20,
        address: str = "a",
        ends_at: float = math.inf,
        issue: Issue | None = None,
    ) -> Watcher:
        transport = RecordingTransport()
        viewer = Viewer(self.hub, transport, address, cursor, replay)
        transport.protocol = viewer
        self.hub.join(viewer, video_id, ends_at, issue)
        return Watcher(viewer, transport)

    def watch_loaded(self, video_id: str = "v1", **how: Any) -> Watcher:
        """Watch, and answer the reads that this causes."""
        watcher = self.watch(video_id, **how)
        self.reads.answer_heads()
        while self.reads.ranges:
            self.reads.answer_range()
        return watcher
