"""The comparison for people (one table) and for machines (everything)."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence

from rich import box
from rich.table import Table

from bench.topologies.results import Latency, Measured, Sample

_SERVERS = ("writer", "dispatcher", "node", "single")  # our own processes
_BUS = ("redis", "zookeeper")


def rows(one: Measured) -> list[tuple[str, str]]:
    """Figure and value of one topology, for the table."""
    sample = one.main
    if sample is None:
        return []
    moved = sample.messages > 0  # in one process nothing is sent
    return [
        ("nodes", f"{sample.nodes}"),
        ("processes between writer and node", f"{one.hops}"),
        ("nodes that a comment comes to", f"{sample.received_per_comment:.2f}" if moved else "-"),
        ("  of these without a viewer", f"{100 * sample.waste:.0f} %" if moved else "-"),
        ("messages into nodes, a comment", f"{sample.messages / sample.comments:.2f}"),
        ("deliveries, a comment", f"{sample.deliveries / sample.comments:.1f}"),
        ("CPU s, 1,000 comments", _cpu(sample)),
        ("  " + ", ".join(_SERVERS[:3]), " / ".join(_cpu(sample, role) for role in _SERVERS[:3])),
        ("  Redis or ZooKeeper; HAProxy", f"{_cpu(sample, *_BUS)} / {_cpu(sample, 'haproxy')}"),
        ("idle CPU, % of a core", f"{100 * sum(sample.idle_cpu.values()):.1f}"),
        ("post to viewer p50 / p99, ms", f"{sample.p50_ms:.1f} / {sample.p99_ms:.0f}"),
        ("  hot video", _two(one.burst)),
        ("a node killed: longest wait, s", f"{one.heal.max_ms / 1000:.1f}" if one.heal else "-"),
        ("memory MiB: ours", _memory(sample, *_SERVERS)),
        ("  Redis or ZooKeeper", _memory(sample, *_BUS)),
        ("subscriptions or znodes held", f"{sample.held:.0f}"),
    ]


def table(measured: Sequence[Measured]) -> Table:
    """A column for each topology that has the figures."""
    shown = Table(box=box.SIMPLE, pad_edge=False)
    shown.add_column("figure", no_wrap=True)
    complete = [one for one in measured if one.main is not None]
    for one in complete:
        shown.add_column(one.label, justify="right")
    columns = [rows(one) for one in complete]
    for line in zip(*columns, strict=True):
        shown.add_row(line[0][0], *(value for _, value in line))
    return shown


def markdown(measured: Sequence[Measured]) -> str:
    """The same table for a document, and below it what is not in it or only in part."""
    complete = [one for one in measured if one.main is not None]
    columns = [rows(one) for one in complete]
    lines = [
        "| | " + " | ".join(one.label for one in complete) + " |",
        "| --- |" + " ---: |" * len(complete),
    ]
    lines += [
        f"| {line[0][0].strip()} | " + " | ".join(value for _, value in line) + " |"
        for line in zip(*columns, strict=True)
    ]
    paragraphs = ["\n".join(lines)] if complete else []
    return "\n\n".join([*paragraphs, *failures(measured)]) + "\n"


def failures(measured: Sequence[Measured]) -> list[str]:
    """A line for each topology that was not measured, or not to the end."""
    lines = []
    for one in measured:
        if one.failure:
            how = "not measured to the end" if one.main else "not measured"
            # The end of a traceback, or of what a command said, tells most.
            lines.append(f"{one.label}: {how}: {one.failure.strip().splitlines()[-1].strip()}")
    return lines


def as_json(measured: Sequence[Measured], surroundings: Mapping[str, str]) -> str:
    """Every single value."""
    report = {**surroundings, "topologies": [dataclasses.asdict(one) for one in measured]}
    return json.dumps(report, indent=1) + "\n"


def _cpu(sample: Sample, *roles: str) -> str:
    return f"{sample.cpu_ms_per_comment(*roles):.2f}"  # ms a comment is s a thousand


def _memory(sample: Sample, *roles: str) -> str:
    found = [sample.rss_mib[role] for role in roles if role in sample.rss_mib]
    return f"{sum(found):.0f}" if found else "-"


def _two(latency: Latency | None) -> str:
    return f"{latency.p50_ms:.1f} / {latency.p99_ms:.0f}" if latency else "-"
