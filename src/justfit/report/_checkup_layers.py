"""The layers of a checkup as tables: all of them, or the few of a deep network that are worth a look."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

from justfit.records import Checkup, LayerSignal
from justfit.report._document import Table
from justfit.report._names import shown
from justfit.report._numbers import count
from justfit.report._svg import thinned
from justfit.report._trunk import share, tidy

MOST_LAYERS = 16
_MOST_FOLDED = 500
_MOST_STRONGEST = 5
_COLUMNS = ("Layer", "Operation", "Fwd gain", "Bwd gain", "Rank", "Cosine", "Units off")


def layers_table(checkup: Checkup) -> Table | None:
    """At most 16 layers: the ends, those that findings name, those with the strongest gains, others evenly spaced."""
    layers = checkup.layers
    if not layers:
        return None
    chosen = chosen_layers(checkup)
    caption = f"{_opening(layers, len(chosen))} Forward gain: size of the layer's activations over its input's; "
    caption += "backward gain: the same of the gradient, the way it runs; 1 keeps the size. Rank: effective rank. "
    caption += "Units off: dead or saturated."
    return Table(caption=caption, columns=_COLUMNS, rows=tuple(_row(layers[k]) for k in chosen))


def folded_layers_table(checkup: Checkup) -> Table | None:
    """What the short table leaves out, thinned to 500 rows; None if it leaves nothing out."""
    layers = checkup.layers
    if len(layers) <= MOST_LAYERS:
        return None
    kept = thinned(len(layers), _MOST_FOLDED)
    caption = f"All {len(layers):,} layers."
    if len(kept) < len(layers):
        caption = f"{len(kept):,} of {len(layers):,} layers, evenly spaced; the JSON output has all of them."
    return Table(caption=caption, columns=_COLUMNS, rows=tuple(_row(layers[k]) for k in kept), folded=True)


def chosen_layers(checkup: Checkup, most: int = MOST_LAYERS) -> list[int]:
    """Indices of the layers worth a look, ascending; all of them if there are at most `most`."""
    layers = checkup.layers
    if len(layers) <= most:
        return list(range(len(layers)))
    index = {layer.name: k for k, layer in reversed(list(enumerate(layers)))}
    named = [index[finding.where] for finding in checkup.findings if finding.where in index]
    deviations = [_deviation(layer) for layer in layers]
    usual = 2 * median(deviations)
    strongest = sorted((k for k, far in enumerate(deviations) if far > usual), key=lambda k: -deviations[k])
    chosen = {0, len(layers) - 1, *named[: most // 2], *strongest[:_MOST_STRONGEST]}
    chosen |= set(thinned(len(layers), most - len(chosen)))
    return sorted(chosen)


def _opening(layers: Sequence[LayerSignal], num_chosen: int) -> str:
    if num_chosen == len(layers):
        return f"{count(len(layers), 'layer')} in order of execution."
    left_out = f"{len(layers) - num_chosen:,} left out"
    return (
        f"{num_chosen} of {len(layers):,} layers in order of execution, {left_out}: the ends, those with findings, "
        "those with the strongest gains, and others evenly spaced."
    )


def _deviation(layer: LayerSignal) -> float:
    # A gain that is 0 or not finite deviates most; one that was not measured does not deviate.
    parts = (layer.forward_gain, layer.backward_gain)
    return sum(
        abs(math.log(gain)) if 0 < gain < math.inf else 1e3 for gain in parts if not math.isnan(gain) and gain >= 0
    )


def _row(layer: LayerSignal) -> tuple[str, ...]:
    activation = f", {shown(layer.activation, 20)}" if layer.activation else ""
    calls = f" ×{layer.num_calls}" if layer.num_calls > 1 else ""
    return (
        shown(layer.name, 40),
        shown(layer.operation, 20) + activation + calls,
        tidy(layer.forward_gain),
        tidy(layer.backward_gain),
        "—" if math.isnan(layer.effective_rank) else f"{layer.effective_rank:.1f}",
        "—" if math.isnan(layer.cosine) else f"{layer.cosine:.2f}",
        share(layer.saturated_fraction if math.isnan(layer.dead_fraction) else layer.dead_fraction),
    )
