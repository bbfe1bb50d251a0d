"""A cure in words and code."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from justfit.records import CureChange, Finding
from justfit.repair._alteration import SIZES, Hypothesis
from justfit.repair._case import Case
from justfit.repair._pairing import PAIRED


def changes_of(case: Case, hypothesis: Hypothesis, findings: tuple[Finding, ...]) -> tuple[CureChange, ...]:
    """Say what a cure does, one entry a change, smallest first.

    Args:
        case: The user's recipe.
        hypothesis: The cure.
        findings: Some know the line of the layer that they are about.
    """
    sources = {finding.code: finding.source for finding in findings if finding.source}
    named = next((sources[code] for code in hypothesis.because if code in sources), None)
    return tuple(
        _change(case, name, value, named if name in ("init", "pairing", "activation", "normalization") else None)
        for name, value in hypothesis.alteration.changed.items()
    )


def patch_of(changes: tuple[CureChange, ...]) -> str:
    """Put a cure into one text: a sentence and the code before and after, for each change."""
    blocks = []
    for change in changes:
        place = f"In {change.source}: " if change.source else ""
        blocks.append(f"{place}{change.words}\n    - {change.before}\n    + {change.after}")
    return "\n".join(blocks)


def _change(case: Case, name: str, value: Any, source: str | None) -> CureChange:
    where, before, after, words = _WORDS[name](case, value)
    source = source or (_line_of(case.training.build) if where == "network" else None)
    return CureChange(cause=SIZES[name][1], where=where, source=source, before=before, after=after, words=words)


def _line_of(build: Any) -> str | None:
    """File and line where a function or class is written; None for what has no source."""
    try:
        path, (_, line) = inspect.getsourcefile(build), inspect.getsourcelines(build)
    except (TypeError, OSError):
        return None
    if path is None:
        return None
    near = Path(path)
    shown = near.relative_to(Path.cwd()) if near.is_relative_to(Path.cwd()) else near
    return f"{os.fspath(shown)}:{line}"


Words = tuple[str, str, str, str]


def _rate(case: Case, factor: float) -> Words:
    new = case.learning_rate * factor
    return "training", f"lr={case.learning_rate:.3g}", f"lr={new:.3g}", f"use a learning rate of {new:.3g}."


def _clip(case: Case, norm: float) -> Words:
    own = case.training.clip_norm
    before = "optimizer.step()" if own is None else f"clip_grad_norm_(network.parameters(), {own:g})"
    after = f"torch.nn.utils.clip_grad_norm_(network.parameters(), {norm:g})  # before optimizer.step()"
    return "training", before, after, f"clip the gradient to norm {norm:g}."


def _epochs(case: Case, factor: float) -> Words:
    epochs = max(1, round(case.training.epochs * factor))
    return "training", f"epochs={case.training.epochs}", f"epochs={epochs}", f"train for {epochs} epochs."


def _l2(case: Case, l2: float) -> Words:
    after = f"loss + justfit.l2_penalty(network, l2={l2:.3g}, num_examples=len(train))" if l2 else "loss"
    return "training", f"l2={case.setting.l2:.3g}", after, f"use l2 = {l2:.3g}."


def _weight_decay(case: Case, value: float) -> Words:
    before = f"weight_decay={case.weight_decay:.3g}"
    return "training", before, f"weight_decay={value:.3g}", f"use a weight decay of {value:.3g}."


def _dropout(_case: Case, p: float) -> Words:
    return "network", "nn.Dropout(p)", f"nn.Dropout({p:g})", f"use dropout p = {p:g} everywhere."


def _init(_case: Case, scheme: str) -> Words:
    after = f'network = build(); justfit.initialize_(network, inputs, scheme="{scheme}")'
    return "network", "network = build()", after, f"initialize the weights with scheme {scheme}."


def _standardize(_case: Case, _value: bool) -> Words:
    after = "network((inputs - mean) / std)  # of each feature, over the training rows"
    return "network", "network(inputs)", after, "standardise the inputs to mean 0 and standard deviation 1."


def _pairing(case: Case, kind: str) -> Words:
    own = getattr(case.training.loss_fn, "__name__", type(case.training.loss_fn).__name__)
    return "loss", f"loss = {own}(outputs, targets)", PAIRED[kind][1], "use the loss that belongs to the output."


def _activation(_case: Case, name: str) -> Words:
    return "network", "the hidden activation", name, f"use {name} as hidden activation."


def _normalization(_case: Case, name: str) -> Words:
    return "network", "linear → activation", f"linear → {name} → activation", f"normalise with {name}."


_WORDS: dict[str, Callable[[Case, Any], Words]] = {
    "learning_rate": _rate,
    "clip_norm": _clip,
    "epochs": _epochs,
    "l2": _l2,
    "weight_decay": _weight_decay,
    "dropout": _dropout,
    "init": _init,
    "standardize": _standardize,
    "pairing": _pairing,
    "activation": _activation,
    "normalization": _normalization,
}
