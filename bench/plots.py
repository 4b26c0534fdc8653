"""Small SVG plots, written by hand: horizontal bars, stacked or not, and lines over time. Readable in light and dark.

A plotting library would be forty megabytes for three pictures; these stay text, so that their changes can be read.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

COLOURS: Final = ("#2f6f9f", "#d9822b", "#4f9d69", "#a05195", "#8a8d91", "#c14953", "#6a5acd", "#b8a038")
WIDTH: Final = 760
LABEL_WIDTH: Final = 190
_ROW: Final = 26
_TEXT: Final = 'font-family="sans-serif" font-size="13" fill="#7a7f87"'


def bars(title: str, unit: str, rows: Mapping[str, float], *, logarithmic: bool = False) -> str:
    """One bar a row, with its value at its end. A logarithmic scale begins at a tenth of the smallest value."""
    room = WIDTH - LABEL_WIDTH - 90
    largest, smallest = max(rows.values()), min(value for value in rows.values() if value > 0) / 10
    drawn = []
    for place, (name, value) in enumerate(rows.items()):
        part = (
            math.log(value / smallest) / math.log(largest / smallest) if logarithmic and value > 0 else value / largest
        )
        top = 44 + place * _ROW
        drawn.append(_label(name, top))
        drawn.append(_bar(LABEL_WIDTH, top, room * part, COLOURS[0]))
        drawn.append(f'<text x="{LABEL_WIDTH + room * part + 6:.1f}" y="{top + 13}" {_TEXT}>{_number(value)}</text>')
    scale = f"{unit}, logarithmic scale" if logarithmic else unit
    return _picture(f"{title} ({scale})", 44 + len(rows) * _ROW + 8, drawn)


def stacked(title: str, unit: str, rows: Mapping[str, Mapping[str, float]]) -> str:
    """One bar a row, of several parts; the parts' names stand below."""
    room = WIDTH - LABEL_WIDTH - 90
    names = list(dict.fromkeys(name for parts in rows.values() for name in parts))
    largest = max(sum(parts.values()) for parts in rows.values())
    drawn = []
    for place, (name, parts) in enumerate(rows.items()):
        top, left = 44 + place * _ROW, float(LABEL_WIDTH)
        drawn.append(_label(name, top))
        for part, value in parts.items():
            drawn.append(_bar(left, top, room * value / largest, COLOURS[names.index(part) % len(COLOURS)]))
            left += room * value / largest
        drawn.append(f'<text x="{left + 6:.1f}" y="{top + 13}" {_TEXT}>{_number(sum(parts.values()))}</text>')
    below = 44 + len(rows) * _ROW + 8
    return _picture(f"{title} ({unit})", below + 28, [*drawn, *_legend(names, below)])


def lines(title: str, unit: str, series: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    """One line a series, over seconds."""
    height, left, top = 260, 60, 44
    last = max(time for points in series.values() for time, _ in points) or 1.0
    largest = max(value for points in series.values() for _, value in points) * 1.05 or 1.0
    room = WIDTH - left - 20
    drawn = []
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        y = top + height * (1 - share)
        drawn.append(f'<line x1="{left}" y1="{y:.1f}" x2="{WIDTH - 20}" y2="{y:.1f}" stroke="#7a7f8744"/>')
        drawn.append(
            f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end" {_TEXT}>{_number(largest * share)}</text>'
        )
        x = left + room * share
        drawn.append(
            f'<text x="{x:.1f}" y="{top + height + 18}" text-anchor="middle" {_TEXT}>{last * share:.0f} s</text>'
        )
    for place, points in enumerate(series.values()):
        path = " ".join(
            f"{left + room * time / last:.1f},{top + height * (1 - value / largest):.1f}" for time, value in points
        )
        colour = COLOURS[place % len(COLOURS)]
        drawn.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
    below = top + height + 32
    return _picture(f"{title} ({unit})", below + 50, [*drawn, *_legend(list(series), below)])


def _legend(names: Sequence[str], top: float) -> list[str]:
    drawn, left, line = [], 12.0, 0
    for place, name in enumerate(names):
        needed = 30 + 7.5 * len(name)
        if left + needed > WIDTH:
            left, line = 12.0, line + 1
        y = top + line * 20
        drawn.append(_bar(left, y, 12, COLOURS[place % len(COLOURS)], 12))
        drawn.append(f'<text x="{left + 17:.1f}" y="{y + 11:.1f}" {_TEXT}>{escape(name)}</text>')
        left += needed
    return drawn


def _label(name: str, top: float) -> str:
    return f'<text x="{LABEL_WIDTH - 8}" y="{top + 13}" text-anchor="end" {_TEXT}>{escape(name)}</text>'


def _bar(left: float, top: float, width: float, colour: str, height: float = 18) -> str:
    return f'<rect x="{left:.1f}" y="{top:.1f}" width="{max(width, 0.5):.1f}" height="{height}" fill="{colour}"/>'


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _picture(title: str, height: float, drawn: Sequence[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height:.0f}" '
        f'viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{escape(title, quote=True)}">'
    )
    name = f'<text x="12" y="24" font-weight="bold" {_TEXT}>{escape(title)}</text>'
    return "\n".join([head, name, *drawn, "</svg>"]) + "\n"
