"""The fit verdict and its findings."""

from __future__ import annotations

import math
import textwrap
from dataclasses import dataclass
from typing import Literal

from justfit.errors import ArgumentError
from justfit.records._history import History
from justfit.records._shown import Shown

FitState = Literal["overfitting", "underfitting", "just_right", "undecided"]
Severity = Literal["info", "warning", "error"]
_MOST_WORDS = 200  # letters in the short form of a finding
FIT_STATES: tuple[FitState, ...] = ("overfitting", "underfitting", "just_right", "undecided")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing a rule found.

    Attributes:
        code: Stable rule code, `JF` and three digits; never reused.
        name: Name of the disease, in words.
        severity: `info`, `warning` or `error`.
        where: Layer, column or "network".
        value: The number the rule looked at, in `unit`.
        threshold: The number it was held against, in `unit`.
        unit: Unit of `value` and `threshold`.
        why: Why it matters, one sentence.
        when_wrong: When the rule may be wrong, one sentence.
        cure: What helps, one sentence.
        evidence: The numbers in words; made from value and threshold if not given.
        source: File and line where the layer is built, such as `net.py:41`; None where it cannot be known.
        since: Step or epoch from which on it holds, as `since_unit` says; None where there is no such thing.
        since_unit: `step` or `epoch`.
    """

    code: str
    name: str
    severity: Severity
    where: str
    value: float
    threshold: float
    unit: str
    why: str
    when_wrong: str
    cure: str
    evidence: str = ""
    source: str | None = None
    since: int | None = None
    since_unit: str = "step"

    def __post_init__(self) -> None:
        if not self.evidence:
            words = f"{self.value:.3g} {self.unit}, threshold {self.threshold:.3g}"
            object.__setattr__(self, "evidence", words)

    def __repr__(self) -> str:
        words = textwrap.shorten(f"{self.name}, {self.evidence}", _MOST_WORDS, placeholder=" …")
        return f"Finding({self.code} {self.severity} at {self.where!r}: {repr(words)[1:-1]})"  # names may hold anything


@dataclass(frozen=True, slots=True, kw_only=True)
class FitVerdict(Shown):
    """Does the network fit: underfitting, just right, overfitting, or undecided, with a probability.

    All losses are means per example in eval mode, in `unit`; each `*_se` is one standard error of its number.

    Attributes:
        state: The verdict. "undecided" when no state reaches `decision_probability`.
        probability: Probability of `state`; of the likeliest state when undecided. In [0, 1].
        probabilities: Probability of each of overfitting, underfitting, just_right; they sum to 1.
        decision_probability: The probability a state must reach to be the verdict.
        train_loss: Loss on the rows the network was trained on.
        validation_loss: Loss on rows it was not trained on.
        generalization_gap: validation_loss − train_loss.
        reference_loss: Validation loss of the named reference.
        reference_name: What the reference is, in words.
        avoidable_bias: train_loss − reference_loss.
        excess_loss: validation_loss of this network − that of the best cell of the sweep.
        constant_loss: Validation loss of the best constant prediction.
        unit: "nats" or "squared <target>".
        reasons: Sentences that explain the verdict, most important first.
        findings: What the rules found.
        best_epoch: Of a history: the epoch whose network is to be kept; None where there is no history.
        last_epoch: Of a history: its last epoch.
        further_epochs_cost: Of a history: validation loss at the last epoch − at `best_epoch`, smoothed; what the
            further epochs cost, at least 0, in `unit`. For scores it is what they lost.
        further_epochs_cost_se: One standard error of it.
        overfitting_since: Of a history: first epoch from which on it overfits; None where it does not.
        notes: What was seen of the history that is neither reason nor finding, such as missing values or restarts.
        history: What was judged, where `justfit.judge` judged it; None where it is kept elsewhere or there is none.
    """

    state: FitState
    probability: float
    probabilities: dict[str, float]
    decision_probability: float
    train_loss: float
    train_loss_se: float
    validation_loss: float
    validation_loss_se: float
    generalization_gap: float
    generalization_gap_se: float
    reference_loss: float
    reference_name: str
    avoidable_bias: float
    avoidable_bias_se: float
    excess_loss: float
    excess_loss_se: float
    constant_loss: float
    unit: str
    reasons: tuple[str, ...]
    findings: tuple[Finding, ...]
    best_epoch: int | None = None
    last_epoch: int | None = None
    further_epochs_cost: float = math.nan
    further_epochs_cost_se: float = math.nan
    overfitting_since: int | None = None
    notes: tuple[str, ...] = ()
    history: History | None = None

    def __post_init__(self) -> None:
        total = sum(self.probabilities.values())
        if self.state not in FIT_STATES or not math.isclose(total, 1.0, abs_tol=1e-6):
            raise ArgumentError(
                "A fit verdict needs one of the four states and probabilities that sum to 1.",
                found=f"`state={self.state!r}`, sum {total:.6g}",
                way_out="Build it with `justfit.rules.judge_fit`.",
            )

    def __repr__(self) -> str:
        codes = ", ".join(finding.code for finding in self.findings)
        return (
            f"FitVerdict({self.state!r}, probability={self.probability:.2f}, train_loss={self.train_loss:.3g}, "
            f"validation_loss={self.validation_loss:.3g}, unit={self.unit!r}, findings=[{codes}])"
        )
