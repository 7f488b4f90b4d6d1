"""What each step costs: the constants of the planner, and where each of them comes from.

The defaults were measured by `python -m planner calibrate` (planner/calibrate.py) on the machine of
docs/performance.md; it prints the same names as JSON, which `--constants FILE` reads.
What is a setting of the programs (intervals, bounds) is no constant here: it is read from them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

_CALIBRATED = "python -m planner calibrate"
# Longer ones gather more and so cost less: what a busy machine shows would flatter the plan.
_QUIET = "a post's whole round trip takes 3.7 ms, docs/performance.md"
_ESTIMATE = "estimate"


def _cpu(value: float, what: str) -> Any:
    return field(default=value, metadata={"unit": "s CPU", "what": what, "source": _CALIBRATED})


def _of(value: float, unit: str, what: str, source: str = _CALIBRATED) -> Any:
    return field(default=value, metadata={"unit": unit, "what": what, "source": source})


@dataclass(frozen=True, slots=True)
class Constants:
    """CPU seconds, seconds and bytes. `*_idle` is CPU seconds per second of one process."""

    gateway_idle: float = _of(0.00564, "cores", "HAProxy with nothing to do but checks")
    gateway_post: float = _cpu(307e-6, "a post and its reply passed on")
    gateway_accept: float = _cpu(431e-6, "a stream opened and closed")
    gateway_write: float = _cpu(21.6e-6, "one write of a node passed on to its viewer")
    writer_idle: float = _of(0.00415, "cores", "a writer with nothing to do")
    writer_post: float = _cpu(288e-6, "a post checked and answered")
    writer_batch: float = _cpu(2.26e-3, "a group of one video stored and handed over")
    writer_opening: float = _cpu(3.26e-3, "what a node reads when it opens a video")
    writer_head: float = _cpu(20.5e-6, "the head of one video told to a node")
    dispatcher_idle: float = _of(0.00137, "cores", "a dispatcher with nothing to do")
    dispatcher_batch: float = _cpu(903e-6, "a batch taken and its route found")
    dispatcher_route: float = _cpu(194e-6, "a route read from ZooKeeper")
    dispatcher_forward: float = _cpu(1.06e-3, "a request to a node")
    dispatcher_added_batch: float = _cpu(0.0, "one more batch in such a request")
    node_idle: float = _of(0.00346, "cores", "a node with nothing to do")
    node_forward: float = _cpu(988e-6, "a request of a dispatcher")
    node_added_batch: float = _cpu(0.0, "one more batch in such a request")
    node_write: float = _cpu(18.6e-6, "a write to one viewer, heartbeats too")
    node_accept: float = _cpu(865e-6, "a stream opened and closed")
    node_opening: float = _cpu(4.6e-3, "a video opened: read, registered, checked")
    node_head: float = _cpu(59.9e-6, "one video compared with the store")
    zookeeper_idle: float = _of(0.00763, "cores", "a ZooKeeper server with only pings")
    zookeeper_change: float = _cpu(230e-6, "a registration or its video created or deleted")
    zookeeper_cold_change: float = _cpu(1.05e-3, "the same in a server's first minute")
    zookeeper_read: float = _cpu(36.3e-6, "the children of one video read")

    commit_s: float = _of(0.003, "s", "a group's commit", _QUIET)
    loop_turn_s: float = _of(
        0.0005, "s", "a turn of a loop, in which batches gather into one frame", _ESTIMATE
    )
    node_viewer_bytes: float = _of(
        1_620, "bytes", "of the process, a viewer", "bench/memory.py, docs/performance.md"
    )
    kernel_viewer_bytes: float = _of(5_000, "bytes", "of the kernel, an idle socket", _ESTIMATE)
    gateway_viewer_bytes: float = _of(6.08e03, "bytes", "of HAProxy, a stream")
    process_bytes: float = _of(5.07e07, "bytes", "one of our processes with nothing to do")
    video_bytes: float = _of(8_000, "bytes", "of a node, a video that it serves")
    route_bytes: float = _of(600, "bytes", "of a dispatcher, a route", _ESTIMATE)
    znode_bytes: float = _of(
        1_000, "bytes", "of ZooKeeper's heap", "cluster/servers/zookeeper.py: HEAP_MIB"
    )

    post_bytes: float = _of(
        420, "bytes", "a post without its comment", "counted, bench/http_pool.py"
    )
    frame_bytes: float = _of(
        51, "bytes", "a frame and its chunk without its comment", "rtms_node/ring.py, counted"
    )
    batch_bytes: float = _of(
        150, "bytes", "a batch without its comments", "wire/internal.py, counted"
    )
    request_bytes: float = _of(620, "bytes", "a request inside, its reply, TLS", _ESTIMATE)
    head_bytes: float = _of(45, "bytes", "of one video in a heads request and its reply", "counted")
    packet_bytes: float = _of(66, "bytes", "Ethernet, IP and TCP headers of a write", "RFC 9293")
    hello_bytes: float = _of(420, "bytes", "head of a stream's reply and its hello", "counted")
    znode_read_bytes: float = _of(80, "bytes", "a read's path and reply header", "counted")
    node_name_bytes: float = _of(14, "bytes", "a node's name in a reply of ZooKeeper", "node-12345")

    def as_rows(self) -> list[tuple[str, float, str, str, str]]:
        """Name, value, unit, what it is, where it comes from."""
        return [
            (f.name, getattr(self, f.name), f.metadata["unit"], f.metadata["what"],
             f.metadata["source"])
            for f in fields(self)
        ]  # fmt: skip


def load(path: Path) -> Constants:
    """The defaults, changed by a JSON object of numbers. Raises ValueError for anything else."""
    values = json.loads(path.read_text())
    known = {f.name for f in fields(Constants)}
    if not isinstance(values, dict) or not all(
        isinstance(value, int | float) and value >= 0 for value in values.values()
    ):
        raise ValueError(f"{path} must hold an object of numbers")
    if unknown := sorted(set(values) - known):
        raise ValueError(f"{path}: unknown constants {', '.join(unknown)}")
    return replace(Constants(), **values)
