"""Which loss belongs to what a network gives and what it is compared with.

Shapes: B examples, C classes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from justfit.cures._loss_call import BINARY, CLASSIFICATION, LossCall, see_loss
from justfit.cures._loss_numbers import (
    are_class_numbers,
    are_log_probabilities,
    are_one_hot,
    are_probabilities,
    are_yes_or_no,
)
from justfit.cures._paired_loss import OutputStep, PairedLoss
from justfit.records import Change, LossFaultKind

LossFunction = Callable[[Any, Any], Tensor]
TargetFaultKind = Literal[
    "targets_of_wrong_dtype", "targets_of_wrong_shape", "targets_not_from_zero", "regression_loss_for_classes"
]
RANGES = {
    "sigmoid": (0.0, 1.0),
    "hardsigmoid": (0.0, 1.0),
    "softmax": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
    "relu": (0.0, float("inf")),
}
SQUASHED = ("sigmoid", "hardsigmoid", "softmax")


@dataclass(frozen=True, slots=True, kw_only=True)
class LossAdvice:
    """Another loss, and why.

    Attributes:
        kind: What is wrong.
        change: In words and as code.
        loss_fn: To use with the network as it is; None where the network itself must change.
        logits_loss_fn: To use once `remove_output_activation_` has made the network give logits; None where there is
            nothing to remove.
    """

    kind: LossFaultKind | TargetFaultKind
    change: Change
    loss_fn: LossFunction | None
    logits_loss_fn: LossFunction | None = None


def pair_loss(
    outputs: Any, targets: Any, loss_fn: LossFunction, *, output_activation: str | None = None
) -> LossAdvice | None:
    r"""Find the loss that belongs to a network's outputs and their targets, where `loss_fn` does not.

    Found are: probabilities or log-probabilities in the wrong loss, such as softmax before cross entropy, which takes
    its own; logits where probabilities are expected; squared error on class numbers or one-hot rows; a single output
    for cross entropy; shapes such as (B, 1) against (B,), of which every output is compared with every target; targets
    of the wrong dtype; classes counted from 1; binary targets other than 0 and 1; targets beyond the range of the
    output's activation. Nothing is found in a loss that calls none of torch's loss functions, unless shapes differ.

    A softmax shows in the numbers: each row sums to 1. A sigmoid, tanh or ReLU does not for certain, so that those are
    found only if `output_activation` says so (`remove_output_activation_` finds and removes them).

    Args:
        outputs: Of the network, batch first.
        targets: What they are compared with.
        loss_fn: As it is now, a function of the two; it may raise.
        output_activation: Name of the last operation: "softmax", "log_softmax", "sigmoid", "tanh" or "relu".

    Returns:
        Another loss; None if the pairing is right, as far as can be seen.

    Example:
        >>> probabilities = torch.tensor([[0.25, 0.75], [0.5, 0.5]])
        >>> advice = pair_loss(probabilities, torch.tensor([1, 0]), nn.CrossEntropyLoss())
        >>> advice.kind, round(float(advice.loss_fn(probabilities, torch.tensor([1, 0]))), 4)
        ('softmax_before_cross_entropy', 0.4904)
        >>> pair_loss(torch.randn(2, 3), torch.tensor([1, 0]), nn.CrossEntropyLoss()) is None
        True

    References:
        Goodfellow, Bengio, Courville, "Deep Learning", 2016, section 6.2.2.
    """
    if not isinstance(outputs, Tensor) or not isinstance(targets, Tensor) or not outputs.is_floating_point():
        return None
    call = see_loss(loss_fn, outputs.detach(), targets.detach())
    if call is None or call.outputs.dim() == 0 or not call.outputs.numel() or not call.targets.numel():
        return None
    if call.outputs.shape != outputs.shape:  # the loss itself reshapes: what it does is its own affair
        return None
    pairing = _Pairing(call, loss_fn, output_activation or "")
    if call.name in CLASSIFICATION:
        return pairing.of_classes()
    return pairing.of_binary() if call.name in BINARY else pairing.of_numbers()


class _Pairing:
    """Outputs, targets and the loss between them."""

    def __init__(self, call: LossCall, loss_fn: LossFunction, activation: str) -> None:
        self.call, self.loss_fn = call, loss_fn
        self.outputs, self.targets = call.outputs.detach(), call.targets.detach()
        self.activation = activation
        self.num_classes = self.outputs.shape[1] if self.outputs.dim() > 1 else 1

    def of_classes(self) -> LossAdvice | None:
        """Judge cross entropy and nll_loss."""
        if self.num_classes == 1 and self.outputs.dim() > 1:
            return self._one_output()
        soft = self.targets.is_floating_point() and self.targets.shape == self.outputs.shape
        if self.outputs.dim() > 1 and not soft and (advice := self._class_targets()) is not None:
            return advice
        if self.call.name == "cross_entropy":
            if self.activation == "softmax" or are_probabilities(self.outputs):
                return self._to_logits("softmax_before_cross_entropy", "log", "the softmax")
            if self.activation in ("sigmoid", "hardsigmoid"):
                return self._to_logits("sigmoid_before_cross_entropy", "logit", f"the {self.activation}")
            return None
        if self.outputs.dim() < 2 or are_log_probabilities(self.outputs):
            return None
        step: OutputStep = "log" if are_probabilities(self.outputs) else "log_softmax"
        if step == "log":
            words, code = "nll_loss of the logarithm of the probabilities", "loss = loss_fn(outputs.log(), targets)"
        else:
            words, code = "cross entropy, which takes its own log_softmax", "loss_fn = nn.CrossEntropyLoss()"
        why = "nll_loss of anything but log-probabilities has no lower bound."
        fixed = PairedLoss(self.loss_fn, outputs=step)
        return self._advice("no_log_softmax_before_nll", (words, code, why), fixed)

    def of_binary(self) -> LossAdvice | None:
        """Judge binary cross entropy, with and without logits."""
        with_logits = self.call.name.endswith("with_logits")
        if are_class_numbers(self.targets, self.outputs) and self.num_classes > 1:
            return self._classes_instead()
        if self.targets.numel() != self.outputs.numel():
            return None
        outside = bool(((self.outputs < 0) | (self.outputs > 1)).any())
        if not with_logits and outside:
            words = "binary cross entropy with logits, which takes its own sigmoid"
            why = "binary_cross_entropy takes probabilities, and these outputs are none."
            fixed = self._like_outputs(nn.BCEWithLogitsLoss(weight=self.call.weight))
            return self._advice("no_sigmoid_before_bce", (words, "loss_fn = nn.BCEWithLogitsLoss()", why), fixed)
        if with_logits and self.activation in SQUASHED and not outside:
            return self._to_logits("sigmoid_before_bce_with_logits", "logit", f"the {self.activation}")
        return self._binary_targets()

    def of_numbers(self) -> LossAdvice | None:
        """Judge losses between numbers: squared and absolute errors, and differences written by hand."""
        is_named = self.call.name != "difference"
        if (
            is_named
            and self.num_classes > 1
            and (are_class_numbers(self.targets, self.outputs) or are_one_hot(self.targets, self.outputs))
        ):
            return self._classes_instead()
        if self.outputs.shape != self.targets.shape:
            if self.outputs.numel() != self.targets.numel():
                return None
            return self._reshaped("broadcast_in_regression_loss")
        if are_yes_or_no(self.targets):
            words = "binary cross entropy with logits"
            code = "loss_fn = nn.BCEWithLogitsLoss()  # with targets.float()"
            why = "The targets are classes, 0 and 1, and the error of a probability is measured by its logarithm."
            fixed = self._like_outputs(nn.BCEWithLogitsLoss())
            return self._advice("regression_loss_for_classes", (words, code, why), fixed)
        return self._out_of_range()

    # --- what is wrong with the targets ---------------------------------------------------------------------------

    def _class_targets(self) -> LossAdvice | None:
        """Make class numbers of targets that hold them in another form; None if they are right."""
        wanted = self.outputs.shape[:1] + self.outputs.shape[2:]
        low, high = float(self.targets.min()), float(self.targets.max())
        if self.targets.numel() != wanted.numel() or not bool((self.targets == self.targets.round()).all()):
            return None
        kind: TargetFaultKind
        if low >= 1 and high == self.num_classes:
            kind, words, code = "targets_not_from_zero", "class numbers from 0", "targets = targets - 1"
        elif low < 0 or high >= self.num_classes:
            return None  # an ignored class, or too few outputs
        elif self.targets.shape != wanted:
            kind, words = "targets_of_wrong_shape", f"class numbers of shape {tuple(wanted)}"
            code = f"targets = targets.reshape({tuple(wanted)})" if len(wanted) > 1 else "targets = targets.flatten()"
        elif self.targets.dtype not in (torch.int64, torch.uint8):
            kind, words, code = "targets_of_wrong_dtype", "class numbers of type int64", "targets = targets.long()"
        else:
            return None
        zero = 1.0 if kind == "targets_not_from_zero" else 0.0
        fixed = PairedLoss(self.loss_fn, targets="class numbers", zero=zero)
        return self._advice(kind, (words, code, "Cross entropy takes one class number per example, from 0 on."), fixed)

    def _binary_targets(self) -> LossAdvice | None:
        values = torch.unique(self.targets)
        low, high = float(values[0]), float(values[-1])
        if low < 0 or high > 1:
            if len(values) != 2:
                return None
            words, code = "targets 0 and 1", f"targets = (targets - {low:g}) / {high - low:g}"
            why = "Probabilities lie in [0, 1], and so must what they are compared with."
            return self._advice("targets_outside_output_range", (words, code, why), self._like_outputs(self.loss_fn))
        if self.targets.shape != self.outputs.shape:
            return self._reshaped("targets_of_wrong_shape")
        if not self.targets.is_floating_point():
            words, code = f"targets of type {self.outputs.dtype}", "targets = targets.float()"
            why = "Binary cross entropy compares probabilities, which are no whole numbers."
            fixed = self._like_outputs(self.loss_fn)
            return self._advice("targets_of_wrong_dtype", (words, code, why), fixed)
        return None

    def _reshaped(self, kind: LossFaultKind | TargetFaultKind) -> LossAdvice:
        words = f"targets of the outputs' shape {tuple(self.outputs.shape)}"
        why = "Of different shapes that broadcast, every output is compared with every target."
        fixed = PairedLoss(self.loss_fn, targets="like the outputs")
        return self._advice(kind, (words, "targets = targets.reshape(outputs.shape)", why), fixed)

    def _out_of_range(self) -> LossAdvice | None:
        low, high = RANGES.get(self.activation, (-float("inf"), float("inf")))
        if not bool(((self.targets < low) | (self.targets > high)).any()):
            return None
        words = f"the same loss on outputs without {self.activation}"
        why = f"Targets lie outside [{low:g}, {high:g}], where {self.activation} ends."
        change = (words, f"# remove {self.activation} from the end of the network", why)
        return self._advice("targets_outside_output_range", change, None, self.loss_fn)

    # --- what is wrong with the loss ------------------------------------------------------------------------------

    def _one_output(self) -> LossAdvice | None:
        values = torch.unique(self.targets)
        if self.targets.numel() != self.outputs.numel():
            return None
        if len(values) > 2:
            num = int(values.max()) + 1
            words, code = f"one output per class: {num}", f"# let the last layer have {num} outputs"
            fixed = None
        else:
            words, code = "binary cross entropy with logits", "loss_fn = nn.BCEWithLogitsLoss()"
            fixed = self._like_outputs(nn.BCEWithLogitsLoss())
        why = "Cross entropy over a single class is always 0."
        return self._advice("one_output_for_cross_entropy", (words, code, why), fixed)

    def _classes_instead(self) -> LossAdvice:
        targets: Any = "argmax" if are_one_hot(self.targets, self.outputs) else "class numbers"
        step: OutputStep = "as they are"
        if self.activation == "softmax" or are_probabilities(self.outputs):
            step = "log"
        elif self.activation in ("sigmoid", "hardsigmoid"):
            step = "logit"
        loss = nn.CrossEntropyLoss()
        fixed = PairedLoss(loss, outputs=step, targets=targets)
        on_logits = None if step == "as they are" else PairedLoss(loss, targets=targets)
        code = "loss_fn = nn.CrossEntropyLoss()  # on logits"
        if targets == "argmax":
            code += "; targets = targets.argmax(1)"
        why = "The targets are classes, and the error of a probability is measured by its logarithm."
        return self._advice("regression_loss_for_classes", ("cross entropy on logits", code, why), fixed, on_logits)

    def _to_logits(self, kind: LossFaultKind, step: OutputStep, what: str) -> LossAdvice:
        words = f"{self.call.name} on logits"
        code = f"# remove {what} from the end of the network; {self.call.name} takes its own"
        why = f"{self.call.name} takes logits: behind {what} its gradient shrinks, and it cannot come near 0."
        fixed = PairedLoss(self.loss_fn, outputs=step)
        return self._advice(kind, (words, code, why), fixed, self.loss_fn)

    def _like_outputs(self, loss_fn: LossFunction) -> PairedLoss:
        values = torch.unique(self.targets)
        low, high = float(values[0]), float(values[-1])
        zero, one = (low, high) if len(values) == 2 and (low < 0 or high > 1) else (0.0, 1.0)
        return PairedLoss(loss_fn, targets="like the outputs", zero=zero, one=one)

    def _advice(
        self,
        kind: LossFaultKind | TargetFaultKind,
        words: tuple[str, str, str],
        fixed: LossFunction | None,
        on_logits: LossFunction | None = None,
    ) -> LossAdvice:
        after, code, why = words
        before = (
            f"{self.call.name} of outputs {tuple(self.outputs.shape)} {_kind(self.outputs)}"
            f" and targets {tuple(self.targets.shape)} {_kind(self.targets)}"
        )
        change = Change(kind="loss", where="loss", before=before, after=after, code=code, why=why)
        return LossAdvice(kind=kind, change=change, loss_fn=fixed, logits_loss_fn=on_logits)


def _kind(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")
