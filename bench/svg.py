"""A picture of a few lines over two axes, as SVG text."""

from __future__ import annotations

import math
from collections.abc import Callable
from html import escape

from bench.figures import Curve, Line

_WIDTH, _HEIGHT = 720, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 76, 24, 48, 56
_COLOURS = ("#1f6f8b", "#c8553d", "#588157", "#6d597a", "#b08900", "#444444")
_TICKS = 6

Place = Callable[[float], float]


def draw(curve: Curve) -> str:
    """The whole file. Axes begin at 0 and end at a round number; a legend names the lines."""
    points = [point for line in curve.lines for point in line.points]
    x_end = _round_up(max((x for x, _ in points), default=1.0))
    y_end = curve.y_max or _round_up(max((y for _, y in points), default=1.0))

    def x_at(x: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * min(x, x_end) / x_end

    def y_at(y: float) -> float:
        return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * min(y, y_end) / y_end

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>',
        _text(_LEFT, 20, curve.title, anchor="start", size=15),
        *_x_axis(x_at, x_end, curve.x_label),
        *_y_axis(y_at, y_end, curve.y_label),
        *(part for at, line in enumerate(curve.lines) for part in _line(line, at, x_at, y_at)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _line(line: Line, number: int, x_at: Place, y_at: Place) -> list[str]:
    colour = _COLOURS[number % len(_COLOURS)]
    places = [(x_at(x), y_at(y)) for x, y in line.points]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    drawn = [f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>']
    if len(places) <= 40:
        drawn += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places]
    top = _TOP - 8 + 16 * number
    drawn.append(f'<rect x="{_LEFT + 10}" y="{top}" width="14" height="4" fill="{colour}"/>')
    drawn.append(_text(_LEFT + 30, top + 6, line.name, anchor="start"))
    return drawn


def _x_axis(x_at: Place, end: float, label: str) -> list[str]:
    bottom = _HEIGHT - _BOTTOM
    drawn = []
    for value in _ticks(end):
        x = x_at(value)
        drawn.append(_rule(x, _TOP, x, bottom))
        drawn.append(_text(x, bottom + 18, _number(value)))
    drawn.append(_text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 14, label))
    return drawn


def _y_axis(y_at: Place, end: float, label: str) -> list[str]:
    drawn = []
    for value in _ticks(end):
        y = y_at(value)
        drawn.append(_rule(_LEFT, y, _WIDTH - _RIGHT, y))
        drawn.append(_text(_LEFT - 8, y + 4, _number(value), anchor="end"))
    middle = (_TOP + _HEIGHT - _BOTTOM) / 2
    drawn.append(
        f'<text transform="translate(18 {middle:.1f}) rotate(-90)" text-anchor="middle">'
        f"{escape(label)}</text>"
    )
    return drawn


def _rule(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#dddddd"/>'


def _text(x: float, y: float, text: str, *, anchor: str = "middle", size: int = 12) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">'
        f"{escape(text)}</text>"
    )


def _ticks(end: float) -> list[float]:
    step = _round_up(end / _TICKS)
    return [step * i for i in range(int(end / step + 1e-9) + 1)]


def _round_up(value: float) -> float:
    """The next of 1, 2, 2.5, 5, 10 times a power of ten."""
    if value <= 0 or not math.isfinite(value):
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(
        power * lead
        for lead in (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)
        if power * lead >= value * 0.9999
    )


def _number(value: float) -> str:
    for size, unit in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:g} {unit}"
    return f"{value:g}"
