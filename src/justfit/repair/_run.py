"""One network on its way: trained step by step, judged on the validation rows."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import torch
from torch import Tensor

from justfit.repair._alteration import Alteration
from justfit.repair._case import Case, outputs_on
from justfit.repair._follow import Followed, is_due, measure
from justfit.repair._ledger import Ledger
from justfit.repair._yardstick import Yardstick
from justfit.sweep import Network, default_generator_kept

# Shares of a training at which networks are held against each other, besides whole epochs. Halving: what is promising
# on one of them is run on to the next.
FRACTIONS = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0)


@dataclass(slots=True)
class Judged:
    """What a network is worth at one step.

    Attributes:
        scores: [n] of `Yardstick`.
        error: Wrongly classified share, or mean squared error.
    """

    scores: Tensor
    error: float


class Run:
    """A network under a change, and what it was worth at each step at which it was looked at.

    Args:
        case: The user's recipe.
        alteration: What is done differently.
        yardstick: How networks are judged.
        ledger: Where steps are counted.
        seed: Of all that is random; the baseline's where not given.
    """

    def __init__(
        self, case: Case, alteration: Alteration, yardstick: Yardstick, ledger: Ledger, *, seed: int | None = None
    ) -> None:
        self.case, self.alteration, self.yardstick, self.ledger = case, alteration, yardstick, ledger
        self.seed = case.seed if seed is None else seed
        with default_generator_kept():
            self.network: Network = case.network(alteration, seed)
        self.num_steps = self.network.steps_per_epoch * self.network.training.epochs
        self.judged: dict[int, Judged] = {}
        self.followed: dict[int, Followed] = {}
        self.diverged = False

    @property
    def step(self) -> int:
        """Steps done."""
        return self.network.step

    @property
    def epochs_done(self) -> float:
        """Epochs done, with their fraction."""
        return self.step / self.network.steps_per_epoch

    def advance(self, until: int) -> Judged:
        """Train on to a step and judge there; a network that is no longer finite stays where it is."""
        while self.step < until and not self.diverged:
            before, started = self.step, time.process_time()
            with default_generator_kept():
                self.network.advance(min(until, (self.network.epoch + 1) * self.network.steps_per_epoch))
            self.ledger.count(self.step - before, time.process_time() - started)
            self.diverged = not _is_finite(self.network)
            self._follow()
        return self.look(until)

    def _follow(self) -> None:
        """Measure a counterfactual run after some of its epochs, for its curves; the user's own is measured in all."""
        if self.alteration.changed and is_due(self.network):
            with default_generator_kept():
                outputs = outputs_on(self.network.module, self.case.validation[0])
                self.followed[self.step] = measure(self.network, self.yardstick.scores(outputs), self.yardstick.unit)

    def look(self, step: int) -> Judged:
        """Judge the network as it stands; kept under the number of the step."""
        if step not in self.judged:
            inputs, _ = self.case.validation
            outputs = outputs_on(self.network.module, inputs)
            scores = self.yardstick.scores(outputs)
            error = math.nan if outputs is None else float(self.yardstick.errors(outputs).mean())
            self.judged[step] = Judged(scores, error)
        return self.judged[step]

    def share(self, step: int) -> float:
        """Share of the learnable at a step."""
        return self.yardstick.share(self.judged[step].scores)

    @property
    def last_share(self) -> float:
        """Share of the learnable where it was last looked at; NaN where it never was."""
        return self.share(max(self.judged)) if self.judged else math.nan

    @property
    def last_error(self) -> float:
        """Error where it was last looked at; NaN where it never was."""
        return self.judged[max(self.judged)].error if self.judged else math.nan


def mark(num_steps: int, fraction: float) -> int:
    """The step at a fraction of a training."""
    return max(1, round(num_steps * fraction))


def _is_finite(network: Network) -> bool:
    return all(bool(torch.isfinite(parameter).all()) for parameter in network.module.parameters())
