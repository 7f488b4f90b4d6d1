"""The comparison for people (one table) and for machines (everything)."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence

from rich import box
from rich.table import Table

from bench.topologies.results import Heal, Measured, Sample

_SEPARATE = ("writer", "dispatcher", "node")  # our own processes; or all of them in one:
_ALONE = "single"
_OURS = (*_SEPARATE, _ALONE)
_BUS = ("redis", "zookeeper")

Rows = list[tuple[str, str]]


def rows(one: Measured) -> Rows:
    """Figure and value of one topology, for the table."""
    sample = one.main
    if sample is None:
        return []
    return [
        ("nodes", f"{sample.nodes}"),
        ("processes between writer and node", f"{one.hops}"),
        *_paths("", sample),
        ("CPU seconds per 1,000 comments", _cpu(sample)),
        ("  of these: writer, dispatcher, node", _ours(sample)),
        (
            "  of these: Redis or ZooKeeper; HAProxy",
            f"{_cpu(sample, *_BUS)} / {_cpu(sample, 'haproxy')}",
        ),
        ("idle CPU, % of a core", f"{100 * sum(sample.idle_cpu.values()):.1f}"),
        ("post to viewer p50 / p99, ms", _late(sample)),
        *_burst_rows(one.burst),
        ("node with most viewers killed: outage of its viewers p50 / max, s", _healed(one.heal)),
        ("memory MiB: our processes", _memory(sample, *_OURS)),
        ("memory MiB: Redis or ZooKeeper", _memory(sample, *_BUS)),
        ("subscriptions at Redis, or all znodes", f"{sample.held:.0f}" if sample.held else "-"),
    ]


def _burst_rows(burst: Sample | None) -> Rows:
    """Of comments on the hottest video alone; the same lines without figures if there are none."""
    cpu, late = (_cpu(burst), _late(burst)) if burst else ("-", "-")
    return [
        *_paths("hot video: ", burst),
        ("hot video: CPU seconds per 1,000 comments", cpu),
        ("hot video: post to viewer p50 / p99, ms", late),
    ]


def _paths(of: str, sample: Sample | None) -> Rows:
    """Where a comment goes; in one process nothing is sent."""
    arrived, wasted, sent, delivered = "-", "-", "-", "-"
    if sample is not None:
        delivered = f"{sample.deliveries / sample.comments:.1f}"
        if sample.messages:
            sent = f"{sample.messages / sample.comments:.2f}"
            arrived = f"{sample.received_per_comment:.2f}"
            wasted = f"{100 * sample.waste:.0f} %"
    return [
        (f"{of}nodes that receive a comment", arrived),
        (f"{of}of these without a viewer", wasted),
        (f"{of}messages into nodes, per comment", sent),
        (f"{of}deliveries, per comment", delivered),
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


def as_json(measured: Sequence[Measured], conditions: Mapping[str, str]) -> str:
    """Every single value."""
    report = {**conditions, "topologies": [dataclasses.asdict(one) for one in measured]}
    return json.dumps(report, indent=1) + "\n"


def _cpu(sample: Sample, *roles: str) -> str:
    """Of these roles together, or of all; nothing if there are no such processes."""
    if roles and not any(role in sample.cpu_s for role in roles):
        return "-"
    return f"{sample.cpu_ms_per_comment(*roles):.2f}"  # ms a comment is s a thousand


def _ours(sample: Sample) -> str:
    if _ALONE in sample.cpu_s:
        return f"{_cpu(sample, _ALONE)} in one"
    return " / ".join(_cpu(sample, role) for role in _SEPARATE)


def _memory(sample: Sample, *roles: str) -> str:
    found = [sample.rss_mib[role] for role in roles if role in sample.rss_mib]
    return f"{sum(found):.0f}" if found else "-"


def _healed(heal: Heal | None) -> str:
    return f"{heal.p50_ms / 1000:.1f} / {heal.max_ms / 1000:.1f}" if heal else "-"


def _late(sample: Sample) -> str:
    return f"{sample.p50_ms:.1f} / {sample.p99_ms:.0f}"
