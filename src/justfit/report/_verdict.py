"""The verdict in words: what the network does without regularization, how sure that is, and what was found."""

from __future__ import annotations

import math

from justfit.records import Finding, FitResult, FitState, FitVerdict
from justfit.report._document import Figure, FindingEntry, Section, Table
from justfit.report._names import shown
from justfit.report._numbers import number, probability, setting, with_se, with_unit
from justfit.report._rule_pages import pictures_of

_HEADLINES: dict[tuple[FitState, bool], str] = {
    ("overfitting", True): "The network overfits, and regularization helps.",
    ("overfitting", False): "The network overfits, but no tried regularization is distinguishably better.",
    ("underfitting", True): "The network underfits, and regularization helps nonetheless.",
    ("underfitting", False): "The network underfits; regularization is not what it lacks.",
    ("just_right", True): "The network fits, and regularization makes it better still.",
    ("just_right", False): "The network fits as it is: no tried regularization is distinguishably better.",
    ("undecided", True): "Over- or underfitting cannot be told here, but regularization helps.",
    (
        "undecided",
        False,
    ): "Over- or underfitting cannot be told; no tried regularization is distinguishably better.",
}
_WORDS = {"overfitting": "overfitting", "underfitting": "underfitting", "just_right": "just right"}


def headline(result: FitResult) -> str:
    """Say the verdict and whether regularization helps, in one short sentence."""
    if not math.isfinite(result.sweep.validation_loss[0][0]):
        return "Without regularization training diverges."
    if any(finding.code == "JF104" for finding in result.verdict.findings):
        return "No network of the sweep is distinguishably better than a constant prediction."
    sentence = _HEADLINES[result.verdict.state, result.sweep.helps]
    if result.sweep.helps and result.test is not None and not result.test.loss_interval[1] < 0:
        rest = "contradict it" if result.test.loss_interval[0] > 0 else "do not confirm it"
        sentence = f"{sentence.removesuffix('.')} in cross-validation; the held-out rows {rest}."
    return sentence


def verdict_sentence(verdict: FitVerdict) -> str:
    """Say the verdict with its probability and the numbers it rests on, each with its standard error."""
    if not math.isfinite(verdict.validation_loss):
        return "Without regularization training ends in NaN or infinity, so there is nothing to judge."
    sure = f"(probability {probability(verdict.probability)})"
    if verdict.state == "overfitting":
        return f"Without regularization the network overfits {sure}: {_gap(verdict)}."
    if verdict.state == "underfitting":
        return f"Without regularization the network underfits {sure}: {_bias(verdict)}."
    if verdict.state == "just_right":
        return f"Without regularization the network is just right {sure}: {_gap(verdict)}, and {_bias(verdict)}."
    likeliest = _WORDS[max(verdict.probabilities, key=lambda state: verdict.probabilities[state])]
    return (
        "The data do not decide whether the network fits: the likeliest state without regularization, "
        f"{likeliest}, has probability {probability(verdict.probability)}, and "
        f"{probability(verdict.decision_probability)} is needed to say so. There {_gap(verdict)}, and {_bias(verdict)}."
    )


def evidence_section(verdict: FitVerdict) -> Section:
    """Show what the verdict rests on: its probabilities, the losses, the reasons and the findings."""
    return Section(
        key="evidence",
        heading="Why this verdict",
        sentences=tuple(shown(reason, 400) for reason in verdict.reasons),
        figures=(probability_figure(verdict),),
        tables=(_loss_table(verdict),),
    )


def findings_section(verdict: FitVerdict) -> Section:
    """List what the rules found, with the number, the threshold, and when the rule may be wrong."""
    none = "No rule found anything beyond the verdict."
    return Section(
        key="findings",
        heading="Findings",
        sentences=() if verdict.findings else (none,),
        findings=tuple(_entry(finding) for finding in verdict.findings),
    )


def loss_unit(unit: str) -> str:
    """Show the unit of the losses, which may hold the name of the user's target."""
    return shown(unit, 40)


def _gap(verdict: FitVerdict) -> str:
    unit = loss_unit(verdict.unit)
    gap = verdict.generalization_gap
    return (
        f"validation loss {with_unit(number(verdict.validation_loss), unit)} is "
        f"{with_se(abs(gap), verdict.generalization_gap_se, unit)} {'below' if gap < 0 else 'above'} training loss"
    )


def _bias(verdict: FitVerdict) -> str:
    unit = loss_unit(verdict.unit)
    bias = verdict.avoidable_bias
    return (
        f"training loss {with_unit(number(verdict.train_loss), unit)} is "
        f"{with_se(abs(bias), verdict.avoidable_bias_se, unit)} {'below' if bias < 0 else 'above'} the validation loss "
        f"of {shown(verdict.reference_name)}, {with_unit(number(verdict.reference_loss), unit)}"
    )


def probability_figure(verdict: FitVerdict) -> Figure:
    """Say whether a state is likely enough to be the verdict."""
    likeliest = max(verdict.probabilities, key=lambda state: verdict.probabilities[state])
    reaches = verdict.probabilities[likeliest] >= verdict.decision_probability
    return Figure(
        key="probabilities",
        title=f"The likeliest state, {_WORDS.get(likeliest, likeliest)}, "
        f"{'reaches' if reaches else 'does not reach'} the probability needed for a verdict",
        caption=f"Probability of each state, no unit; the dashed line is the {setting(verdict.decision_probability)} "
        "that a state needs to be the verdict.",
    )


def _loss_table(verdict: FitVerdict) -> Table:
    def row(name: str, value: float, standard_error: float, meaning: str) -> tuple[str, ...]:
        return name, with_se(value, standard_error), meaning

    reference = shown(verdict.reference_name)
    return Table(
        caption=f"The network without regularization: mean losses per example in {loss_unit(verdict.unit)}, "
        "± one standard error.",
        columns=("Quantity", "Value", "Meaning"),
        numeric=False,
        rows=(
            row("Training loss", verdict.train_loss, verdict.train_loss_se, "on the rows it was trained on"),
            row(
                "Validation loss", verdict.validation_loss, verdict.validation_loss_se, "on rows it was not trained on"
            ),
            row(
                "Generalization gap",
                verdict.generalization_gap,
                verdict.generalization_gap_se,
                "validation − training loss; large means overfitting",
            ),
            row("Reference loss", verdict.reference_loss, math.nan, f"validation loss of {reference}"),
            row(
                "Avoidable bias",
                verdict.avoidable_bias,
                verdict.avoidable_bias_se,
                "training − reference loss; large means underfitting",
            ),
            row(
                "Excess loss",
                verdict.excess_loss,
                verdict.excess_loss_se,
                "validation loss − that of the sweep’s best cell",
            ),
            row("Constant prediction", verdict.constant_loss, math.nan, "what knowing no features costs"),
        ),
    )


def _entry(finding: Finding) -> FindingEntry:
    unit = shown(finding.unit, 40) if finding.unit else ""
    return FindingEntry(
        heading=f"{shown(finding.code, 12)} {shown(finding.name)} in {shown(finding.where)}",
        severity=finding.severity,
        measured=f"{number(finding.value)}, held against {setting(finding.threshold)}" + (f" ({unit})" if unit else ""),
        details=(
            ("Why it matters", shown(finding.why, 400)),
            ("When this is wrong", shown(finding.when_wrong, 400)),
            ("What helps", shown(finding.cure, 400)),
        ),
        code=finding.code,
        pictures=pictures_of(finding.code),
    )
