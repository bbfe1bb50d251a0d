"""From the record of a fit to the document: what is said, and in which order."""

from __future__ import annotations

from typing import Literal

from justfit.records import FitResult, TestComparison
from justfit.report._choice import cell_name, choice_sentences, rule_section
from justfit.report._comparison import score, test_section
from justfit.report._document import Card, Document
from justfit.report._facts import data_section, limits_section, network_section, reproduce_section
from justfit.report._names import shown
from justfit.report._network_words import networks_sections
from justfit.report._numbers import count, number, probability, setting, with_se
from justfit.report._titles import sweep_section
from justfit.report._verdict import evidence_section, findings_section, headline, loss_unit, verdict_sentence

_STATE_WORDS = {
    "overfitting": "Overfits",
    "underfitting": "Underfits",
    "just_right": "Fits",
    "undecided": "Undecided",
}


def build_document(result: FitResult) -> Document:
    """Say everything that `result` holds, once."""
    test = test_section(result)
    return Document(
        subject=f"{shown(result.dataset.name)}: {shown(result.dataset.task, 20)} of {shown(result.dataset.target)}",
        headline=headline(result),
        notices=_notices(result),
        verdict=verdict_sentence(result.verdict),
        tone=_tone(result),
        choice=choice_sentences(result.sweep),
        cards=_cards(result),
        test=test,
        next_steps=tuple(shown(step, 400) for step in result.next_steps),
        sections=(
            findings_section(result.verdict),
            sweep_section(result),
            *networks_sections(result.sweep),
            test,
            evidence_section(result.verdict),
            rule_section(result.sweep),
            data_section(result.dataset),
            network_section(result.network),
            reproduce_section(result),
            limits_section(result),
        ),
    )


def _tone(result: FitResult) -> Literal["good", "bad", "open"]:
    if result.verdict.state == "undecided":
        return "open"
    return "good" if result.verdict.state == "just_right" else "bad"


def _notices(result: FitResult) -> tuple[str, ...]:
    notices = []
    if result.interrupted:
        why = shown(result.interruption, 200) if result.interruption else "it was interrupted"
        notices.append(
            f"This run was cut short: {why}. Everything below is the best so far; a full run may choose differently."
        )
    first = (result.sweep.l2[0], result.sweep.dropout[0])
    if first != (0.0, 0.0):
        notices.append(
            f"Where this report says “without regularization” it means {cell_name(*first)}: that value was fixed, "
            "and 0 was not tried."
        )
    if result.sweep.num_diverged:
        share = f"{result.sweep.num_diverged:,} of {count(result.sweep.num_variants, 'network')}"
        notices.append(f"{share} diverged: their loss became infinite or NaN, so their cells are empty.")
    return tuple(notices)


def _cards(result: FitResult) -> tuple[Card, ...]:
    verdict, record = result.verdict, result.sweep
    unit = loss_unit(verdict.unit)
    return (
        Card(
            label="Without regularization",
            value=_STATE_WORDS[verdict.state],
            note=f"probability {probability(verdict.probability)}",
        ),
        Card(label="Chosen λ", value=setting(record.chosen_l2), note=_range(record.l2_interval)),
        Card(label="Chosen dropout", value=setting(record.chosen_dropout), note=_range(record.dropout_interval)),
        Card(
            label=f"Validation loss, {unit}",
            value=number(record.validation_loss[record.chosen[0]][record.chosen[1]]),
            note=f"{number(record.validation_loss[0][0])} before; gain "
            f"{with_se(record.improvement, record.improvement_se)}",
        ),
        *_test_card(result.test),
        Card(
            label="Capacity",
            value=number(result.network.parameters_per_example),
            note="parameters per example",
        ),
    )


def _test_card(test: TestComparison | None) -> tuple[Card, ...]:
    if test is None:
        return ()
    name = f"Test {shown(test.score_name, 30)}"
    before = score(test, test.score_before)
    return (Card(label=name, value=score(test, test.score_after), note=f"{before} before"),)


def _range(interval: tuple[float, float]) -> str:
    low, high = (setting(value) for value in interval)
    return f"only {low} near the best" if low == high else f"{low} to {high} near the best"
