"""What can be reached on the points of a playground, to hold a network against.

Notation: k(x, x') = exp(−‖x − x'‖²/2h²), h the width, c the weight of the share of class 1 among all.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from justfit.lab._playground_points import Points

WIDTHS = tuple(10 ** (-1.7 + 0.2 * step) for step in range(11))  # in standard deviations of the training rows
COUNTS = (0.003, 0.01, 0.03, 0.1, 0.3)


class Reference:
    """What a kernel smoother and the best constant prediction reach.

    Args:
        points: The rows to learn from, and the validation rows.

    Attributes:
        constant_loss: What the best constant prediction reaches on the validation rows, nats.
        smoother_loss: What the kernel smoother reaches on them.
    """

    def __init__(self, points: Points) -> None:
        share = points.labels[points.num_train :].double().mean()
        self.constant_loss = float(-(torch.special.xlogy(share, share) + torch.special.xlogy(1 - share, 1 - share)))
        self.smoother_loss = smoother_loss(points)

    def best(self, lowest: float) -> tuple[float, str]:
        """The lower one of the smoother's loss and the lowest of the playground itself, and whose it is."""
        if lowest < self.smoother_loss:
            return lowest, "the best λ, dropout and epoch here"
        return self.smoother_loss, "a kernel smoother"


def smoother_loss(points: Points) -> float:
    r"""Average the labels around every validation row; mean loss, nats.

    .. math:: P(1 \mid x) = \frac{\sum_i k(x, x_i)\,y_i + c\,\bar y}{\sum_i k(x, x_i) + c}

    Width and c are those of the lowest leave-one-out loss on the training rows.

    References:
        Nadaraya, "On Estimating Regression", 1964. Watson, "Smooth Regression Analysis", 1964.
    """
    inputs, labels = points.standardised(points.inputs), points.labels.double()
    train, train_labels = inputs[: points.num_train], labels[: points.num_train]
    between = torch.cdist(train, train).square().fill_diagonal_(math.inf)  # no row is its own neighbour
    tried = [(width, count) for width in WIDTHS for count in COUNTS]
    losses = [float(_loss(_smooth(between, train_labels, *choice), train_labels)) for choice in tried]
    width, count = tried[losses.index(min(losses))]
    across = torch.cdist(inputs[points.num_train :], train).square()
    return float(_loss(_smooth(across, train_labels, width, count), labels[points.num_train :]))


def _smooth(squares_MN: Tensor, labels_N: Tensor, width: float, count: float) -> Tensor:
    near_MN = torch.exp(-squares_MN / (2 * width**2))
    share = (labels_N.sum() + 1) / (len(labels_N) + 2)  # never 0 or 1
    return (near_MN @ labels_N + count * share) / (near_MN.sum(1) + count)


def _loss(chances: Tensor, labels: Tensor) -> Tensor:
    return functional.binary_cross_entropy(chances.clamp(0, 1), labels)
