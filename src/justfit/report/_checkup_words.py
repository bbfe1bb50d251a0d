"""What a checkup found, in sentences: the verdict first, then trainability and loss."""

from __future__ import annotations

import math
from collections import Counter

from justfit.records import Checkup, Finding, LossSignal, Severity, Trainability
from justfit.report._document import FindingEntry, Tone
from justfit.report._names import shown
from justfit.report._numbers import count, number, probability, setting, with_unit
from justfit.report._rule_pages import pictures_of
from justfit.report._trunk import change

SENTENCE = 600  # most letters of a sentence that a rule wrote
_NOUNS: tuple[tuple[Severity, str], ...] = (("error", "error"), ("warning", "warning"), ("info", "note"))
_MOST_NAMES = 3
_MOST_DIGITS = 6  # of a score that is next to its threshold
DOUBT = 0.1  # the probability of training below which a checkup says so unasked


def verdict(checkup: Checkup) -> str:
    """Say how many findings of which kind there are in which network, and what they are; one sentence."""
    network = f"{shown(checkup.evidence.module)} ({count(len(checkup.layers), 'layer')})"
    if checkup.findings:
        return f"{counted(checkup.findings)} in {network}: {_diseases(checkup.findings)}."
    if not checkup.layers:
        num = checkup.evidence.num_parameters
        if num:
            return (
                f"Nothing could be judged: none of the {num:,} parameters of {shown(checkup.evidence.module)} was seen."
            )
        return f"No findings: {shown(checkup.evidence.module)} has no layers with weights."
    if not will_train(checkup.trainability):
        return f"No findings in {network}, but {_low(checkup.trainability)}."
    passing = "signals and gradients pass"
    if math.isnan(change(checkup.evidence.trunk, "gradient").ratio):
        passing = "signals pass"
        if math.isnan(change(checkup.evidence.trunk, "signal").ratio):
            return f"No findings in {network}."
    layers = f"all {len(checkup.layers):,} layers" if len(checkup.layers) > 1 else "the one layer"
    return f"No findings: {passing} through {layers} of {shown(checkup.evidence.module)}."


def counted(findings: tuple[Finding, ...]) -> str:
    """Count findings by severity, worst first: `3 errors, 1 warning`."""
    numbers = Counter(finding.severity for finding in findings)
    return ", ".join(count(numbers[severity], noun) for severity, noun in _NOUNS if numbers[severity])


def tone(checkup: Checkup) -> Tone:
    """Bad with an error or a warning, open where training is doubtful without one, good otherwise."""
    if any(finding.severity != "info" for finding in checkup.findings):
        return "bad"
    return "good" if will_train(checkup.trainability) else "open"


def will_train(trainability: Trainability) -> bool:
    """Training is not all but ruled out; False where it could not be told.

    Not where the score merely misses its threshold: that is one half, and bottlenecks and trained networks lie there.
    """
    return trainability.probability >= DOUBT


def trainability_sentence(trainability: Trainability) -> str:
    """Say the score, the probability it stands for, and what limits it."""
    limit = f" Limited by: {shown(trainability.limited_by, SENTENCE)}." if trainability.limited_by else ""
    if math.isnan(trainability.score):
        return f"Trainability could not be told.{limit}"
    side = "at or above" if reaches(trainability) else "below"
    words = f"Trainability {score(trainability)} of 1, {side} the threshold {setting(trainability.threshold)}"
    if not math.isnan(trainability.probability):
        words += f": such networks trained with probability {probability(trainability.probability)} in the benchmark"
    return f"{words}.{limit}"


def reaches(trainability: Trainability) -> bool:
    """The score is at or above its threshold: at it such networks trained as often as not. False where not known."""
    return trainability.score >= trainability.threshold


def score(trainability: Trainability) -> str:
    """Write the score with two digits; with more where two would put it on the other side of its threshold."""
    value, threshold = trainability.score, trainability.threshold
    fitting = (k for k in range(2, _MOST_DIGITS) if (float(f"{value:.{k - 1}e}") >= threshold) == (value >= threshold))
    return number(value, next(fitting, _MOST_DIGITS))


def loss_sentence(loss: LossSignal) -> str:
    """Say the loss at the first step beside what an uninformed prediction would cost."""
    name = shown(loss.name)
    if math.isnan(loss.value):
        if loss.name == "random projection":
            return "No loss was given; the gradients are those of a random projection of the output."
        return f"The loss {name} was not measured, or is NaN."
    words = f"Loss {name}: {loss_value(loss)}"
    if math.isnan(loss.expected):
        return f"{words}; what an uninformed prediction would cost is not known."
    made = f" ({shown(loss.expected_words)})" if loss.expected_words else ""
    return f"{words}; an uninformed prediction costs {number(loss.expected)}{made}."


def loss_value(loss: LossSignal) -> str:
    """Write the loss, in nats if it is a cross entropy."""
    return with_unit(number(loss.value), "nats" if loss.num_classes else "")


def unjudged_line(checkup: Checkup) -> str:
    """Say how many rules could not judge; empty if all could."""
    num = len({rule.code for rule in checkup.unjudged})
    return f"{count(num, 'rule')} could not judge." if num else ""


def unjudged_points(checkup: Checkup) -> tuple[str, ...]:
    """Say of each rule that could not judge why."""
    return tuple(f"{shown(rule.code, 12)}: {shown(rule.reason, SENTENCE)}" for rule in checkup.unjudged)


def note_points(checkup: Checkup) -> tuple[str, ...]:
    """What was not measured and why."""
    return tuple(shown(note, SENTENCE) for note in checkup.evidence.notes)


def finding_entry(finding: Finding) -> FindingEntry:
    """Put a finding in words for the page."""
    place = f"{shown(finding.source, 200)}: " if finding.source else ""
    held = f"{number(finding.value)}, held against {setting(finding.threshold)}"
    return FindingEntry(
        heading=f"{place}{shown(finding.code, 12)} {shown(finding.name)} in {shown(finding.where)}",
        severity=finding.severity,
        measured=f"{shown(finding.evidence, SENTENCE)} ({with_unit(held, shown(finding.unit, 40))})"
        if math.isfinite(finding.value) and finding.unit
        else shown(finding.evidence, SENTENCE),
        details=(
            ("Why it matters", shown(finding.why, SENTENCE)),
            ("When this is wrong", shown(finding.when_wrong, SENTENCE)),
            ("What helps", shown(finding.cure, SENTENCE)),
        ),
        code=finding.code,
        pictures=pictures_of(finding.code),
    )


def _diseases(findings: tuple[Finding, ...]) -> str:
    names = list(dict.fromkeys(shown(finding.name) for finding in findings))
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(names[:_MOST_NAMES]) + more


def _low(trainability: Trainability) -> str:
    if math.isnan(trainability.score):
        return "whether it will train could not be told"
    limit = f" ({shown(trainability.limited_by, SENTENCE)})" if trainability.limited_by else ""
    return f"its trainability, {score(trainability)}, is below {setting(trainability.threshold)}{limit}"
