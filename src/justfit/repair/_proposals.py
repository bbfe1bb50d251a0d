"""Ways to change a network and its data, those that find something to change."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from justfit.cures import Applied, pair_loss, remove_output_activation_
from justfit.records import Change
from justfit.repair._alteration import Alteration, Hypothesis
from justfit.repair._case import Case, outputs_on
from justfit.repair._pairing import Pairing, default_loss, paired_change, usual_change
from justfit.repair._structure import AlteredBuild
from justfit.repair._structure_faults import OFF
from justfit.sweep import LossFunction, default_generator_kept

# Inputs whose root mean square lies within this factor of 1 are scaled as a network expects; a wider range than JF501
# allows, because here a run decides.
USUAL_SCALE = 2.0
# p of the dropout that is tried in place of a larger one.
USUAL_DROPOUT = 0.2


def pairings(case: Case, module: nn.Module | None) -> list[Hypothesis]:
    """The loss that belongs to the output, the output without its activation, the usual loss of the targets."""
    (inputs, targets), own = case.batch, case.training.loss_fn
    bare = _removed_activation(module, inputs)
    advice, outputs = None, None
    if module is not None:
        with default_generator_kept():
            outputs = outputs_on(module, inputs)
        advice = pair_loss(outputs, targets, own, output_activation=bare)
    found = []
    if advice is not None and advice.logits_loss_fn is not None and bare is not None:
        loss_fn = advice.logits_loss_fn  # of the user's own loss, to take the activation off says it all
        change = None if loss_fn is own else paired_change(advice.change, loss_fn, own)
        found.append(_paired("the logits as output, and their loss", advice.kind, loss_fn, change, bare=True))
    elif advice is not None and advice.loss_fn is not None:
        change = paired_change(advice.change, advice.loss_fn, own)
        found.append(_paired("the loss that belongs to the output", advice.kind, advice.loss_fn, change))
    if bare is not None and not (found and found[0].alteration.pairing and found[0].alteration.pairing.bare_output):
        found.append(_paired(f"no {bare} on the output", f"{bare} on the output", None, bare=True))
    if not _is_standard(case, module):
        change = usual_change(outputs, targets)
        found.append(_paired("the usual loss of these targets", "unusual loss", default_loss, change))
    return found


def _paired(
    name: str, kind: str, loss_fn: LossFunction | None, change: Change | None = None, *, bare: bool = False
) -> Hypothesis:
    pairing = Pairing(kind=kind, loss_fn=loss_fn, bare_output=bare, change=change)
    return Hypothesis(name=name, alteration=Alteration(pairing=pairing))


def _removed_activation(module: nn.Module | None, inputs: Any) -> str | None:
    """Name of the activation at the output, as operations are named; None where there is none to remove."""
    if module is None:
        return None
    try:
        applied = remove_output_activation_(copy.deepcopy(module), inputs=inputs)
    except Exception:
        return None
    if not applied.changes:
        return None
    written = applied.changes[0].before.partition("(")[0].rpartition(".")[2]
    return {"LogSoftmax": "log_softmax", "ReLU": "relu"}.get(written, written.lower())


def _is_standard(case: Case, module: nn.Module | None) -> bool:
    """The user's loss is what the targets ask for."""
    inputs, targets = case.batch
    if module is not None and _is_usual(case.training.loss_fn, module, inputs, targets):
        return True
    loss, name = case.training.loss_fn, getattr(case.training.loss_fn, "__name__", "")
    if loss is default_loss:
        return True
    if not isinstance(targets, Tensor):
        return True
    if not targets.is_floating_point():
        return isinstance(loss, nn.CrossEntropyLoss) or name == "cross_entropy"
    zeros_and_ones = bool(((targets == 0) | (targets == 1)).all())
    binary = isinstance(loss, nn.BCEWithLogitsLoss) or name == "binary_cross_entropy_with_logits"
    return binary if zeros_and_ones else isinstance(loss, nn.MSELoss | nn.L1Loss | nn.SmoothL1Loss | nn.HuberLoss)


def _is_usual(loss_fn: LossFunction, module: nn.Module, inputs: Any, targets: Any) -> bool:
    """The user's loss has the value of the usual one, whatever it is called."""
    try:
        with default_generator_kept():
            outputs = outputs_on(module, inputs)
        return bool(torch.isclose(loss_fn(outputs, targets), default_loss(outputs, targets), rtol=1e-4))
    except Exception:  # a loss that raises is not the usual one
        return False


def scalings(case: Case) -> list[Hypothesis]:
    """Inputs and targets at mean 0 and standard deviation 1, where they are not near it."""
    found = []
    inputs, _ = case.batch
    if isinstance(inputs, Tensor) and inputs.is_floating_point() and inputs.ndim > 1 and _is_unusual(inputs):
        found.append(Hypothesis(name="standardise the inputs", alteration=Alteration(standardize=True)))
    if raw_targets(case):
        found.append(Hypothesis(name="standardise the targets", alteration=Alteration(standardize_targets=True)))
        both = Alteration(standardize=True, standardize_targets=True)
        if len(found) > 1:
            found.append(Hypothesis(name="standardise inputs and targets", alteration=both))
    return found


def raw_targets(case: Case, factor: float = USUAL_SCALE) -> str:
    """Say how large numbers to be predicted are, where that is further than a factor from 1; "" where it is not."""
    _, targets = case.batch
    if not (isinstance(targets, Tensor) and targets.is_floating_point()) or bool(
        ((targets == 0) | (targets == 1)).all()
    ):
        return ""
    rms = float(targets.double().square().mean().sqrt())
    return "" if 1 / factor < rms < factor else f"the targets are of size {rms:.3g}"


def _is_unusual(inputs: Tensor) -> bool:
    finite = torch.where(torch.isfinite(inputs), inputs, 0.0).double()
    rms = float(finite.square().mean().sqrt())
    if not 1 / USUAL_SCALE < rms < USUAL_SCALE:
        return True
    sizes = finite.flatten(1).square().mean(0).sqrt()
    sizes = sizes[sizes > 0]
    alike = (sizes / sizes.median()).log10().abs() <= 1
    return bool(len(sizes)) and float(alike.double().mean()) < 1 and inputs.ndim == 2 and float(sizes.max()) > 10


def less_l2(case: Case) -> list[Hypothesis]:
    """Without the user's λ or weight decay, and with a hundredth of it."""
    found = []
    if case.setting.l2 > 0:
        found.append(Hypothesis(name="no l2", alteration=Alteration(l2=0.0)))
    if case.weight_decay > 0:
        found.append(Hypothesis(name="no weight decay", alteration=Alteration(weight_decay=0.0)))
    return found


def less_dropout(module: nn.Module | None) -> list[Hypothesis]:
    """No dropout, and a usual one in place of a large one."""
    largest = largest_dropout(module)
    found = []
    if largest > USUAL_DROPOUT + 0.1:
        alteration = Alteration(dropout=USUAL_DROPOUT)
        found.append(Hypothesis(name=f"dropout {USUAL_DROPOUT:g}", alteration=alteration))
    if largest > 0:
        found.append(Hypothesis(name="no dropout", alteration=Alteration(dropout=0.0)))
    return found


def largest_dropout(module: nn.Module | None) -> float:
    """The largest p among the dropout layers; 0 without any."""
    parts = [] if module is None else list(module.modules())
    return max((float(getattr(part, "p", 0.0)) for part in parts if _is_dropout(part)), default=0.0)


def _is_dropout(part: nn.Module) -> bool:
    return "Dropout" in type(part).__name__ and isinstance(getattr(part, "p", None), float)


def activations(case: Case, module: nn.Module | None) -> list[Hypothesis]:
    """Another hidden activation, or one where there is none."""
    found: list[Hypothesis] = []
    for name in ("relu", "leaky_relu"):
        alteration = Alteration(activation=name)
        if not found and _applies(case, module, alteration):
            found.append(Hypothesis(name=f"hidden activation {name}", alteration=alteration))
    return found


def normalizations(case: Case, module: nn.Module | None) -> list[Hypothesis]:
    """No normalisation at the output; a layer normalisation before the hidden activations."""
    ways = {"no normalisation at the output": OFF, "layer normalisation before the hidden activations": "layer"}
    found = [Hypothesis(name=name, alteration=Alteration(normalization=kind)) for name, kind in ways.items()]
    return [hypothesis for hypothesis in found if _applies(case, module, hypothesis.alteration)]


def _applies(case: Case, module: nn.Module | None, alteration: Alteration) -> bool:
    inputs, _ = case.batch

    def apply(network: nn.Module) -> Applied:
        return AlteredBuild(case.training.build, alteration, inputs).apply_(network)[0]

    return _finds_something(module, apply)


def _finds_something(module: nn.Module | None, apply: Callable[[nn.Module], Applied]) -> bool:
    if module is None:
        return False
    try:
        return bool(apply(copy.deepcopy(module)).changes)
    except Exception:
        return False
