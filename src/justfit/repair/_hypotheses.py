"""What may be wrong, from what was seen: the most plausible first, of equals the smaller change."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from torch import nn

from justfit.repair._alteration import Alteration, Hypothesis
from justfit.repair._case import Case
from justfit.repair._proposals import (
    activations,
    less_dropout,
    less_l2,
    normalizations,
    pairings,
    raw_targets,
    scalings,
)
from justfit.repair._rates import faster, slower
from justfit.repair._regularizers import regularizers
from justfit.repair._symptoms import Symptoms

# Code → how plausible it makes each kind of change, in (0, 1). A code that names the faulty thing itself has NAMED;
# codes of symptoms spread. By what the rules' own pages say helps; not fitted to any case.
NAMED = 0.95
SUSPECTS: dict[str, dict[str, float]] = {
    "JF201": {"init": 0.7, "activation": 0.5, "normalization": 0.3},
    "JF202": {"init": 0.7, "normalization": 0.3, "clip": 0.3},
    "JF203": {"init": 0.7, "activation": 0.4, "normalization": 0.4},
    "JF204": {"init": 0.7, "scale": 0.3, "normalization": 0.3},
    "JF205": {"init": 0.6, "normalization": 0.5, "activation": 0.3},
    "JF206": {"init": 0.5, "scale": 0.5, "activation": 0.4},
    "JF301": {"init": NAMED},
    "JF302": {"init": NAMED},
    "JF303": {"init": NAMED},
    "JF304": {"init": 0.7, "activation": 0.4},
    "JF305": {"init": 0.6, "scale": 0.5, "activation": 0.5},
    "JF306": {"init": 0.5},
    "JF402": {"slower": 0.6, "init": 0.4, "clip": 0.4, "scale": 0.4},
    "JF403": {"init": 0.4, "activation": 0.5, "normalization": 0.4},
    "JF404": {"slower": 0.5, "clip": 0.5, "init": 0.4},
    "JF405": {"slower": 0.5, "init": 0.5, "activation": 0.4},
    "JF406": {"slower": 0.4, "init": 0.4, "scale": 0.4, "activation": 0.5},
    "JF407": {"faster": 0.9},
    "JF408": {"slower": 0.9, "l2": 0.4},
    "JF409": {"slower": 0.5, "faster": 0.4, "init": 0.5, "pairing": 0.3},
    "JF410": {"faster": 0.8},
    "JF411": {"slower": 0.7, "clip": 0.3},
    "JF412": {"slower": 0.8, "clip": 0.5},
    "JF413": {"slower": 0.9, "clip": 0.4},
    "JF414": {"faster": 0.9},
    "JF501": {"scale": NAMED},
    "JF502": {"pairing": NAMED},
    "JF504": {"init": 0.5, "scale": 0.5, "pairing": 0.2},
}
# What is tried of every sick training, however little points to it: causes that leave no trace of their own.
ALWAYS = {
    "l2": 0.6, "dropout": 0.6, "scale": 0.4, "pairing": 0.25, "faster": 0.25, "slower": 0.2, "init": 0.3,
    "activation": 0.2, "normalization": 0.1, "clip": 0.22,
}  # fmt: skip
# Targets far from size 1, of a training that is sick: the output has a long way to go before anything else is learned.
RAW_TARGETS = 0.8
RAW_FACTOR = 10.0
# Each further way to do the same thing is less plausible by this much.
NEXT_WAY = 0.2
LEAST = 0.05


def hypotheses_of(case: Case, symptoms: Symptoms, module: nn.Module | None) -> list[Hypothesis]:
    """List what to try.

    Args:
        case: The user's recipe.
        symptoms: What was seen.
        module: A network as built; None where it could not be.
    """
    if symptoms.only_overfits:
        return regularizers(case, symptoms, module)
    clip = Hypothesis(name="clip the gradient to norm 1", alteration=Alteration(clip_norm=1.0))
    init = Hypothesis(name="initialize with scheme auto", alteration=Alteration(init="auto"))
    makers: dict[str, Callable[[], Iterable[Hypothesis]]] = {
        "pairing": lambda: pairings(case, module),
        "scale": lambda: scalings(case),
        "init": lambda: [init],
        "slower": lambda: slower(symptoms),
        "faster": lambda: faster(symptoms),
        "epochs": lambda: [Hypothesis(name="twice the epochs", alteration=Alteration(epochs=2.0))],
        "clip": lambda: [clip],
        "l2": lambda: less_l2(case),
        "dropout": lambda: less_dropout(module),
        "activation": lambda: activations(case, module),
        "normalization": lambda: normalizations(case, module),
    }
    suspicion = _suspicion(symptoms)
    raw = "" if symptoms.trouble else raw_targets(case, RAW_FACTOR)
    if raw:
        before, because = suspicion.get("scale", (0.0, ()))
        suspicion["scale"] = (max(before, RAW_TARGETS), (*because, raw))
    found = []
    for kind, make in makers.items():
        plausible, because = suspicion.get(kind, (0.0, ()))
        plausible = max(plausible, ALWAYS.get(kind, 0.0))
        for place, hypothesis in enumerate(make() if plausible > 0 else ()):
            weight = max(plausible - NEXT_WAY * place, LEAST)
            named = plausible >= NAMED and place == 0
            by_construction = named and (kind in symptoms.structure or (kind == "pairing" and not symptoms.trouble))
            found.append(replace(hypothesis, because=because, weight=weight, named=named, structural=by_construction))
    return sorted(found, key=lambda hypothesis: (-hypothesis.weight, hypothesis.alteration.size))


def _suspicion(symptoms: Symptoms) -> dict[str, tuple[float, tuple[str, ...]]]:
    """Two hints are more than one, 1 − Π(1 − plausible); only a code that names the thing itself is NAMED."""
    found: dict[str, tuple[float, tuple[str, ...]]] = {}
    if symptoms.trouble:  # what raises is the loss: the network itself has run
        return {"pairing": (NAMED, (symptoms.trouble,))}
    for kind, words in symptoms.structure.items():
        found[kind] = (NAMED, (words,))
    if symptoms.hardly_moves:
        found["faster"] = (0.9, ("the weights hardly move",))
    if symptoms.rising:
        found["epochs"] = (0.6, ("it still learned in its last quarter",))
    for code in symptoms.codes:
        for kind, plausible in SUSPECTS.get(code, {}).items():
            before, because = found.get(kind, (0.0, ()))
            together = max(min(1 - (1 - before) * (1 - plausible), NAMED - 0.01), before, plausible)
            found[kind] = (together, (*because, code))
    return found
