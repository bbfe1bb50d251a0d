"""Picture for papers: every change that a repair tried, with the interval of its gain."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING

from justfit.records import CureRecord, TriedChange
from justfit.report._cure_words import headline, points
from justfit.report._plot import CHOICE, OTHER, VALIDATION, name_axes, plain, say

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_ROWS = 20
_LETTERS = 30  # of a line of a name


def plot_cure(record: CureRecord, axes: list[Axes]) -> None:
    """Draw the gains, the largest on top, the cure as a filled diamond."""
    one = axes[0]
    say(one, headline(record))
    trained = sorted((t for t in record.tried if math.isfinite(t.gain)), key=lambda t: (not t.chosen, -t.gain))
    rows = sorted(trained[:_MOST_ROWS], key=lambda t: -t.gain)
    for k, tried in enumerate(rows):
        _draw(one, tried, k)
    one.axvline(0.0, **CHOICE)
    one.set_yticks(range(len(rows)), [_name(tried) for tried in rows], fontsize=8.5)
    one.set_ylim(max(len(rows), 1) - 0.4, -0.6)
    failed = len(record.tried) - len(trained)
    words = f"\n{failed} more could not be trained" if failed else ""
    name_axes(one, f"gain, share of the learnable (no unit){words}", "")


def _draw(axes: Axes, tried: TriedChange, row: int) -> None:
    style = OTHER if tried.chosen else VALIDATION
    low, high = (min(max(end, -1.05), 1.05) if math.isfinite(end) else tried.gain for end in _ends(tried))
    middle = min(max(tried.gain, -1.05), 1.05)
    axes.plot([low, high], [row, row], color=style["color"], linewidth=1.6)
    marker = "D" if tried.chosen else "o"
    face = style["color"] if tried.chosen else "none"
    axes.plot([middle], [row], marker, color=style["color"], markerfacecolor=face, markersize=6)
    words = points(tried.gain) + (" (the cure)" if tried.chosen else "")
    axes.annotate(words, (max(high, middle), row), xytext=(6, -3), textcoords="offset points", fontsize=8)


def _ends(tried: TriedChange) -> tuple[float, float]:
    return tried.gain_lower, tried.gain_upper


def _name(tried: TriedChange) -> str:
    lines = textwrap.wrap(plain(tried.name, 3 * _LETTERS), _LETTERS) or ["change"]
    return "\n".join(lines)
