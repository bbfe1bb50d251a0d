"""What JF302 and JF303 share: a weight's size against the size that would keep the signal."""

from __future__ import annotations

import math

from justfit.records import LayerSignal, SignalEvidence
from justfit.rules._growth import gradient_growth, signal_growth

# Sizes of the input between which a first layer is blamed rather than the input.
ORDINARY_INPUT = (0.1, 10.0)


def judged_layers(evidence: SignalEvidence) -> list[LayerSignal]:
    """The layers whose weights' size matters and is known: on the trunk, not normalised, not the head.

    A weight that is all zero and gets a gradient starts there on purpose, as in low-rank adapters; without a gradient
    it is the symmetric units' rule that speaks.
    """
    strange = {signal.read_by for signal in evidence.inputs if not ORDINARY_INPUT[0] <= signal.rms <= ORDINARY_INPUT[1]}
    return [
        layer
        for layer in evidence.layers
        if layer.right_weight_rms > 0
        and math.isfinite(layer.weight_rms)
        and not (layer.weight_rms == 0 and layer.weight_gradient_rms > 0)
        and not (layer.normalised or layer.in_branch or layer.is_output or layer.name in strange)
    ]


def trunk_growth(evidence: SignalEvidence) -> tuple[float, float]:
    """Growth of signal and of gradient along the trunk in e-foldings, each in its own direction; 0 where unknown."""
    differences = signal_growth(evidence, lambda point: point.centred_rms)
    sizes = signal_growth(evidence, lambda point: point.rms)
    gradient = gradient_growth(evidence)
    shrinks = min((growth.log_ratio for growth in (differences, sizes) if growth), default=0.0)
    grows = sizes.log_ratio if sizes else 0.0
    backward = -gradient.log_ratio if gradient else 0.0
    return min(shrinks, backward, 0.0), max(grows, backward, 0.0)


def in_words(layer: LayerSignal) -> str:
    """The weight's size and the right one, such as "std 0.01, right 0.177 for relu with fan_in 64"."""
    activation = layer.activation or "no activation"
    return (
        f"std {layer.weight_rms:.3g}, right {layer.right_weight_rms:.3g} for {activation} with fan_in {layer.fan_in:g}"
    )
