"""The map and the curves as SVG: sharp at any size, and colored by the page's own light or dark style.

Nothing here but numbers and escaped text gets into the markup.
"""

import html
import math
from collections.abc import Mapping

import numpy as np

__all__ = ["chart", "scatter", "ticks"]

WIDTH, HEIGHT = 420, 250  # of a chart, in units of its own
LEFT, RIGHT, TOP, BOTTOM = 56, 10, 10, 34
MAP_WIDTH, MAP_HEIGHT = 800, 560
POINTS = 400  # of a curve; longer ones are thinned
NAMED = 60  # clusters on a map that have their numbers on it


def scatter(places: np.ndarray, groups: np.ndarray, n_groups: int, *, alt: str) -> str:
    """Draw points in the plane, colored by group, with each group's number at the median of its points.

    Args:
      places: [m, 2] finite.
      groups: [m] numbers below n_groups; -1 is drawn in gray.
      n_groups: how many colors the page has.
      alt: what it shows, for those who cannot see it.

    Returns:
      An `<svg>` element.
    """
    low, high = places.min(0), places.max(0)
    scale = np.where(high > low, high - low, 1.0)
    unit = np.where(high > low, (places - low) / scale, 0.5)
    x = 16 + unit[:, 0] * (MAP_WIDTH - 32)
    y = 16 + (1 - unit[:, 1]) * (MAP_HEIGHT - 32)
    width = float(np.clip(220 / math.sqrt(len(places) + 1), 5, 9))
    parts, numbers = [], []
    for group in range(-1, n_groups):
        members = np.flatnonzero(groups == group)
        if not len(members):
            continue
        path = "".join(f"M{x[i]:.1f} {y[i]:.1f}h0" for i in members)
        style = "none" if group < 0 else f"g{group}"
        parts.append(f'<path class="points {style}" stroke-width="{width:.1f}" d="{path}"/>')
        if group >= 0 and n_groups <= NAMED:
            at = np.median(x[members]), np.median(y[members])
            numbers.append(f'<text class="number" x="{at[0]:.1f}" y="{at[1]:.1f}">{group}</text>')
    return _svg(MAP_WIDTH, MAP_HEIGHT, alt, parts + numbers, "map")


def chart(series: Mapping[str, Mapping[float, float]], *, alt: str, xlabel: str = "epochs", names=None) -> str:
    """Draw curves on common axes, logarithmic if all values are positive and span more than a factor of 20.

    Args:
      series: name -> {x: y}; values that are not finite leave gaps.
      alt: what it shows, for those who cannot see it.
      xlabel: text under the axis.
      names: name -> text beside its curve in the legend; the names themselves by default.

    Returns:
      An `<svg>` element, or an empty string if there is nothing to draw.
    """
    values = [y for points in series.values() for y in points.values() if math.isfinite(y)]
    places = [x for points in series.values() for x, y in points.items() if math.isfinite(y)]
    if not values:
        return ""
    log = min(values) > 0 and max(values) > 20 * min(values)
    marks, low, high = _scale(min(values), max(values), log)
    first, last = min(places), max(places)
    span_x = last - first or 1.0
    parts = []

    def right(x: float) -> float:
        return LEFT + (x - first) / span_x * (WIDTH - LEFT - RIGHT)

    def down(y: float) -> float:
        share = (math.log(y / low) / math.log(high / low)) if log else (y - low) / (high - low)
        return TOP + (1 - share) * (HEIGHT - TOP - BOTTOM)

    for mark in marks:
        y = down(mark)
        parts.append(f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text class="tick end" x="{LEFT - 6}" y="{y + 4:.1f}">{mark:g}</text>')
    for mark in ticks(first, last, whole=True):
        parts.append(f'<text class="tick" x="{right(mark):.1f}" y="{HEIGHT - BOTTOM + 16}">{mark:g}</text>')
    parts.append(f'<text class="tick" x="{(LEFT + WIDTH) / 2:.0f}" y="{HEIGHT - 3}">{html.escape(xlabel)}</text>')
    for number, points in enumerate(series.values()):
        parts.append(f'<path class="curve s{number % 4}" d="{_path(points, right, down)}"/>')
    texts = [html.escape(str((names or {}).get(name, name))) for name in series]
    legend = "".join(f'<span class="key s{k % 4}">{text}</span>' for k, text in enumerate(texts))
    return _svg(WIDTH, HEIGHT, alt, parts, "chart") + (f'<p class="legend">{legend}</p>' if len(texts) > 1 else "")


def ticks(low: float, high: float, *, count: int = 5, whole: bool = False) -> list[float]:
    """Round numbers in [low, high], about `count` of them; only integers if `whole`."""
    if high <= low:
        return [low]
    step = 10.0 ** math.floor(math.log10((high - low) / count))
    step = next(step * factor for factor in (1, 2, 5, 10, 20) if (high - low) / (step * factor) <= count)
    step = max(step, 1.0) if whole else step
    start = math.ceil(low / step - 1e-9)
    return [float(f"{i * step:.12g}") for i in range(start, math.floor(high / step + 1e-9) + 1)]


def _scale(low: float, high: float, log: bool) -> tuple[list[float], float, float]:
    """(marks, lower end, upper end) of an axis."""
    if log:
        powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        marks = [10.0**power for power in powers if low <= 10.0**power * 1.0000001 and 10.0**power <= high * 1.0000001]
        return marks or [low, high], low / 1.1, high * 1.1
    if high <= low:
        low, high = low - (abs(low) or 1) / 2, high + (abs(high) or 1) / 2
    margin = 0.05 * (high - low)
    if 0 <= low < 0.3 * high:
        low, margin_low = 0.0, 0.0
    else:
        margin_low = margin
    return ticks(low, high), low - margin_low, high + margin


def _path(points: Mapping[float, float], right, down) -> str:
    places = sorted(points)
    if len(places) > POINTS:
        places = [places[i] for i in np.unique(np.linspace(0, len(places) - 1, POINTS).astype(int))]
    path, pen = [], "M"
    for x in places:
        if math.isfinite(points[x]):
            path.append(f"{pen}{right(x):.1f} {down(points[x]):.1f}")
            pen = "L"
        else:
            pen = "M"
    return "".join(path) + ("h0" if len(path) == 1 else "")


def _svg(width: int, height: int, alt: str, parts: list[str], style: str) -> str:
    name = html.escape(alt)
    return (
        f'<svg class="{style}" viewBox="0 0 {width} {height}" role="img" aria-label="{name}">'
        f"<title>{name}</title>{''.join(parts)}</svg>"
    )
