"""Curves as SVG: a panel each, points at even distances, values from 0 up or by powers of ten."""

import math
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 380, 240, 56, 34, 34


@dataclass(frozen=True)
class Panel:
    title: str
    points: list  # (label, least, middle, most)
    powers: bool = False


def _scale(panel):
    """From a value to its height in the panel, and the values that get a line."""
    room = HEIGHT - TOP - BOTTOM
    most = max(point[3] for point in panel.points)
    if panel.powers:
        low = math.floor(math.log10(min(point[1] for point in panel.points)))
        high = math.ceil(math.log10(most))
        ticks = [10.0 ** power for power in range(low, high + 1)]
        return lambda v: HEIGHT - BOTTOM - room * (math.log10(v) - low) / max(high - low, 1), ticks
    step = 10 ** math.floor(math.log10(most))
    step = next(s for s in (step, step / 2, step / 5) if most / s >= 2)
    top = math.ceil(most / step)
    ticks = [step * i for i in range(top + 1)]
    return lambda v: HEIGHT - BOTTOM - room * v / (step * top), ticks


def _number(value):
    return f"{value:,.0f}" if value >= 10 else f"{value:g}"


def _panel(panel, left, top):
    height, ticks = _scale(panel)
    room = WIDTH - LEFT - 24
    at = [LEFT + room * (i + 0.5) / len(panel.points) for i in range(len(panel.points))]
    yield f'<g transform="translate({left},{top})">'
    yield f'<text x="{LEFT}" y="18" font-weight="bold">{escape(panel.title)}</text>'
    for tick in ticks:
        y = height(tick)
        yield f'<path d="M{LEFT} {y:.1f}H{WIDTH - 24}" stroke="#ddd"/>'
        yield f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{_number(tick)}</text>'
    line = " ".join(f"{x:.1f},{height(p[2]):.1f}" for x, p in zip(at, panel.points))
    yield f'<polyline points="{line}" fill="none" stroke="#06c" stroke-width="2"/>'
    for x, (label, least, middle, most) in zip(at, panel.points):
        yield f'<path d="M{x:.1f} {height(least):.1f}V{height(most):.1f}" stroke="#06c"/>'
        yield f'<circle cx="{x:.1f}" cy="{height(middle):.1f}" r="3" fill="#06c"/>'
        yield f'<text x="{x:.1f}" y="{HEIGHT - 14}" text-anchor="middle">{escape(label)}</text>'
    yield "</g>"


def svg(panels):
    """Two panels a row."""
    rows = (len(panels) + 1) // 2
    size = f'width="{2 * WIDTH}" height="{rows * HEIGHT}"'
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" '
             'font-size="11"><rect width="100%" height="100%" fill="#fff"/>']
    for i, panel in enumerate(panels):
        parts += _panel(panel, i % 2 * WIDTH, i // 2 * HEIGHT)
    return "\n".join([*parts, "</svg>"]) + "\n"
