"""Which λ are tried where none are given: exact zero, and half-decades up to the largest that is of use."""

from __future__ import annotations

import math
from dataclasses import replace

import torch

from justfit.errors import DivergedError
from justfit.sweep._constant_loss import constant_loss
from justfit.sweep._grid import CANDIDATES, PROBE_ROWS, PROBE_STEPS, SHRUNK_FRACTION
from justfit.sweep._loop import batch_size_of, take
from justfit.sweep._problem import NEVER_HELD_OUT
from justfit.sweep._training import Examples, Setting, SweepVariant, Tier, Training, Unit
from justfit.sweep._unit import run_unit

NUM_L2 = 10  # zero and nine half-decades: four decades


def largest_l2(training: Training, tier: Tier, *, setting: Setting, seed: int) -> float:
    """Find the smallest λ, on a half-decade grid, that keeps the network at the constant predictor.

    Candidates are trained together for a few epochs on at most 2,000 rows, by the sweep's own optimizer. λ enters as
    λ/n with n the rows of the whole training, also where the probe has fewer.

    Args:
        training: What will be swept; folds are ignored.
        tier: By which program.
        setting: What all candidates have besides λ.
        seed: Of the probe.

    Returns:
        The first λ from which on training takes off less than a quarter of what it takes off the constant predictor's
        loss at the best candidate. Where the constant predictor's loss is not known, that of the largest candidate
        that stayed finite stands for it.

    Raises:
        DivergedError: No candidate stayed finite.
    """
    examples = training.examples
    num_rows = len(examples.fold_of_rows)
    rows = torch.linspace(0, num_rows - 1, min(num_rows, PROBE_ROWS)).long()
    part = Examples(take(examples.inputs, rows), take(examples.targets, rows), torch.full((len(rows),), NEVER_HELD_OUT))
    probe = replace(training, examples=part, schedule="constant")
    epochs = min(training.epochs, -(-PROBE_STEPS // max(1, len(rows) // batch_size_of(probe))))
    probe = replace(probe, epochs=epochs)
    variants = [SweepVariant(setting=replace(setting, l2=l2 * len(rows) / num_rows), seed=seed) for l2 in CANDIDATES]
    unit = Unit(variants=tuple(variants), tier=tier, until=epochs, measure=(epochs,))
    losses = run_unit(probe, unit)[1].train_loss[:, -1].tolist()
    return float(CANDIDATES[_first_shrunk(losses, constant_loss(training.loss_fn, part.targets))])


def _first_shrunk(losses: list[float], constant: float | None) -> int:
    """Index of the first candidate from which on no network is better than the constant by a quarter of the best."""
    finite = [loss for loss in losses if math.isfinite(loss)]
    if not finite:
        raise DivergedError(
            "At least one network must stay finite with some λ.",
            found=f"NaN or infinity at λ = {CANDIDATES[0]:g} and at every larger one",
            way_out="Use a smaller learning rate, or scale the inputs.",
        )
    level = finite[-1] if constant is None else constant
    level -= SHRUNK_FRACTION * (level - min(finite))
    alive = [k for k, loss in enumerate(losses) if loss < level]
    return min(alive[-1] + 1 if alive else 0, len(CANDIDATES) - 1)
