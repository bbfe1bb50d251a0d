"""A cure in words and code."""

from __future__ import annotations

import copy
from dataclasses import replace

import torch
from torch import nn

from justfit.cures import (
    clipping_change,
    initialization_change,
    l2_change,
    learning_rate_change,
    set_dropout_,
)
from justfit.records import Change, Finding
from justfit.repair._alteration import Hypothesis
from justfit.repair._case import Case
from justfit.repair._structure import AlteredBuild
from justfit.sweep import default_generator_kept


def changes_of(case: Case, hypothesis: Hypothesis, findings: tuple[Finding, ...]) -> tuple[Change, ...]:
    """Say what a cure does, one entry a place that is changed.

    Args:
        case: The user's recipe.
        hypothesis: The cure.
        findings: Some know the line of the layer that they are about.
    """
    alteration, training = hypothesis.alteration, case.training
    found: list[Change] = []
    if alteration.learning_rate != 1:
        value = float(f"{case.learning_rate * alteration.learning_rate:.6g}")
        found.append(_learning_rate(case, value))
    if alteration.clip_norm is not None:
        found.append(clipping_change(alteration.clip_norm))
    if alteration.l2 is not None:
        num = len(case.examples.training_rows(0))
        found.append(l2_change(alteration.l2, num, before=case.setting.l2))
    if alteration.weight_decay is not None:
        found.append(_weight_decay(case.weight_decay, alteration.weight_decay))
    if alteration.epochs != 1:
        found.append(_epochs(training.epochs, max(1, round(training.epochs * alteration.epochs))))
    if alteration.pairing is not None and alteration.pairing.change is not None:
        found.append(alteration.pairing.change)
    if alteration.standardize_targets:
        found.append(_targets())
    found += _of_layers(case, hypothesis)
    if alteration.init is not None:  # last: what it draws depends on the layers and on what goes in
        sources = {finding.code: finding.source for finding in findings if finding.source}
        source = next((s for code in hypothesis.because if (s := sources.get(code))), "")
        found.append(replace(initialization_change(alteration.init, seed=case.seed), source=source or ""))
    return tuple(found)


def patch_of(changes: tuple[Change, ...]) -> str:
    """Put a cure into one text: what to change where, and the code."""
    blocks = []
    for change in changes:
        place = f"In {change.source}: " if change.source else ""
        lines = "\n".join(f"    {line}" for line in change.code.splitlines())
        blocks.append(f"{place}{change.where}: {change.before} → {change.after}. {change.why}\n{lines}")
    return "\n".join(dict.fromkeys(blocks))


def _of_layers(case: Case, hypothesis: Hypothesis) -> list[Change]:
    """What the remedies of layers say they did to a fresh network."""
    alteration = hypothesis.alteration
    if not alteration.is_structural and alteration.dropout is None:
        return []
    with default_generator_kept():
        module: nn.Module = copy.deepcopy(case.training.build())
        found: list[Change] = []
        if alteration.dropout is not None:
            inputs, _ = case.batch
            applied = set_dropout_(module, alteration.dropout, inputs=inputs)
            found += [*applied.changes, *applied.by_hand]
        build = case.altered(alteration)[0].build
        if isinstance(build, AlteredBuild):
            for done in build.apply_(module):
                found += [*done.changes, *done.by_hand]
    return found


def _optimizer(case: Case) -> torch.optim.Optimizer:
    """The user's optimizer with all its settings; of a named one not how it is computed here, which is no setting."""
    optimizer = case.optimizer_of_baseline()
    if isinstance(case.training.optimizer, str):
        optimizer.defaults |= dict.fromkeys({"foreach", "fused"} & optimizer.defaults.keys())
    return optimizer


def _learning_rate(case: Case, value: float) -> Change:
    change = learning_rate_change(_optimizer(case), value, before=case.learning_rate)
    if not isinstance(case.training.optimizer, str):
        return change
    return replace(change, why=f"{change.why} Where the optimizer is given by name, it is `learning_rate={value:.4g}`.")


def _weight_decay(before: float, after: float) -> Change:
    return Change(
        kind="weight_decay",
        where="optimizer",
        before=f"weight_decay = {before:g}",
        after=f"weight_decay = {after:g}",
        code=f"weight_decay={after:g}",
        why="The weights shrink faster than they learn.",
    )


def _epochs(before: int, after: int) -> Change:
    return Change(
        kind="learning_rate",
        where="training",
        before=f"{before} epochs",
        after=f"{after} epochs",
        code=f"epochs = {after}",
        why="The losses were still falling." if after > before else "Further epochs only overfit.",
    )


def _targets() -> Change:
    return Change(
        kind="input_scaling",
        where="targets",
        before="in their own unit",
        after="mean 0, standard deviation 1",
        code=(
            "y_mean, y_std = y_train.mean(), y_train.std()\n"
            "y = (y - y_mean) / y_std  # in the loss; the same y_mean and y_std for training, validation and new data"
        ),
        why="The first losses and their gradients have the size that the learning rate is made for.",
    )
