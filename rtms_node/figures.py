"""What the ops listener tells of a node's streams, in `/state` and in `/videos`."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from typing import Any

from rtms_node.hub import Hub
from rtms_node.stats import Stats
from service.cluster_map.answer import MAX_VIDEOS


def describe_streams(hub: Hub, stats: Stats) -> dict[str, Any]:
    """viewers, videos, the videos with most viewers, and totals since the start. Goes over all
    rooms: for people who ask, not for each comment.
    """
    busiest = heapq.nlargest(MAX_VIDEOS, hub.rooms.values(), key=lambda room: len(room.viewers))
    return {
        "viewers": len(hub.viewers),
        "videos": len(hub.rooms),
        "busiest": {room.video_id: len(room.viewers) for room in busiest if room.viewers},
        "totals": {"deliveries": stats.deliveries, "received": stats.received},
    }


def find_viewers(hub: Hub, video_ids: Sequence[str]) -> Mapping[str, Any]:
    """The viewers of these videos, of those that have some here."""
    rooms = [hub.rooms[video_id] for video_id in video_ids if video_id in hub.rooms]
    return {"viewers": {room.video_id: len(room.viewers) for room in rooms if room.viewers}}
