"""The pictures of the comparison, each by a name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from bench.bars import draw_bars
from bench.figures import Curve, Line
from bench.svg import draw
from bench.topologies.results import Measured, Sample

Figure = Callable[[Sample], float]

_SPREAD = "exponent of the viewers' Zipf law (0: spread evenly over all videos)"
_ROLES = ("writer", "single", "dispatcher", "zookeeper", "redis", "node", "haproxy")


def draw_all(measured: Sequence[Measured]) -> dict[str, str]:
    """Name -> SVG text. What was not measured is left out."""
    measured = middle(measured)
    mains = {one.label: one.main for one in measured if one.main is not None}
    between = {name: sample for name, sample in mains.items() if sample.messages}
    drawings = {}
    if between:
        bars = _each(between, _arrivals)
        drawings["arrivals"] = draw_bars("Nodes that receive a comment", "nodes", bars)
    if mains:
        drawings["cpu"] = draw_bars("CPU per comment, by role", "ms", _each(mains, _cpu))
    curves = [*growth_of(measured), *spread_of(measured)]
    return drawings | {curve.name: draw(curve) for curve in curves if curve.lines}


def middle(measured: Sequence[Measured]) -> list[Measured]:
    """Of the repeats of each topology the one whose comments cost the median of CPU; of those that
    were not measured to the end any.
    """
    repeats: dict[str, list[Measured]] = {}
    for one in measured:
        repeats.setdefault(one.label, []).append(one)
    found = []
    for held in repeats.values():
        complete = sorted(filter(lambda one: one.main is not None, held), key=_main_cpu)
        found.append(complete[len(complete) // 2] if complete else held[0])
    return found


def growth_of(measured: Sequence[Measured]) -> list[Curve]:
    """The same audience on more and more nodes."""
    growing = {one.label: one.samples for one in measured if len(one.samples) > 1}

    def curve(name: str, title: str, figure: Figure) -> Curve:
        return Curve(f"growth-{name}", title, "nodes", title, _lines(growing, _nodes, figure))

    return [
        curve("arrivals", "Nodes that receive a comment", _arriving),
        curve("waste", "% of them without a viewer", _waste),
        curve("cpu", "CPU ms per comment, all processes", _all_cpu),
    ]


def spread_of(measured: Sequence[Measured]) -> list[Curve]:
    """The same comments on as many nodes, for viewers who are spread more and more."""
    spread = {one.label: one.spread for one in measured if len(one.spread) > 1}
    between = {
        label: samples
        for label, samples in spread.items()
        if any(sample.messages for sample in samples)
    }
    waste = "Of the nodes that receive a comment: % without a viewer"
    cpu = "CPU ms per comment, all processes"
    return [
        Curve("spread-waste", waste, _SPREAD, "%", _lines(between, _exponent, _waste)),
        Curve("spread-cpu", cpu, _SPREAD, cpu, _lines(spread, _exponent, _all_cpu)),
    ]


def _each(
    samples: Mapping[str, Sample], pieces: Callable[[Sample], dict[str, float]]
) -> dict[str, dict[str, float]]:
    return {name: pieces(sample) for name, sample in samples.items()}


def _arrivals(sample: Sample) -> dict[str, float]:
    return {
        "with a viewer": (sample.received - sample.not_subscribed) / sample.comments,
        "without a viewer": sample.not_subscribed / sample.comments,
    }


def _cpu(sample: Sample) -> dict[str, float]:
    return {role: sample.cpu_ms_per_comment(role) for role in _ROLES if role in sample.cpu_s}


def _lines(measured: Mapping[str, Sequence[Sample]], x: Figure, y: Figure) -> tuple[Line, ...]:
    return tuple(
        Line(label, tuple(sorted((x(sample), y(sample)) for sample in samples)))
        for label, samples in measured.items()
    )


def _nodes(sample: Sample) -> float:
    return sample.nodes


def _exponent(sample: Sample) -> float:
    return sample.exponent


def _arriving(sample: Sample) -> float:
    return sample.received_per_comment


def _waste(sample: Sample) -> float:
    return 100 * sample.waste


def _main_cpu(one: Measured) -> float:
    return _all_cpu(one.main) if one.main is not None else 0.0


def _all_cpu(sample: Sample) -> float:
    return sample.cpu_ms_per_comment()
