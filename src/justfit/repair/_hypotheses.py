"""What may be wrong, from what was seen: the most plausible first, of equals the smaller change."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from justfit.records import SignalEvidence
from justfit.repair._alteration import Alteration, Hypothesis
from justfit.repair._case import Case
from justfit.repair._pairing import PAIRED
from justfit.repair._symptoms import Symptoms

# Code → (how plausible each cause is, 0 to 1). A code that names the faulty thing itself gives it 1; codes of
# symptoms spread. Ordered by what the rules' own pages say helps; not fitted to any case.
SUSPECTS: dict[str, dict[str, float]] = {
    "JF201": {"init": 0.8, "activation": 0.5, "normalization": 0.4},
    "JF202": {"init": 0.8, "normalization": 0.4, "clip": 0.3},
    "JF203": {"init": 0.8, "activation": 0.4, "normalization": 0.5},
    "JF204": {"init": 0.8, "scale": 0.3, "normalization": 0.4},
    "JF205": {"init": 0.7, "normalization": 0.5, "activation": 0.4},
    "JF206": {"init": 0.6, "scale": 0.6},
    "JF301": {"init": 1.0},
    "JF302": {"init": 1.0},
    "JF303": {"init": 1.0},
    "JF304": {"init": 0.7, "activation": 0.4},
    "JF305": {"init": 0.6, "scale": 0.5, "activation": 0.5},
    "JF306": {"init": 0.5},
    "JF402": {"slower": 0.7, "init": 0.5, "clip": 0.4, "scale": 0.4},
    "JF403": {"init": 0.6, "activation": 0.6, "normalization": 0.5},
    "JF404": {"slower": 0.6, "clip": 0.5, "init": 0.4},
    "JF405": {"slower": 0.6, "init": 0.5, "activation": 0.4},
    "JF406": {"slower": 0.5, "init": 0.5, "scale": 0.4, "activation": 0.5},
    "JF407": {"faster": 0.9, "clip off": 0.3},
    "JF408": {"slower": 0.9, "l2": 0.4},
    "JF409": {"slower": 0.5, "faster": 0.4, "init": 0.5, "pairing": 0.3},
    "JF410": {"faster": 0.8},
    "JF411": {"slower": 0.8},
    "JF412": {"slower": 0.9, "clip": 0.4},
    "JF413": {"slower": 0.9, "clip": 0.3},
    "JF414": {"faster": 0.9},
    "JF501": {"scale": 1.0},
    "JF502": {"pairing": 1.0},
    "JF504": {"init": 0.5, "scale": 0.4},
}
NAMED = 1.0  # a code that names the thing itself
# What is tried of every sick training, however little points to it: the causes that leave no trace of their own.
ALWAYS = {"slower": 0.2, "faster": 0.2, "init": 0.25, "scale": 0.1, "l2": 0.6, "dropout": 0.6, "activation": 0.1}
HEALTHY_UPDATE = 3e-3  # of the weight's norm a step: where trained networks lie, and a power of ten around it
FULL_REACH = 5.0  # of the loss: what all steps together can do where the learning rate does not limit them
FULL_MOVE = 1.0  # of the norm: how far a layer can move in all there
MOST_FACTOR = 1e4


def hypotheses_of(
    case: Case, symptoms: Symptoms, evidence: SignalEvidence | None, module: nn.Module
) -> list[Hypothesis]:
    """List what to try.

    Args:
        case: The user's recipe.
        symptoms: What was seen.
        evidence: Of the check before training; None where the network could not be run.
        module: A network as built.
    """
    suspicion = _suspicion(symptoms)
    makers: dict[str, Callable[[], Iterable[Hypothesis]]] = {
        "pairing": lambda: _pairings(symptoms, evidence),
        "scale": lambda: _scaling(case),
        "init": lambda: [Hypothesis(name="initialize with scheme auto", alteration=Alteration(init="auto"))],
        "slower": lambda: _slower(symptoms),
        "faster": lambda: _faster(symptoms),
        "clip": lambda: [Hypothesis(name="clip the gradient to norm 1", alteration=Alteration(clip_norm=1.0))],
        "l2": lambda: _less_l2(case),
        "dropout": lambda: _less_dropout(module),
    }
    found: list[tuple[float, Hypothesis]] = []
    for kind, make in makers.items():
        plausible, because = suspicion.get(kind, (ALWAYS.get(kind, 0.0), ()))
        for place, hypothesis in enumerate(make() if plausible > 0 else ()):
            named = plausible >= NAMED and place == 0
            entry = Hypothesis(name=hypothesis.name, alteration=hypothesis.alteration, because=because, named=named)
            found.append((plausible - 0.15 * place, entry))
    found.sort(key=lambda pair: (-pair[0], pair[1].alteration.size))
    return [hypothesis for _, hypothesis in found]


def _suspicion(symptoms: Symptoms) -> dict[str, tuple[float, tuple[str, ...]]]:
    found: dict[str, tuple[float, tuple[str, ...]]] = {}
    for code in symptoms.codes:
        for kind, plausible in SUSPECTS.get(code, {}).items():
            before, because = found.get(kind, (0.0, ()))
            # two independent hints are more than one
            found[kind] = (1 - (1 - before) * (1 - plausible), (*because, code))
    return {kind: (max(plausible, ALWAYS.get(kind, 0.0)), because) for kind, (plausible, because) in found.items()}


def _pairings(symptoms: Symptoms, evidence: SignalEvidence | None) -> list[Hypothesis]:
    kinds = [fault.kind for fault in evidence.loss.faults] if evidence is not None else []
    found = [
        Hypothesis(
            name=f"the loss that belongs to the output ({kind.replace('_', ' ')})", alteration=Alteration(pairing=kind)
        )
        for kind in kinds
        if kind in PAIRED
    ]
    if not found:
        found.append(Hypothesis(name="the default loss of these targets", alteration=Alteration(pairing="default")))
    return found


def _scaling(case: Case) -> list[Hypothesis]:
    inputs, _ = case.batch
    if not isinstance(inputs, Tensor) or not inputs.is_floating_point() or inputs.ndim < 2:
        return []
    std, mean = torch.std_mean(inputs[torch.isfinite(inputs)].double())
    # Inputs that are standardised as they are gain nothing by it: rms within a factor of 2 of 1.
    if 0.5 < float((std**2 + mean**2).sqrt()) < 2 and _columns_alike(inputs):
        return []
    return [Hypothesis(name="standardise the inputs", alteration=Alteration(standardize=True))]


def _columns_alike(inputs: Tensor) -> bool:
    """Nine of ten columns have a size within a factor of 10 of the median one."""
    sizes = inputs.double().flatten(1).square().mean(0).sqrt()
    sizes = sizes[sizes > 0]
    return not len(sizes) or float(((sizes / sizes.median()).log10().abs() <= 1).double().mean()) >= 0.9


def _slower(symptoms: Symptoms) -> list[Hypothesis]:
    largest = max((f.value for f in symptoms.alarms if f.code == "JF408"), default=0.0)
    factors = [_rounded(HEALTHY_UPDATE / largest)] if largest > 0 else []
    return [_rate(factor) for factor in dict.fromkeys([*factors, 0.1, 0.01]) if factor < 1]


def _faster(symptoms: Symptoms) -> list[Hypothesis]:
    factors = [_rounded(FULL_REACH / f.value) for f in symptoms.alarms if f.code == "JF414" and f.value > 0]
    factors += [_rounded(FULL_MOVE / f.value) for f in symptoms.alarms if f.code == "JF407" and f.value > 0]
    return [_rate(factor) for factor in dict.fromkeys([*factors[:1], 10.0]) if factor > 1]


def _rounded(factor: float) -> float:
    """To a power of ten, within the largest factor."""
    return min(max(10.0 ** round(math.log10(factor)), 1 / MOST_FACTOR), MOST_FACTOR)


def _rate(factor: float) -> Hypothesis:
    words = f"{factor:g} times" if factor > 1 else f"1/{1 / factor:.3g} of"
    return Hypothesis(name=f"{words} the learning rate", alteration=Alteration(learning_rate=factor))


def _less_l2(case: Case) -> list[Hypothesis]:
    found = []
    if case.setting.l2 > 0:
        found.append(Hypothesis(name="no l2", alteration=Alteration(l2=0.0)))
    if case.weight_decay > 0:
        found.append(Hypothesis(name="no weight decay", alteration=Alteration(weight_decay=0.0)))
    return found


def _less_dropout(module: nn.Module) -> list[Hypothesis]:
    largest = max((part.p for part in module.modules() if _is_dropout(part)), default=0.0)
    if largest <= 0:
        return []
    found = [Hypothesis(name="no dropout", alteration=Alteration(dropout=0.0))]
    if largest > 0.3:
        found.append(Hypothesis(name="dropout 0.2", alteration=Alteration(dropout=0.2)))
    return found


def _is_dropout(part: nn.Module) -> bool:
    return "Dropout" in type(part).__name__ and isinstance(getattr(part, "p", None), float)
