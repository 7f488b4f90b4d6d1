"""The comparison for people (one table) and for machines (everything)."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from statistics import median

from rich import box
from rich.table import Table

from bench.topologies.results import Heal, Measured, Sample

_SEPARATE = ("writer", "dispatcher", "node")  # our own processes; or all of them in one:
_ALONE = "single"
_OURS = (*_SEPARATE, _ALONE)
_BUS = ("redis", "zookeeper")

Rows = list[tuple[str, str]]


def rows(*repeats: Measured) -> Rows:
    """Figure and value of one topology, for the table: medians, with the lowest and the highest."""
    samples = [one.main for one in repeats if one.main is not None]
    if not samples:
        return []
    bursts = [one.burst for one in repeats if one.burst is not None]
    heals = [one.heal for one in repeats if one.heal is not None]
    return [
        ("nodes", f"{samples[0].nodes}"),
        ("processes between writer and node", f"{repeats[0].hops}"),
        *_paths("", samples),
        ("CPU seconds per 1,000 comments", _cpu(samples)),
        ("  of these: writer, dispatcher, node", _ours(samples)),
        (
            "  of these: Redis or ZooKeeper; HAProxy",
            f"{_cpu(samples, *_BUS)} / {_cpu(samples, 'haproxy')}",
        ),
        ("idle CPU, % of a core", _idle(samples)),
        ("post to viewer p50 / p99, ms", _late(samples)),
        *_burst_rows(bursts),
        ("node with most viewers killed: outage of its viewers p50 / max, s", _healed(heals)),
        ("memory MiB: our processes", _memory(samples, *_OURS)),
        ("memory MiB: Redis or ZooKeeper", _memory(samples, *_BUS)),
        ("subscriptions at Redis, or all znodes", _held(samples)),
    ]


def _burst_rows(bursts: Sequence[Sample]) -> Rows:
    """Of comments on the hottest video alone; the same lines without figures if there are none."""
    return [
        *_paths("hot video: ", bursts),
        ("hot video: CPU seconds per 1,000 comments", _cpu(bursts)),
        ("hot video: post to viewer p50 / p99, ms", _late(bursts)),
    ]


def _paths(of: str, samples: Sequence[Sample]) -> Rows:
    """Where a comment goes; in one process nothing is sent."""
    sent = [one for one in samples if one.messages]
    return [
        (
            f"{of}nodes that receive a comment",
            _spread("{:.2f}", [one.received_per_comment for one in sent]),
        ),
        (
            f"{of}of these without a viewer",
            _spread("{:.0f}", [100 * one.waste for one in sent], " %"),
        ),
        (
            f"{of}messages into nodes, per comment",
            _spread("{:.2f}", [one.messages / one.comments for one in sent]),
        ),
        (
            f"{of}deliveries, per comment",
            _spread("{:.1f}", [one.deliveries / one.comments for one in samples]),
        ),
    ]


def grouped(measured: Sequence[Measured]) -> dict[str, list[Measured]]:
    """Label -> the repeats that have the figures."""
    found: dict[str, list[Measured]] = {}
    for one in measured:
        if one.main is not None:
            found.setdefault(one.label, []).append(one)
    return found


def table(measured: Sequence[Measured]) -> Table:
    """A column for each topology that has the figures."""
    shown = Table(box=box.SIMPLE, pad_edge=False)
    shown.add_column("figure", no_wrap=True)
    complete = grouped(measured)
    for label in complete:
        shown.add_column(label, justify="right")
    columns = [rows(*repeats) for repeats in complete.values()]
    for line in zip(*columns, strict=True):
        shown.add_row(line[0][0], *(value for _, value in line))
    return shown


def markdown(measured: Sequence[Measured]) -> str:
    """The same table for a document, and below it what is not in it or only in part."""
    complete = grouped(measured)
    columns = [rows(*repeats) for repeats in complete.values()]
    lines = [
        "| | " + " | ".join(complete) + " |",
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
            label = one.label if one.repeat == 1 else f"{one.label}, repeat {one.repeat}"
            how = "not measured to the end" if one.main else "not measured"
            # The end of a traceback, or of what a command said, tells most.
            lines.append(f"{label}: {how}: {one.failure.strip().splitlines()[-1].strip()}")
    return lines


def as_json(measured: Sequence[Measured], conditions: Mapping[str, str]) -> str:
    """Every single value."""
    report = {**conditions, "topologies": [dataclasses.asdict(one) for one in measured]}
    return json.dumps(report, indent=1) + "\n"


def _spread(form: str, values: Sequence[float], unit: str = "") -> str:
    """The median and, if they differ, the lowest and the highest; nothing of nothing."""
    if not values:
        return "-"
    middle, low, high = (form.format(value) for value in (median(values), min(values), max(values)))
    return f"{middle}{unit}" if low == high else f"{middle}{unit} ({low} to {high})"


def _cpu(samples: Sequence[Sample], *roles: str) -> str:
    """Of these roles together, or of all; nothing if there are no such processes."""
    having = [one for one in samples if not roles or any(role in one.cpu_s for role in roles)]
    # ms a comment is s a thousand
    return _spread("{:.2f}", [one.cpu_ms_per_comment(*roles) for one in having])


def _ours(samples: Sequence[Sample]) -> str:
    if _ALONE in samples[0].cpu_s:
        return f"{_cpu(samples, _ALONE)} in one"
    return " / ".join(_cpu(samples, role) for role in _SEPARATE)


def _idle(samples: Sequence[Sample]) -> str:
    return _spread("{:.1f}", [100 * sum(one.idle_cpu.values()) for one in samples])


def _memory(samples: Sequence[Sample], *roles: str) -> str:
    found = [[one.rss_mib[role] for role in roles if role in one.rss_mib] for one in samples]
    return _spread("{:.0f}", [sum(sizes) for sizes in found if sizes])


def _held(samples: Sequence[Sample]) -> str:
    return _spread("{:.0f}", [one.held for one in samples if one.held])


def _healed(heals: Sequence[Heal]) -> str:
    if not heals:
        return "-"
    middle = _spread("{:.1f}", [one.p50_ms / 1000 for one in heals])
    return f"{middle} / {_spread('{:.1f}', [one.max_ms / 1000 for one in heals])}"


def _late(samples: Sequence[Sample]) -> str:
    if not samples:
        return "-"
    middle = _spread("{:.1f}", [one.p50_ms for one in samples])
    return f"{middle} / {_spread('{:.0f}', [one.p99_ms for one in samples])}"
