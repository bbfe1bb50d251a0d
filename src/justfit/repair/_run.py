"""One network on its way: trained epoch by epoch, judged on the validation rows."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor

from justfit.repair._alteration import Alteration
from justfit.repair._case import Case, outputs_on
from justfit.repair._ledger import Ledger
from justfit.repair._yardstick import Yardstick
from justfit.sweep import Network, Unit, default_generator_kept


@dataclass(slots=True)
class Judged:
    """What a network is worth at one epoch.

    Attributes:
        scores: [n] of `Yardstick`.
        error: Wrongly classified share, or mean squared error.
        losses: [n] of the user's own loss; empty where it was not asked for.
    """

    scores: Tensor
    error: float
    losses: Tensor = field(default_factory=lambda: torch.empty(0))


class Run:
    """A network under a change, and what it was worth at each epoch that was looked at.

    Args:
        case: The user's recipe.
        alteration: What is done differently.
        yardstick: How networks are judged.
        ledger: Where epochs are counted.
        seed: Of all that is random; the baseline's where not given.
    """

    def __init__(
        self, case: Case, alteration: Alteration, yardstick: Yardstick, ledger: Ledger, *, seed: int | None = None
    ) -> None:
        self.case, self.alteration, self.yardstick, self.ledger = case, alteration, yardstick, ledger
        self.seed = case.seed if seed is None else seed
        with default_generator_kept():
            self.network: Network = case.network(alteration, seed)
        self.judged: dict[int, Judged] = {}
        self.diverged = False

    @property
    def epoch(self) -> int:
        """Epochs done."""
        return self.network.epoch

    def advance(self, until: int, *, look: bool = True) -> Judged:
        """Train on to an epoch and judge there; a network that is no longer finite stays where it is."""
        with default_generator_kept():
            while self.epoch < until and not self.diverged:
                self._one_epoch()
        return self.look(until) if look else self.judged[until]

    def _one_epoch(self) -> None:
        unit = Unit(variants=(self.network.variant,), tier="loop", until=self.epoch + 1)
        self.network.train(unit)
        self.ledger.num_epochs += 1
        self.diverged = not _is_finite(self.network)

    def look(self, epoch: int) -> Judged:
        """Judge the network as it stands; kept under the number of the epoch."""
        if epoch not in self.judged:
            inputs, _ = self.case.validation
            outputs = outputs_on(self.network.module, inputs)
            scores = self.yardstick.scores(outputs)
            error = math.nan if outputs is None else float(self.yardstick.errors(outputs).mean())
            self.judged[epoch] = Judged(scores, error)
        return self.judged[epoch]

    def share(self, epoch: int) -> float:
        """Share of the learnable at an epoch."""
        return self.yardstick.share(self.judged[epoch].scores)


def _is_finite(network: Network) -> bool:
    return all(bool(torch.isfinite(parameter).all()) for parameter in network.module.parameters())
