"""The grid of configurations, the same for every table: recipes times cells of (λ, dropout), with three seeds each.

Constant learning rates are the engine's cosine stretched so far that nothing is seen of it; a run of such a recipe that
is cut off after t epochs is the run of t epochs. `eps` of 1 makes of Adam, whose gradients are far below 1, SGD with
momentum 0.9, whose learning rate in the sense of `torch.optim.SGD` is a tenth of the recipe's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from justfit.sweep import Recipe, Variant

SEEDS = (0, 1, 2)
# λ of λ/(2n)·Σw², and the probability of dropping: from no restraint to far too much
CELLS = ((0.0, 0.0), (0.3, 0.0), (1.5, 0.0), (6.0, 0.0), (60.0, 0.0), (0.0, 0.25), (2.0, 0.5), (0.0, 0.8))
NUM_PROBLEMS = 4  # per table, see `deal`
STRETCH = 1_000  # cosine over so many times the epochs: constant to 1e-6
TEST_EPOCHS = (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 17, 20, 24, 29, 35, 42, 50, 60, 72, 86, 103, 123, 148, 177, 212)
MOST_RECORDED = 120


@dataclass(frozen=True)
class Plan:
    """One recipe of the grid before it is fitted to a problem.

    Attributes:
        share: Epochs, as a share of what `length` gives the problem.
        cosine: The learning rate falls to zero; else it is constant.
        running: Also record the train loss as a running mean over the batches, dropout on, weights moving.
    """

    hidden: tuple[int, ...]
    activation: str
    batch_size: int
    learning_rate: float
    share: float
    cosine: bool = False
    eps: float = 1e-8
    running: bool = False


PLANS = (
    Plan((64,), "relu", 32, 5e-3, 1.0),
    Plan((256,), "relu", 32, 1e-3, 0.5, running=True),
    Plan((128, 128), "relu", 64, 2e-3, 0.4, cosine=True),
    Plan((4,), "relu", 32, 5e-3, 1.5),
    Plan((16,), "tanh", 16, 1e-2, 0.8),
    Plan((32, 32, 32), "relu", 32, 3e-3, 0.6, running=True),
    Plan((64, 64), "relu", 64, 3e-4, 0.8),
    Plan((16, 16), "relu", 16, 0.3, 0.8, eps=1.0, running=True),
    Plan((8,), "logistic", 64, 1e-2, 1.2, cosine=True),
    Plan((96,), "tanh", 16, 2e-2, 0.3),
)


def length(num_train):
    """Epochs of a recipe with share 1: fewer rows, more of them."""
    return float(np.clip(70_000 / num_train, 60, 200))


def recipe_of(plan, num_train):
    """The engine's recipe of a plan, and how many epochs it is trained."""
    epochs = int(plan.share * length(num_train))
    recipe = Recipe(
        hidden=plan.hidden, activation=plan.activation, batch_size=min(plan.batch_size, max(8, num_train // 4)),
        learning_rate=plan.learning_rate, eps=plan.eps, epochs=epochs if plan.cosine else epochs * STRETCH,
    )  # fmt: skip
    return recipe, epochs


def variants(fold):
    """Cells in order, and for each its seeds."""
    return [Variant(l2=l2, dropout=p, fold=fold, seed=seed) for l2, p in CELLS for seed in SEEDS]


def recorded_epochs(epochs):
    """At most 120 epochs, evenly spread; and those whose test loss is measured, among them the last."""
    stride = -(-epochs // MOST_RECORDED)
    record = sorted({*range(1, epochs + 1, stride), epochs, *(t for t in TEST_EPOCHS if t <= epochs)})
    test = [t for t in TEST_EPOCHS if t < epochs] + [epochs]
    return record, test
