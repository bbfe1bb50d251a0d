"""Initialization schemes beside each other, in words: which loses the signal or the gradient, and which keeps it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from justfit.records import Checkup, SchemeCheckup, SchemeComparison, Trainability
from justfit.report._checkup_words import loss_value, reaches, score, will_train
from justfit.report._document import Card, Figure, Section, SignalDocument, Table, Tone
from justfit.report._end_labels import NUM_STYLES
from justfit.report._names import shown
from justfit.report._numbers import count, number, setting
from justfit.report._signal_figure import Line, draw_lines
from justfit.report._svg import thinned
from justfit.report._trunk import LOST, Quantity, change, inside, last_rank, share, tidy, times, values

_MOST_LINES = 16
_MOST_ROWS = 300
_COLUMNS = ("Scheme", "Trains", "Signal", "Gradient", "Rank", "Off", "Loss")


def build_comparison_document(comparison: SchemeComparison) -> SignalDocument:
    """Say what the comparison shows, once."""
    figures = tuple(
        Figure(key=quantity, title=comparison_title(comparison, quantity), caption=_caption(comparison))
        for quantity in ("signal", "gradient")
    )
    layers = tuple(
        table for quantity in ("signal", "gradient") if (table := _layers_table(comparison, quantity)) is not None
    )
    failed = tuple(f"{shown(s.scheme)}: {shown(s.error, 400)}" for s in comparison.schemes if s.checkup is None)
    sections = (
        Section(key="schemes", heading="Schemes beside each other", tables=(schemes_table(comparison),)),
        Section(key="layers", heading="Layer by layer", figures=figures, tables=layers),
        Section(key="failed", heading="Schemes that could not be applied", points=failed),
    )
    return SignalDocument(
        subject=comparison_subject(comparison),
        headline=comparison_title(comparison, "gradient"),
        verdict=(comparison_title(comparison, "signal"), best_sentence(comparison)),
        tone=_tone(comparison),
        cards=tuple(_card(scheme, checkup) for scheme, checkup in measured(comparison)[:_MOST_LINES]),
        sections=tuple(section for section in sections if section.tables or section.points),
    )


def draw_comparison(comparison: SchemeComparison) -> dict[str, tuple[str, ...]]:
    """Draw the figures of the document, a line per scheme."""
    return {quantity: _drawing(comparison, quantity) for quantity in ("signal", "gradient")}


def comparison_subject(comparison: SchemeComparison) -> str:
    """Name the network and the schemes."""
    depth = max((len(checkup.layers) for _, checkup in measured(comparison)), default=0)
    num = count(len(comparison.schemes), "initialization scheme")
    return f"{shown(comparison.module)} ({count(depth, 'layer')}) under {num}, seed {comparison.seed}"


def measured(comparison: SchemeComparison) -> list[tuple[str, Checkup]]:
    """The schemes that could be applied, in the order asked for."""
    return [(entry.scheme, entry.checkup) for entry in comparison.schemes if entry.checkup is not None]


def comparison_title(comparison: SchemeComparison, quantity: Quantity) -> str:
    """Say which scheme changes the quantity most and which keeps it best; one sentence.

    Below a thousandth it is lost and above a thousandfold it explodes, from end to end.
    """
    ratios = {scheme: change(checkup.evidence.trunk, quantity).ratio for scheme, checkup in measured(comparison)}
    known = {scheme: ratio for scheme, ratio in ratios.items() if not math.isnan(ratio)}
    if not known:
        return f"The {quantity} was not measured under any scheme."
    worst = max(known, key=lambda scheme: _distance(known[scheme]))
    best = min(known, key=lambda scheme: _distance(known[scheme]))
    if _distance(known[worst]) <= math.log(LOST):
        return f"No scheme loses the {quantity}: {shown(worst)} changes it most, {times(known[worst])} times."
    bad = f"{shown(worst)} {_fate(known[worst], quantity, _depth(comparison))}"
    if _distance(known[best]) > math.log(LOST):
        return f"{bad}; no scheme keeps it."
    return f"{bad}; {shown(best)} keeps it."


def best_sentence(comparison: SchemeComparison) -> str:
    """Say which scheme is the most trainable."""
    scored = [(s, c) for s, c in measured(comparison) if not math.isnan(c.trainability.score)]
    if not scored:
        return "Trainability could not be told under any scheme."
    scheme, checkup = max(scored, key=lambda entry: entry[1].trainability.score)
    num = sum(reaches(c.trainability) for _, c in scored)
    return (
        f"Most trainable: {shown(scheme)}, {score(checkup.trainability)} of 1; {num} of {len(scored)} "
        f"{'reaches' if num == 1 else 'reach'} the threshold {setting(checkup.trainability.threshold)}."
    )


def schemes_table(comparison: SchemeComparison) -> Table:
    """A row per scheme."""
    return Table(
        caption="Trains: trainability. Signal: size at the end over size at the start, before the output layer. "
        "Gradient: norm at the start over norm at the end, the way it runs. Rank: effective rank of what the output "
        "layer reads. Off: dead or saturated units, mean over the layers.",
        columns=_COLUMNS,
        rows=tuple(_row(entry) for entry in comparison.schemes),
    )


def _row(entry: SchemeCheckup) -> tuple[str, ...]:
    checkup = entry.checkup
    if checkup is None:
        return (shown(entry.scheme, 30), "failed", *("—" for _ in _COLUMNS[2:]))
    rank, width = last_rank(checkup)
    return (
        shown(entry.scheme, 30),
        tidy(checkup.trainability.score, 2),
        times(change(checkup.evidence.trunk, "signal").ratio),
        times(change(checkup.evidence.trunk, "gradient").ratio),
        f"{number(rank)} of {width}" if width else "—",
        share(_mean([off for layer in checkup.layers for off in (layer.dead_fraction, layer.saturated_fraction)])),
        "—" if math.isnan(checkup.evidence.loss.value) else loss_value(checkup.evidence.loss),
    )


def _layers_table(comparison: SchemeComparison, quantity: Quantity) -> Table | None:
    columns = measured(comparison)[:_MOST_LINES]
    if not columns:
        return None
    longest = max((inside(checkup.evidence.trunk) for _, checkup in columns), key=len)
    series = [values(inside(checkup.evidence.trunk), quantity) for _, checkup in columns]
    kept = thinned(len(longest), _MOST_ROWS)
    what = "Size of the activations (rms)" if quantity == "signal" else "Gradient norm ‖∂L/∂activation‖"
    thin = "" if len(kept) == len(longest) else f", {len(kept)} of {len(longest):,} places, evenly spaced"
    return Table(
        caption=f"{what} under each scheme{thin}.",
        columns=("Place", *(shown(scheme, 30) for scheme, _ in columns)),
        rows=tuple(
            (
                f"{k + 1:,} {shown(longest[k].name, 40)} ({longest[k].kind})",
                *(tidy(line[k]) if k < len(line) else "—" for line in series),
            )
            for k in kept
        ),
        folded=True,
    )


def _drawing(comparison: SchemeComparison, quantity: Quantity) -> tuple[str, ...]:
    lines = [
        Line(name=scheme, values=values(inside(checkup.evidence.trunk), quantity), style=k % NUM_STYLES)
        for k, (scheme, checkup) in enumerate(measured(comparison)[:_MOST_LINES])
    ]
    ends = "; ".join(
        f"{shown(scheme)} {times(change(checkup.evidence.trunk, quantity).ratio)} times"
        for scheme, checkup in measured(comparison)
    )
    title = comparison_title(comparison, quantity)
    return draw_lines(lines, quantity, title=title, description=f"From end to end: {ends}.") if lines else ()


def _card(scheme: str, checkup: Checkup) -> Card:
    return Card(
        label=f"Trainability, {shown(scheme, 30)}",
        value=score(checkup.trainability),
        note=_outlook(checkup.trainability),
    )


def _outlook(trainability: Trainability) -> str:
    """Say whether the score reaches its threshold, and if not, whether training is all but ruled out."""
    if math.isnan(trainability.score):
        return "could not be told"
    if reaches(trainability):
        return "should train"
    below = f"below {setting(trainability.threshold)}"
    return f"{below}, in doubt" if will_train(trainability) else f"{below}, should not train"


def _caption(comparison: SchemeComparison) -> str:
    words = "A line that leaves the plot goes on beyond it, or is exactly 0; one that ends early was not measured."
    more = len(measured(comparison)) - _MOST_LINES
    return f"{words} The first {_MOST_LINES} schemes; {more} more are in the table." if more > 0 else words


def _tone(comparison: SchemeComparison) -> Tone:
    checkups = [checkup for _, checkup in measured(comparison)]
    if not checkups or all(math.isnan(checkup.trainability.score) for checkup in checkups):
        return "open"
    if any(reaches(checkup.trainability) for checkup in checkups):
        return "good"
    return "open" if any(will_train(checkup.trainability) for checkup in checkups) else "bad"


def _depth(comparison: SchemeComparison) -> str:
    return count(max((len(checkup.layers) for _, checkup in measured(comparison)), default=0), "layer")


def _fate(ratio: float, quantity: Quantity, depth: str) -> str:
    if ratio == 0:
        return f"loses the {quantity}: nothing is left after {depth}"
    if ratio < 1:
        return f"loses the {quantity}: {times(ratio)} of it is left after {depth}"
    return f"blows up the {quantity}: {times(ratio)} times after {depth}"


def _distance(ratio: float) -> float:
    return abs(math.log(ratio)) if 0 < ratio < math.inf else math.inf


def _mean(values: Sequence[float]) -> float:
    finite = [value for value in values if math.isfinite(value)]
    return sum(finite) / len(finite) if finite else math.nan
