"""A picture of stacked bars, as SVG text: plain shapes and text on white, as in `bench.svg`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

_WIDTH, _HEIGHT = 760, 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 190, 48, 56
_COLOURS = ("#3465a4", "#cc4125", "#4e9a06", "#c17d11", "#75507b", "#06989a", "#888a85")
_INK, _GRID = "#222222", "#dddddd"


def draw_bars(title: str, unit: str, bars: Mapping[str, Mapping[str, float]]) -> str:
    """One bar for each key, made of named pieces from the bottom up; one colour for a name. `unit`
    is written at the vertical axis.
    """
    names = list(dict.fromkeys(name for pieces in bars.values() for name in pieces))
    top = max((sum(pieces.values()) for pieces in bars.values()), default=0.0)
    scale = _Scale(top)
    slot = (_WIDTH - _LEFT - _RIGHT) / max(len(bars), 1)
    shapes = []
    for index, (label, pieces) in enumerate(bars.items()):
        left, width = _LEFT + slot * (index + 0.18), slot * 0.64
        floor = 0.0
        for name, value in pieces.items():
            y, height = scale.y(floor + value), scale.y(floor) - scale.y(floor + value)
            shapes.append(_rectangle(left, y, width, height, _colour(names, name)))
            floor += value
        middle = left + width / 2
        shapes.append(_text(middle, scale.y(floor) - 5, _short(floor), anchor="middle"))
        shapes += _words(middle, _HEIGHT - _BOTTOM + 18, label)
    head = [_text(_LEFT, 22, title, size=15), _text(_LEFT - 48, 40, unit)]
    return _picture(head, scale, shapes, names)


class _Scale:
    """Values from 0 to a round number above `top` as heights."""

    def __init__(self, top: float) -> None:
        self.step = _round_step(top / 5 if top > 0 else 1.0)
        self.top = self.step * max(math.ceil(top / self.step), 1)

    def y(self, value: float) -> float:
        return _HEIGHT - _BOTTOM - value / self.top * (_HEIGHT - _TOP - _BOTTOM)

    def marks(self) -> list[float]:
        return [self.step * index for index in range(round(self.top / self.step) + 1)]


def _round_step(least: float) -> float:
    """1, 2 or 5 times a power of ten, at least `least`."""
    power: float = 10.0 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1.0, 2.0, 5.0, 10.0) if factor * power >= least)


def _picture(
    head: Sequence[str], scale: _Scale, shapes: Sequence[str], names: Sequence[str]
) -> str:
    right = _WIDTH - _RIGHT
    grid = []
    for mark in scale.marks():
        y = scale.y(mark)
        grid.append(f'<line x1="{_LEFT}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}" stroke="{_GRID}"/>')
        grid.append(_text(_LEFT - 8, y + 4, f"{mark:g}", anchor="end"))
    legend = []
    for index, name in enumerate(names):
        y = _TOP + 14 + index * 22
        legend.append(_rectangle(right + 18, y - 10, 12, 12, _colour(names, name)))
        legend.append(_text(right + 36, y, name))
    body = "\n".join([*head, *grid, *shapes, *legend])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        'font-family="sans-serif">\n'
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>\n{body}\n</svg>\n'
    )


def _colour(names: Sequence[str], name: str) -> str:
    return _COLOURS[names.index(name) % len(_COLOURS)]


def _short(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:.0f}"


def _words(x: float, y: float, label: str) -> list[str]:
    """A label of several words, one below the other."""
    return [
        _text(x, y + 15 * index, word, anchor="middle")
        for index, word in enumerate(label.split(" "))
    ]


def _rectangle(x: float, y: float, width: float, height: float, colour: str) -> str:
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{colour}"/>'
    )


def _text(x: float, y: float, text: str, *, anchor: str = "start", size: int = 12) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" '
        f'fill="{_INK}">{escape(text)}</text>'
    )
