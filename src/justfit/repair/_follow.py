"""Learning curves of counterfactual runs: measured after some epochs, to be shown; they decide nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor

from justfit.sweep import Network

NUM_POINTS = 12  # of one training, so that what is only shown costs little: 3 to 5 % of a repair


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """A network after one of its epochs.

    Attributes:
        train_loss, train_loss_se, validation_loss, validation_loss_se: In the unit of the loss it was trained with.
        share, share_se: Of the learnable, on the validation rows.
    """

    train_loss: float
    train_loss_se: float
    validation_loss: float
    validation_loss_se: float
    share: float
    share_se: float


def is_due(network: Network) -> bool:
    """Whether an epoch is over after which the network is measured: some, evenly, and the last."""
    epochs = network.training.epochs
    every = math.ceil(epochs / NUM_POINTS)
    return network.step % network.steps_per_epoch == 0 and (network.epoch % every == 0 or network.epoch == epochs)


def measure(network: Network, scores: Tensor, unit: float) -> Followed:
    """Measure the network as it stands.

    Args:
        network: At the end of an epoch.
        scores: [n] of the yardstick, on the validation rows.
        unit: Mean score of the best constant.
    """
    held, train_loss, train_loss_se = network.measure()
    held = held.double()
    return Followed(
        train_loss=train_loss,
        train_loss_se=train_loss_se,
        validation_loss=float(held.mean()),
        validation_loss_se=float(held.std()) / math.sqrt(len(held)),
        share=1.0 - float(scores.mean()) / unit,
        share_se=standard_error(scores, unit),
    )


def standard_error(scores: Tensor, unit: float) -> float:
    """One standard error of a share, over the rows."""
    return float(scores.std()) / math.sqrt(len(scores)) / unit
