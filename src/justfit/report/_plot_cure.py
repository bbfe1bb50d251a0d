"""Picture for papers: what a training learned before and after its cure, and every change that was tried."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING

from justfit.records import CureRecord, TriedChange
from justfit.report._cure_words import headline, points
from justfit.report._learned_figure import learned_title
from justfit.report._plot import CHOICE, OTHER, TRAINING, VALIDATION, draw_band, key, name_axes, plain, say
from justfit.report._plot_scales import count_on

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_ROWS = 20
_LOWEST = -0.5  # of the axis; what is far worse than a constant leaves the plot
_LETTERS = 30  # of a line of a name


def cure_rows(record: CureRecord) -> tuple[int, ...]:
    """Count the panels: what was learned was not looked at in every repair."""
    return (1,) if record.learned_before is None else (2,)


def plot_cure(record: CureRecord, axes: list[Axes]) -> None:
    """Draw what the training learned before and after beside the gain of every change that was tried."""
    if len(axes) > 1:
        _plot_learned(record, axes[0])
    _plot_tried(record, axes[-1])


def _plot_learned(record: CureRecord, axes: Axes) -> None:
    say(axes, learned_title(record))
    drawn = ((record.learned_before, TRAINING, "your training"), (record.learned_after, OTHER, "cured"))
    lowest = 0.0
    for learned, style, name in drawn:
        if learned is not None:
            draw_band(axes, learned.epochs, learned.share, learned.share_se, style, name=name)
            lowest = min(lowest, *(share for share in learned.share if math.isfinite(share)), 0.0)
    if math.isfinite(record.reference_share):
        axes.axhline(record.reference_share, label="closed-form fit of the same rows", **CHOICE)
    axes.set_ylim(max(lowest, _LOWEST) - 0.03, 1.05)
    count_on(axes)
    name_axes(axes, "epoch", "share of the learnable, validation (no unit)")
    key(axes)


def _plot_tried(record: CureRecord, one: Axes) -> None:
    """Draw the gains, the largest on top, the cure as a filled diamond."""
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
