"""Which λ and which dropout are tried: exact zeros always, and the largest useful λ found from the data."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from justfit.cures import Scheme
from justfit.sweep._problem import NEVER_HELD_OUT, Problem, Recipe, Variant
from justfit.sweep._program import Program

DROPOUTS = (0.0, 0.2, 0.4, 0.6)
# Candidates for the largest λ, half a decade apart. The smallest is far below what shrinks any network to a constant.
CANDIDATES = tuple(10.0 ** (exponent / 2) for exponent in range(-2, 13))
PROBE_STEPS = 240
PROBE_ROWS = 2_000
PROBE_LEARNING_RATE = 1e-2
# A network counts as shrunk when l2 leaves it less than this share of what the best candidate learned.
SHRUNK_FRACTION = 0.25


@dataclass(frozen=True, slots=True)
class Grid:
    """The cells of a sweep and how often each is trained.

    Attributes:
        l2: λ values, ascending from 0.
        dropout: Probabilities, ascending from 0.
        num_folds: Folds per cell.
        num_seeds: Seeds per cell.
        init: Initialization scheme of every network.
    """

    l2: tuple[float, ...]
    dropout: tuple[float, ...]
    num_folds: int
    num_seeds: int
    init: Scheme = "he"

    def variants(self, first_seed: int) -> list[Variant]:
        """All variants, in the order [l2][dropout][seed][fold]."""
        return [
            Variant(l2=l2, dropout=dropout, fold=fold, seed=first_seed + seed, init=self.init)
            for l2 in self.l2
            for dropout in self.dropout
            for seed in range(self.num_seeds)
            for fold in range(self.num_folds)
        ]


def constant_losses(problem: Problem) -> torch.Tensor:
    """Per-example loss of the best constant prediction: class frequencies, or the mean.

    Returns:
        [n] losses in float64.
    """
    weights = torch.ones(len(problem.targets)) if problem.weights is None else problem.weights
    weights = weights.double() / weights.double().sum()
    if problem.task == "regression":
        targets = problem.targets.double()
        return (targets - (weights * targets).sum()).square()
    shares = torch.zeros(problem.num_outputs, dtype=torch.float64).index_add_(0, problem.targets, weights)
    # a class of no weight at all: a finite loss, so that weight × loss is 0 and not NaN
    return -shares.clamp_min(torch.finfo(torch.float64).tiny).log()[problem.targets]


def find_largest_l2(problem: Problem, recipe: Recipe, *, seed: int, init: Scheme = "he") -> float:
    """Find the smallest λ (on a half-decade grid) that shrinks the network towards the constant predictor.

    All candidates are trained at once for a few hundred steps without dropout. λ enters as λ/n, n the rows of
    `problem`, also where the probe itself runs on fewer rows.

    Args:
        problem: The data; folds are ignored.
        recipe: Widths and activation; the probe has its own step count and learning rate.
        seed: Seed of the probe.
        init: Initialization scheme.

    Returns:
        The first λ from which on training takes off less than a quarter of what it takes off the constant predictor's
        loss at the best candidate.
    """
    num_rows = min(len(problem.targets), PROBE_ROWS)
    rows = torch.linspace(0, len(problem.targets) - 1, num_rows).long()
    weights = torch.ones_like(problem.inputs[:, 0]) if problem.weights is None else problem.weights
    weights = weights[rows] / weights[rows].mean()
    never = torch.full((num_rows,), NEVER_HELD_OUT)
    part = Problem(problem.inputs[rows], problem.targets[rows], never, problem.task, problem.num_outputs, weights)
    batch_size = min(recipe.batch_size, num_rows)
    probe = Recipe(
        hidden=recipe.hidden,
        activation=recipe.activation,
        epochs=-(-PROBE_STEPS // (num_rows // batch_size)),
        batch_size=batch_size,
        learning_rate=PROBE_LEARNING_RATE,
    )
    share = num_rows / len(problem.targets)
    program = Program(part, probe, [Variant(l2=l2 * share, dropout=0.0, seed=seed, init=init) for l2 in CANDIDATES])
    program.advance(probe.epochs)
    every_row = torch.arange(num_rows)
    losses = (torch.stack(program.losses(lambda _: every_row)).double() * weights).mean(1)
    constant = (constant_losses(part) * weights).mean()
    finite = losses[losses.isfinite()]
    learned = constant - (finite.min() if len(finite) else constant)
    shrunk = ~(losses < constant - SHRUNK_FRACTION * learned)
    alive = (~shrunk).nonzero().flatten()
    first = int(alive.max()) + 1 if len(alive) else 0
    return float(CANDIDATES[min(first, len(CANDIDATES) - 1)])


def l2_values(largest: float, num_values: int) -> tuple[float, ...]:
    """Exact zero, then half-decades up to and including `largest`."""
    return (0.0, *(largest * 10.0 ** (-step / 2) for step in range(num_values - 2, -1, -1)))
