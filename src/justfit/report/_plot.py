"""Pictures with matplotlib, for papers: the axes, colours that the colour-blind tell apart, and words that stay words.

Nothing here changes matplotlib's global settings: a figure looks like the others of the paper in all but its lines.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from justfit.errors import ArgumentError, MissingExtraError
from justfit.report._names import shown
from justfit.report._svg import thinned

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# After Okabe and Ito (2008), darkened for white paper; a line style goes with each, for print in black and white.
TRAINING: dict[str, Any] = {"color": "#0072b2", "linestyle": (0, (5, 2.5))}
VALIDATION: dict[str, Any] = {"color": "#c14f00", "linestyle": "-"}
OTHER: dict[str, Any] = {"color": "#00795a", "linestyle": (0, (1, 1.2))}
SERIES: tuple[dict[str, Any], ...] = (
    {"color": "#0072b2", "linestyle": "-"},
    {"color": "#c14f00", "linestyle": (0, (5, 2.5))},
    {"color": "#00795a", "linestyle": (0, (1, 1.2))},
    {"color": "#a5407f", "linestyle": (0, (6, 2, 1, 2))},
    {"color": "#6f5f00", "linestyle": (0, (8, 2))},
    {"color": "#59636e", "linestyle": (0, (3, 1.5))},
    {"color": "#2a7fb8", "linestyle": (0, (1, 2.5))},
    {"color": "#8c3b00", "linestyle": (0, (4, 1.5, 1, 1.5, 1, 1.5))},
)
SHADE: dict[str, Any] = {"color": "#e0b93c", "alpha": 0.22, "linewidth": 0}
CHOICE: dict[str, Any] = {"color": "#59636e", "linestyle": (0, (1, 2)), "linewidth": 1.2}
ALARM = "#b3261e"
_PANEL = (5.2, 3.9)  # inches
_LETTER = 0.47  # mean width of a letter in units of its font size
_MOST_POINTS = 1_000


def open_axes(rows: Sequence[int], axes: Any) -> tuple[Any, Any]:
    """Take the axes that were given, or make new ones.

    Args:
        rows: How many panels stand in each row of the picture.
        axes: What was given; None for nothing.

    Returns:
        What the user gets back, and the list of axes to draw on.

    Raises:
        MissingExtraError: matplotlib is not installed.
        ArgumentError: There are fewer or more axes than panels, or there is nothing to draw.
    """
    num_panels = sum(rows)
    if num_panels == 0:
        raise ArgumentError(
            "A picture needs something to draw.", found="a record without claims", way_out="Let the lab finish one."
        )
    try:
        import matplotlib.pyplot as plt
        import numpy as np
    except ImportError as error:
        raise MissingExtraError(
            "A plot needs the package matplotlib.",
            found=f"no module `{error.name}`",
            way_out="Install it with `pip install 'justfit[plot]'`.",
        ) from error
    if axes is None:
        size = (_PANEL[0] * max(rows), _PANEL[1] * len(rows))
        _, made = plt.subplots(len(rows), max(rows), figsize=size, layout="constrained", squeeze=False)
        for row, used in zip(made, rows, strict=True):
            for spare in row[used:]:
                spare.remove()
        kept = [one for row, used in zip(made, rows, strict=True) for one in row[:used]]
        return (kept[0] if num_panels == 1 else np.array(kept, dtype=object)), kept
    given = list(np.asarray(axes, dtype=object).flat)
    if len(given) != num_panels or not all(hasattr(one, "plot") and hasattr(one, "set_title") for one in given):
        raise ArgumentError(
            f"`axes` must be {'one matplotlib axes' if num_panels == 1 else f'{num_panels} matplotlib axes'}.",
            found=f"{len(given)} of {type(given[0]).__name__}" if given else "none",
            way_out=f"Leave it out, or make them with `plt.subplots(1, {num_panels})`.",
        )
    return axes, given


def plain(text: str, limit: int = 60) -> str:
    """Make text from the user a text for matplotlib: no formula is read from it, and no label is hidden by it.

    >>> plain("price_$"), plain("_hidden")
    ('price_\\\\$', ' _hidden')
    """
    safe = shown(text, limit).replace("$", r"\$")
    return f" {safe}" if safe.startswith("_") else safe


def say(axes: Axes, sentence: str) -> None:
    """Write what was found above the axes, in as many lines as its width asks for."""
    size = 10.0
    width = axes.get_window_extent().width / axes.figure.dpi * 72.0
    words = sentence.removesuffix(".")
    num_lines = len(textwrap.wrap(words, max(int(width / (_LETTER * size)), 24)))
    letters = len(words) // max(num_lines, 1) + 1
    while len(textwrap.wrap(words, letters)) > num_lines:  # lines of about the same length: no last one of one word
        letters += 1
    text = "\n".join(textwrap.wrap(words, letters)).replace("$", r"\$")
    axes.set_title(text, loc="left", fontsize=size, linespacing=1.25)


def name_axes(axes: Axes, x: str, y: str) -> None:
    """Write both axis titles, with units, and take away the frame that carries no number."""
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.spines[["top", "right"]].set_visible(False)


def draw_band(
    axes: Axes, x: Sequence[float], y: Sequence[float], errors: Sequence[float], style: dict[str, Any], *, name: str
) -> None:
    """Draw a line with a band of ± one standard error, where there is one; both with a thousand points at most."""
    known = [k for k, value in enumerate(y) if math.isfinite(value)]
    kept = [known[k] for k in thinned(len(known), _MOST_POINTS)] if known else []
    xs = [x[k] for k in kept]
    marker = "o" if len(kept) <= 12 else ""
    axes.plot(xs, [y[k] for k in kept], label=name, linewidth=1.8, marker=marker, markersize=3.5, **style)
    if any(math.isfinite(errors[k]) and errors[k] > 0 for k in kept):
        wide = [errors[k] if math.isfinite(errors[k]) else 0.0 for k in kept]
        lower = [y[k] - e for k, e in zip(kept, wide, strict=True)]
        upper = [y[k] + e for k, e in zip(kept, wide, strict=True)]
        axes.fill_between(xs, lower, upper, color=style["color"], alpha=0.2, linewidth=0)


def key(axes: Axes, **options: Any) -> None:
    """Draw which line is which, without a frame, where it hides least."""
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False, fontsize=8.5, **options)
