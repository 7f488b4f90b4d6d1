"""The pictures of the comparison, each by a name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from bench.bars import draw_bars
from bench.figures import Curve, Line
from bench.svg import draw
from bench.topologies.results import Measured, Sample

_ROLES = ("writer", "single", "dispatcher", "zookeeper", "redis", "node", "haproxy")


def draw_all(measured: Sequence[Measured]) -> dict[str, str]:
    """Name -> SVG text. What was not measured is left out."""
    mains = {one.label: one.main for one in measured if one.main is not None}
    growing = {one.label: one.samples for one in measured if len(one.samples) > 1}
    between = {name: sample for name, sample in mains.items() if sample.messages}
    drawings = {}
    if between:
        bars = _each(between, _arrivals)
        drawings["arrivals"] = draw_bars("Nodes that a comment comes to", "nodes", bars)
    if mains:
        drawings["cpu"] = draw_bars("CPU for a comment, by role", "ms", _each(mains, _cpu))
    if growing:
        curves = [
            _growth("growth-arrivals", "Nodes that a comment comes to", growing, _arriving),
            _growth("growth-waste", "% of them without a viewer of it", growing, _waste),
            _growth("growth-cpu", "CPU ms for a comment, all processes", growing, _all_cpu),
        ]
        drawings |= {curve.name: draw(curve) for curve in curves}
    return drawings


def _each(
    samples: Mapping[str, Sample], pieces: Callable[[Sample], dict[str, float]]
) -> dict[str, dict[str, float]]:
    return {name: pieces(sample) for name, sample in samples.items()}


def _arrivals(sample: Sample) -> dict[str, float]:
    return {
        "with a viewer": (sample.received - sample.unwanted) / sample.comments,
        "without a viewer": sample.unwanted / sample.comments,
    }


def _cpu(sample: Sample) -> dict[str, float]:
    return {role: sample.cpu_ms_per_comment(role) for role in _ROLES if role in sample.cpu_s}


def _growth(
    name: str,
    title: str,
    growing: Mapping[str, Sequence[Sample]],
    figure: Callable[[Sample], float],
) -> Curve:
    lines = tuple(
        Line(label, tuple((float(sample.nodes), figure(sample)) for sample in samples))
        for label, samples in growing.items()
    )
    return Curve(name, title, "nodes", title, lines)


def _arriving(sample: Sample) -> float:
    return sample.received_per_comment


def _waste(sample: Sample) -> float:
    return 100 * sample.waste


def _all_cpu(sample: Sample) -> float:
    return sample.cpu_ms_per_comment()
