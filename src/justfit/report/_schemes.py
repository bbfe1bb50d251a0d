"""From a comparison of initialization schemes to its page: what is said, and in which order."""

from __future__ import annotations

import math
from collections.abc import Sequence

from justfit.records import Checkup, SchemeCheckup, SchemeComparison
from justfit.report._checkup_words import loss_value, reaches, score, will_train
from justfit.report._document import Card, Figure, Section, SignalDocument, Table, Tone
from justfit.report._end_labels import NUM_STYLES
from justfit.report._names import shown
from justfit.report._numbers import number
from justfit.report._run_findings import todo_section
from justfit.report._scheme_words import (
    comparison_sentences,
    comparison_subject,
    comparison_title,
    measured,
    outlook,
    what_to_do,
)
from justfit.report._signal_figure import Line, draw_lines
from justfit.report._svg import thinned
from justfit.report._trunk import Quantity, change, inside, last_rank, share, tidy, times, values

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
    headline, *verdict = comparison_sentences(comparison)
    failed = tuple(f"{shown(s.scheme)}: {shown(s.error, 400)}" for s in comparison.schemes if s.checkup is None)
    sections = (
        todo_section(what_to_do(comparison)),
        Section(key="schemes", heading="Schemes beside each other", tables=(schemes_table(comparison),)),
        Section(key="layers", heading="Layer by layer", figures=figures, tables=layers),
        Section(key="failed", heading="Schemes that could not be applied", points=failed),
    )
    return SignalDocument(
        subject=comparison_subject(comparison),
        headline=headline,
        verdict=tuple(verdict),
        tone=_tone(comparison),
        cards=tuple(_card(scheme, checkup) for scheme, checkup in measured(comparison)[:_MOST_LINES]),
        sections=tuple(section for section in sections if section.tables or section.points),
    )


def draw_comparison(comparison: SchemeComparison) -> dict[str, tuple[str, ...]]:
    """Draw the figures of the document, a line per scheme."""
    return {quantity: _drawing(comparison, quantity) for quantity in ("signal", "gradient")}


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
        note=outlook(checkup.trainability),
    )


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


def _mean(values: Sequence[float]) -> float:
    finite = [value for value in values if math.isfinite(value)]
    return sum(finite) / len(finite) if finite else math.nan
