"""The layers of a watched run as tables: a few worth a look, and all of them on demand."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from justfit.records import LayerTrace, WatchRecord
from justfit.report._document import Table
from justfit.report._gradient_figure import last_finite
from justfit.report._names import shown
from justfit.report._numbers import count
from justfit.report._svg import thinned
from justfit.report._trunk import share, tidy
from justfit.report._update_figure import moves_of

_FEW = 12
_MOST_FOLDED = 500
_COLUMNS = ("Layer", "Kind", "Parameters", "‖w‖", "Gradient norm", "‖Δw‖/‖w‖", "Activation rms", "Units off")


def layer_tables(record: WatchRecord) -> tuple[Table, ...]:
    """At most 12 layers, those that findings name first; and up to 500 of all on demand."""
    layers = record.evidence.layers
    if not layers:
        return ()
    moves = {one.name: one.late for one in moves_of(record.evidence)}

    def rows(kept: Iterable[int]) -> tuple[tuple[str, ...], ...]:
        return tuple(_row(layers[k], moves.get(layers[k].name or layers[k].kind, math.nan)) for k in kept)

    meaning = "At the last sample; the update is the median of the later half. Units off: dead or saturated."
    if len(layers) <= _FEW:
        return (
            Table(caption=f"{count(len(layers), 'layer')}. {meaning}", columns=_COLUMNS, rows=rows(range(len(layers)))),
        )
    chosen = _worth_a_look(record, layers)
    kept = thinned(len(layers), _MOST_FOLDED)
    every = f"All {len(layers):,} layers" if len(kept) == len(layers) else f"{len(kept)} of {len(layers):,} layers"
    return (
        Table(
            caption=f"{len(chosen)} of {len(layers):,} layers. {meaning}",
            columns=_COLUMNS,
            rows=rows(chosen),
        ),
        Table(caption=f"{every}.", columns=_COLUMNS, rows=rows(kept), folded=True),
    )


def _worth_a_look(record: WatchRecord, layers: Sequence[LayerTrace]) -> list[int]:
    index = {layer.name: k for k, layer in enumerate(layers)}
    named = dict.fromkeys(index[finding.where] for finding in record.findings if finding.where in index)
    chosen = {0, len(layers) - 1, *list(named)[: _FEW // 2]}
    return sorted(chosen | set(thinned(len(layers), _FEW - len(chosen))))


def _row(layer: LayerTrace, late: float) -> tuple[str, ...]:
    activation = f", {shown(layer.activation, 20)}" if layer.activation else ""
    frozen = "" if layer.num_trainable else " (frozen)"
    off = _last(layer.dead_fraction)
    return (
        shown(layer.name or layer.kind, 40),
        shown(layer.kind, 24) + activation,
        f"{layer.num_parameters:,}{frozen}",
        tidy(_last(layer.weight_norm)),
        tidy(_last(layer.gradient_norm), 2),
        tidy(late, 2),
        tidy(_last(layer.activation_rms)),
        share(_last(layer.saturated_fraction) if math.isnan(off) else off),
    )


def _last(series: Sequence[float]) -> float:
    found = last_finite(series)
    return math.nan if found is None else found
