"""The fit verdict."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from justfit.errors import ArgumentError
from justfit.records import Finding, FitState, FitVerdict
from justfit.rules._capacity import Capacity
from justfit.rules._divergence import Divergence
from justfit.rules._evidence import FitEvidence
from justfit.rules._no_signal import NoSignal
from justfit.rules._overfitting import Overfitting
from justfit.rules._rule import DECISION_PROBABILITY
from justfit.rules._underfitting import Underfitting

if TYPE_CHECKING:
    from justfit.rules._evidence import Array


def judge_fit(evidence: FitEvidence) -> FitVerdict:
    r"""Say whether a network underfits, fits, or overfits, with a probability, or that it cannot be said.

    In each bootstrap resample of the examples the network overfits (`Overfitting`), underfits (`Underfitting`), both
    (then the larger loss decides: the smaller of excess and gap against avoidable bias), or neither (just right). The
    probability of a state is its share of the resamples; below 0.8 the verdict is "undecided". So it is where training
    was cut short: what the network would have become is not known.

    Args:
        evidence: Losses of the network and of what it is held against.

    Returns:
        The verdict with its numbers, reasons and findings.

    Raises:
        ArgumentError: There is no regularized twin to hold the network against.
    """
    if evidence.best_losses is None:
        raise ArgumentError(
            "A fit verdict needs `best_losses`, those of the best regularized twin.",
            found="None",
            way_out="Sweep l2 and dropout first; without a twin no excess can be seen, and all would look just right.",
        )
    draws = evidence.draws
    over = Overfitting().probabilities(evidence).astype(bool)
    under = Underfitting().probabilities(evidence).astype(bool)
    # not the excess alone: where the best twin is the reference, excess = bias + gap, which any gap makes the larger
    larger_excess = (draws["excess"] > draws["bias"]) & (draws["gap"] > draws["bias"])
    shares = {
        "overfitting": float((over & (~under | larger_excess)).mean()),
        "underfitting": float((under & (~over | ~larger_excess)).mean()),
        "just_right": float((~over & ~under).mean()),
    }
    likeliest = max(shares, key=lambda state: shares[state])
    decided = shares[likeliest] >= DECISION_PROBABILITY and evidence.trained_fraction >= 1
    state: FitState = likeliest if decided else "undecided"  # type: ignore[assignment]  # keys are states
    best = evidence.best_losses
    reference = best if evidence.reference_losses is None else evidence.reference_losses
    train, validation = float(evidence.train_losses.mean()), float(evidence.validation_losses.mean())
    return FitVerdict(
        state=state,
        probability=shares[likeliest],
        probabilities=shares,
        decision_probability=DECISION_PROBABILITY,
        train_loss=train,
        train_loss_se=evidence.mean_error(evidence.train_losses),
        validation_loss=validation,
        validation_loss_se=evidence.mean_error(evidence.validation_losses),
        generalization_gap=validation - train,
        generalization_gap_se=evidence.error("gap"),
        reference_loss=float(reference.mean()),
        reference_name=evidence.reference_name,
        avoidable_bias=train - float(reference.mean()),
        avoidable_bias_se=evidence.error("bias"),
        excess_loss=validation - float(best.mean()),
        excess_loss_se=evidence.error("excess"),
        constant_loss=float(evidence.constant_losses.mean()),
        unit=evidence.unit,
        reasons=_reasons(evidence, state, shares, best, reference),
        findings=tuple(
            outcome
            for rule in (NoSignal(), Overfitting(), Underfitting(), Capacity(), Divergence())
            if isinstance(outcome := rule.check(evidence), Finding)
        ),
    )


def without_verdict(verdict: FitVerdict) -> FitVerdict:
    """Take back the verdict on a network that diverged: it has no losses to judge.

    Args:
        verdict: What `judge_fit` said of the placeholder that stood for the network.

    Returns:
        "undecided", each state equally likely, the network's own numbers NaN, and only the findings that do not
        rest on them.
    """
    own = ("train_loss", "validation_loss", "generalization_gap", "avoidable_bias", "excess_loss")
    unknown: dict[str, Any] = {name: math.nan for number in own for name in (number, f"{number}_se")}
    return replace(
        verdict,
        state="undecided",
        probability=1 / 3,
        probabilities=dict.fromkeys(verdict.probabilities, 1 / 3),
        reasons=("Without regularization training ends in NaN or infinity, so there is nothing to judge.",),
        findings=tuple(finding for finding in verdict.findings if finding.code not in ("JF101", "JF102")),
        **unknown,
    )


def _reasons(
    evidence: FitEvidence, state: FitState, shares: dict[str, float], best: Array, reference: Array
) -> tuple[str, ...]:
    train, validation = evidence.train_losses.mean(), evidence.validation_losses.mean()
    gap = (
        f"Loss on unseen rows is {validation - train:.3g} ± {evidence.error('gap'):.2g} {evidence.unit} above loss on "
        "its own training rows."
    )
    excess = (
        f"The best regularized twin is {validation - best.mean():.3g} ± {evidence.error('excess'):.2g} "
        f"{evidence.unit} better on the same unseen rows."
    )
    bias = (
        f"Its loss on its own training rows is {abs(train - reference.mean()):.3g} ± {evidence.error('bias'):.2g} "
        f"{evidence.unit} {'above' if train > reference.mean() else 'below'} what {evidence.reference_name} reaches "
        "on unseen rows."
    )
    if evidence.trained_fraction < 1:
        cut = f"Training was cut short after {evidence.trained_fraction:.0%} of its epochs, so nothing is decided."
        return (cut, gap, excess, bias)
    if state == "undecided":
        listed = ", ".join(f"{name.replace('_', ' ')} {share:.2f}" for name, share in shares.items())
        return (f"No state reaches probability {DECISION_PROBABILITY}: {listed}.", gap, excess, bias)
    return {"overfitting": (gap, excess), "underfitting": (bias, gap), "just_right": (excess, bias, gap)}[state]
