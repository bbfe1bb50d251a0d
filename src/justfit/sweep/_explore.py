"""The networks of a sweep, opened: what a reader sees when moving along λ and dropout (lecture C7, C11).

One network a cell is opened, that of fold 0 and the first seed, as it stands at the end of the sweep.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from justfit.maths import active_fraction, linearity_r2_of_each
from justfit.records import Explored, NetworkView
from justfit.sweep._mask_drawn import thinned_wiring
from justfit.sweep._problem import Variant
from justfit.sweep._program import Program, one_torch_thread
from justfit.sweep._two_features import Rows, TwoFeatures, draw_surface, lay_plane, places_of

MAX_ROWS = 2_000  # that the networks are run on
MAX_OUTPUTS = 4_000  # that are held against the best linear map at a time: 64 MB
NUM_BINS = 41  # odd, so that the weights that l2 made small stand in one bin around 0
# The histograms reach as far as all but this share of a network's weights, and wide enough for nine networks of ten.
TAIL_SHARE = 0.01
NETWORK_SHARE = 0.9


@dataclass(slots=True)
class _Opened:
    """One network with what it does on the examples.

    Attributes:
        weights: All weights, without biases; `sum_squares` is theirs.
        outputs: [B, O].
        active: Active fraction of each hidden layer; `units` says how many it has.
        surface, likeliest: See `NetworkView`.
    """

    variant: Variant
    module: nn.Sequential
    weights: NDArray[Any]
    sum_squares: float
    outputs: Tensor
    units: tuple[int, ...]
    active: tuple[float, ...]
    surface: Rows = ()
    likeliest: tuple[tuple[int, ...], ...] = ()


def explore(program: Program, thinned_at: float, features: TwoFeatures | None = None) -> Explored | None:
    """Open the networks of a trained sweep.

    Args:
        program: The sweep; all cells have a network of fold 0 and the first seed.
        thinned_at: Dropout of the networks whose mask is shown; 0 shows none.
        features: What two inputs mean, for the surface over their plane; None leaves the plane out.

    Returns:
        One view per cell whose network stayed finite; None if none did.
    """
    problem, seed = program.problem, program.variants[0].seed
    rows = torch.linspace(0, len(problem.inputs) - 1, min(len(problem.inputs), MAX_ROWS)).long()
    inputs = problem.inputs[rows]
    plane = None if features is None else lay_plane(problem, features)
    places = None if plane is None or features is None else places_of(plane, features, inputs.dtype)
    opened = []
    with one_torch_thread():
        for index, variant in enumerate(program.variants):
            if (variant.fold, variant.seed) == (0, seed):
                network = _open(program.module(index), variant, inputs)
                if network is not None and places is not None and features is not None:
                    network.surface, network.likeliest = draw_surface(network.module, places, features)
                opened += [] if network is None else [network]
        if not opened:
            return None
        linearity = _linearity(inputs, [network.outputs for network in opened])
    wirings = thinned_wiring(program, thinned_at) if thinned_at > 0 else None
    high = _reach([network.weights for network in opened])
    return Explored(
        views=tuple(_view(network, r2, high) for network, r2 in zip(opened, linearity, strict=True)),
        weight_low=-high,
        weight_high=high,
        plane=plane,
        thinned=wirings or (),
        thinned_dropout=thinned_at if wirings else math.nan,
    )


@torch.no_grad()
def _open(module: nn.Sequential, variant: Variant, inputs: Tensor) -> _Opened | None:
    """Run a network on the examples; None if an output is not finite."""
    values, units, active = inputs, [], []
    for layer in module:
        values = layer(values)
        if not isinstance(layer, nn.Linear | nn.Dropout):
            units.append(values.shape[1])
            active.append(active_fraction(values))
    weights = [layer.weight for layer in module if isinstance(layer, nn.Linear)]
    if not all(bool(tensor.isfinite().all()) for tensor in (values, *weights)):
        return None
    return _Opened(
        variant=variant,
        module=module,
        weights=torch.cat([weight.flatten() for weight in weights]).numpy(),
        sum_squares=sum(float(weight.double().square().sum()) for weight in weights),
        outputs=values,
        units=tuple(units),
        active=tuple(active),
    )


def _linearity(inputs: Tensor, outputs: list[Tensor]) -> list[float]:
    """R² of each network; of thousands of classes, a few networks at a time."""
    block = max(1, MAX_OUTPUTS // outputs[0].shape[1])
    starts = range(0, len(outputs), block)
    return [r2 for start in starts for r2 in linearity_r2_of_each(inputs, outputs[start : start + block])]


def _reach(weights: Sequence[NDArray[Any]]) -> float:
    """End of all histograms: a wide network's tail, of the networks and not of the one that nearly diverged."""
    tails = [np.quantile(np.abs(values), 1.0 - TAIL_SHARE) for values in weights]
    return float(np.quantile(tails, NETWORK_SHARE, method="lower")) or 1.0


def _view(network: _Opened, linearity: float, high: float) -> NetworkView:
    counts, _ = np.histogram(np.clip(network.weights, -high, high), NUM_BINS, (-high, high))
    weighted = sum(count * fraction for count, fraction in zip(network.units, network.active, strict=True))
    return NetworkView(
        l2=network.variant.l2,
        dropout=network.variant.dropout,
        weight_sum_squares=network.sum_squares,
        weight_counts=tuple(counts.tolist()),
        active_fraction=weighted / sum(network.units) if network.units else 1.0,
        active_by_layer=network.active,
        linearity_r2=linearity,
        surface=network.surface,
        likeliest=network.likeliest,
    )
