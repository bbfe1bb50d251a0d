r"""One scale for networks of any loss and output: squared error of what they predict, as a share of the learnable.

Notation: n validation examples, C classes.

.. math:: s_i = \frac{1}{C'} \sum_c (\hat y_{ic} - y_{ic})^2, \qquad
          \text{share} = 1 - \frac{\bar s}{\bar s_{constant}}

For numbers :math:`\hat y` is the output on the targets' own scale. For classes y is one-hot and :math:`\hat y` the
softmax of the outputs times a factor that is fitted to each network (a temperature), so that neither the scale of the
outputs nor a second softmax counts: what remains is which class is told from which. A share of 1 is a perfect
prediction, 0 the best constant one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

Kind = Literal["classes", "binary", "numbers", "other"]

# Factors at which the temperature is looked for, in units of one over the outputs' own spread: e^±5, fine enough that
# the squared error is flat between two of them.
_FACTORS = torch.logspace(-2.0, 2.0, 25, dtype=torch.float64)
_LEAST_PROBABILITY = 1e-7  # of outputs that are probabilities: their logarithm is finite
_SUMS_TO_ONE = 1e-3


@dataclass(frozen=True, slots=True)
class Yardstick:
    """How well outputs predict the targets of some rows.

    Attributes:
        kind: `classes` (whole numbers, one score per class), `binary` (zeros and ones, one score each), `numbers`, or
            `other` where outputs cannot be held against targets; then the user's loss has to do.
        targets: Of the rows that networks are judged on.
        constant: [n] scores of the best constant prediction of the training rows; NaN of kind `other`.
        num_classes: C; 0 where there are none.
    """

    kind: Kind
    targets: Tensor
    constant: Tensor
    num_classes: int = 0

    def scores(self, outputs: Any) -> Tensor:
        """Squared error of each example, lower is better; that of a constant where the outputs tell nothing.

        Args:
            outputs: Of the network on the rows of `targets`, in eval mode.

        Returns:
            [n] float64.
        """
        found = prediction_of(outputs)
        if found is None or not bool(torch.isfinite(found).all()):
            return self.constant.clone()
        found = found.detach().double().cpu()
        if self.kind == "numbers":
            return self._of_numbers(found)
        scores = self._of_classes(found) if self.kind == "classes" else self._of_binary(found)
        return self.constant.clone() if scores is None else scores

    def errors(self, outputs: Any) -> Tensor:
        """Wrongly classified share of each example, in [0, 1]; for numbers the squared error."""
        found = prediction_of(outputs)
        if self.kind == "numbers" or found is None:
            return self.scores(outputs)
        found = torch.nan_to_num(found.detach().double().cpu())
        if self.kind == "binary":
            if found.numel() != self.targets.numel():
                return torch.ones(len(self.targets), dtype=torch.float64)
            cut = 0.5 if _are_probabilities(found) else 0.0
            wrong = (found.reshape(self.targets.shape) > cut) != (self.targets > 0.5)
        else:
            logits = _class_scores(found, self.targets)
            if logits is None:
                return torch.ones(len(self.targets), dtype=torch.float64)
            wrong = logits.argmax(1) != self.targets
        return wrong.double().reshape(len(self.targets), -1).mean(1)

    def share(self, scores: Tensor) -> float:
        """Share of the learnable that scores stand for: 1 is perfect, 0 is the best constant."""
        return 1.0 - float(scores.mean() / self.unit)

    @property
    def unit(self) -> float:
        """Mean score of the best constant: what there is to learn."""
        return max(float(self.constant.mean()), 1e-12)

    def _of_numbers(self, found: Tensor) -> Tensor:
        if found.numel() != self.targets.numel():
            return self.constant.clone()
        squares = (found.reshape(self.targets.shape) - self.targets.double()) ** 2
        return squares.reshape(len(squares), -1).mean(1)

    def _of_binary(self, found: Tensor) -> Tensor | None:
        if found.numel() != self.targets.numel():
            return None
        found = found.reshape(self.targets.shape)
        logits = torch.logit(found, _LEAST_PROBABILITY) if _are_probabilities(found) else found
        pairs = torch.stack((torch.zeros_like(logits), logits), 1)
        return _calibrated(pairs, (self.targets > 0.5).long())

    def _of_classes(self, found: Tensor) -> Tensor | None:
        logits = _class_scores(found, self.targets)
        return None if logits is None else _calibrated(logits, self.targets)


def yardstick_for(outputs: Any, targets: Any, training_targets: Any) -> Yardstick:
    """Choose how networks are judged, from their targets.

    Args:
        outputs: Of the network on a few rows; None where it cannot be run.
        targets: Of the rows that networks are judged on.
        training_targets: Of the rows they are trained on: the best constant is made from these.
    """
    if not isinstance(targets, Tensor) or not len(targets):
        return Yardstick("other", torch.empty(0), torch.full((1,), math.nan, dtype=torch.float64))
    known = training_targets.detach().cpu()
    targets = targets.detach().cpu()
    one_hot = _classes_of_one_hot(known)
    if one_hot is not None:
        known, targets = one_hot, targets.argmax(1)
    if not known.is_floating_point():
        known, targets = known.long(), targets.long()
        found = prediction_of(outputs)
        single = found is not None and found.numel() // max(len(found), 1) == known[0].numel()
        if single and int(known.max()) <= 1:
            return _binary(known.double(), targets.double())
        num_classes = int(max(known.max(), targets.max())) + 1
        priors = torch.bincount(known.flatten().clamp_min(0), minlength=num_classes).double()
        priors = priors / priors.sum()
        constant = (priors**2).sum() - 2 * priors[targets.clamp_min(0)] + 1
        return Yardstick("classes", targets, constant.reshape(len(targets), -1).mean(1), num_classes)
    if bool(((known == 0) | (known == 1)).all()):
        return _binary(known.double(), targets.double())
    mean = known.double().mean(0)
    squares = (targets.double() - mean) ** 2
    return Yardstick("numbers", targets.double(), squares.reshape(len(squares), -1).mean(1))


def _binary(known: Tensor, targets: Tensor) -> Yardstick:
    constant = 2 * (targets - known.mean(0)) ** 2
    return Yardstick("binary", targets, constant.reshape(len(constant), -1).mean(1), 2)


def _classes_of_one_hot(targets: Tensor) -> Tensor | None:
    if targets.ndim != 2 or targets.shape[1] < 2 or not targets.is_floating_point():
        return None
    is_one_hot = ((targets == 0) | (targets == 1)).all() and (targets.sum(1) == 1).all()
    return targets.argmax(1) if bool(is_one_hot) else None


def prediction_of(outputs: Any) -> Tensor | None:
    """Find the predictions in what a network returns: the tensor, the entry `logits`, or the first tensor."""
    if isinstance(outputs, Tensor):
        return outputs
    named = outputs.get("logits") if isinstance(outputs, Mapping) else getattr(outputs, "logits", None)
    values = outputs.values() if isinstance(outputs, Mapping) else outputs if isinstance(outputs, tuple | list) else ()
    return next((value for value in (named, *values) if isinstance(value, Tensor)), None)


def _class_scores(found: Tensor, targets: Tensor) -> Tensor | None:
    """Outputs as logits with the classes in dimension 1; None where they are of no such shape."""
    if found.ndim == targets.ndim + 1 and found.shape[0] == targets.shape[0]:
        if found.shape[2:] != targets.shape[1:] and found.shape[1:-1] == targets.shape[1:]:
            found = found.movedim(-1, 1)
        if found.shape[2:] == targets.shape[1:] and found.shape[1] > int(targets.max()):
            if not _are_probabilities(found):
                return found
            sums_to_one = bool(((found.sum(1) - 1).abs() < _SUMS_TO_ONE).all())
            return found.clamp_min(_LEAST_PROBABILITY).log() if sums_to_one else torch.logit(found, _LEAST_PROBABILITY)
    return None


def _are_probabilities(found: Tensor) -> bool:
    return bool(((found >= 0) & (found <= 1)).all())


def _calibrated(logits: Tensor, targets: Tensor) -> Tensor:
    """Squared error of the softmax at the temperature that suits these outputs best."""
    centred = logits - logits.mean(1, keepdim=True)
    spread = float(centred.square().mean().sqrt())
    factors = _FACTORS / spread if spread > 1e-12 else torch.zeros(1, dtype=torch.float64)
    best: Tensor | None = None
    one_hot = torch.zeros_like(centred).scatter_(1, targets.clamp_min(0).unsqueeze(1), 1.0)
    for factor in factors:
        squares = (torch.softmax(centred * factor, 1) - one_hot).square().sum(1).reshape(len(targets), -1).mean(1)
        if best is None or float(squares.mean()) < float(best.mean()):
            best = squares
    assert best is not None  # noqa: S101  # there is at least one factor
    return best
