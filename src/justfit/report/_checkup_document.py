"""From a checkup to its page: what is said, and in which order."""

from __future__ import annotations

import math

from justfit.records import Checkup
from justfit.report._checkup_layers import folded_layers_table, layers_table
from justfit.report._checkup_words import (
    counted,
    finding_entry,
    loss_sentence,
    loss_value,
    note_points,
    reaches,
    score,
    tone,
    trainability_sentence,
    unjudged_points,
    verdict,
)
from justfit.report._document import Card, Figure, Section, SignalDocument, Table, filled
from justfit.report._names import shown
from justfit.report._numbers import count, number, setting
from justfit.report._run_findings import steps_to_take, todo_section
from justfit.report._signal_figure import Line, draw_lines
from justfit.report._trunk import Quantity, change, change_words, share, span, tidy, times, values

MOST_FINDINGS = 200  # written out; a page of more is not read
_MOST_ROWS = 100


def build_checkup_document(checkup: Checkup) -> SignalDocument:
    """Say everything that a reader wants of `checkup`, once."""
    evidence = checkup.evidence
    sections = (
        todo_section(_todo(checkup)),
        _findings_section(checkup),
        _signal_section(checkup),
        _attention_section(checkup),
        _inputs_section(checkup),
        Section(key="unjudged", heading="Rules that could not judge", points=unjudged_points(checkup)[:_MOST_ROWS]),
        Section(key="notes", heading="What was not measured", points=note_points(checkup)[:_MOST_ROWS]),
    )
    return SignalDocument(
        subject=f"{shown(evidence.module)}: {count(len(evidence.layers), 'layer')}, "
        f"{count(evidence.num_parameters, 'parameter')}, checked on {count(evidence.batch_size, 'example')}",
        headline=verdict(checkup),
        verdict=(trainability_sentence(checkup.trainability), loss_sentence(evidence.loss)),
        tone=tone(checkup),
        cards=_cards(checkup),
        sections=filled(sections),
    )


def _todo(checkup: Checkup) -> tuple[str, ...]:
    steps = steps_to_take(checkup.findings)
    if steps or not checkup.layers:
        return steps
    if reaches(checkup.trainability):
        return ("Nothing: train it as it is.",)
    return ("Compare initializations: add `--compare xavier,he,auto` to `justfit check`.",)


def draw_checkup(checkup: Checkup) -> dict[str, tuple[str, ...]]:
    """Draw the figures of the document."""
    return {quantity: _drawing(checkup, quantity) for quantity in ("signal", "gradient")}


def _drawing(checkup: Checkup, quantity: Quantity) -> tuple[str, ...]:
    trunk = checkup.evidence.trunk
    places = {point.name: k for k, point in reversed(list(enumerate(trunk)))}
    marks = tuple(
        (places[finding.where], f"{shown(finding.code, 12)} {shown(finding.name)} in {shown(finding.where)}")
        for finding in checkup.findings
        if finding.severity != "info" and finding.where in places
    )
    measured = change(trunk, quantity)
    return draw_lines(
        [Line(values=values(trunk, quantity), marks=marks)],
        quantity,
        title=change_words(measured, quantity),
        description=f"At {count(len(trunk), 'place')} it goes {span(measured)}.",
    )


def _cards(checkup: Checkup) -> tuple[Card, ...]:
    trainability, loss, trunk = checkup.trainability, checkup.evidence.loss, checkup.evidence.trunk
    parts = f"rank {tidy(trainability.rank_part, 2)}, gradient {tidy(trainability.gradient_part, 2)}"
    expected = "not known" if math.isnan(loss.expected) else number(loss.expected)
    return (
        Card(
            label="Findings",
            value=str(len(checkup.findings)),
            note=counted(checkup.findings) if checkup.findings else "none",
        ),
        Card(
            label="Trainability",
            value=score(trainability),
            note=f"threshold {setting(trainability.threshold)}, where one in two trained; {parts}",
        ),
        *(
            Card(label=label, value=f"× {times(measured.ratio)}", note=span(measured))
            for label, measured in (
                ("Signal, first to last", change(trunk, "signal")),
                ("Gradient, last to first", change(trunk, "gradient")),
            )
            if not math.isnan(measured.ratio)
        ),
        *(
            ()
            if math.isnan(loss.value)
            else (Card(label="First loss", value=loss_value(loss), note=f"uninformed: {expected}"),)
        ),
    )


def _findings_section(checkup: Checkup) -> Section:
    more = len(checkup.findings) - MOST_FINDINGS
    return Section(
        key="findings",
        heading="Findings",
        sentences=(f"The worst {MOST_FINDINGS}; {more:,} more are in the JSON output.",) if more > 0 else (),
        findings=tuple(finding_entry(finding) for finding in checkup.findings[:MOST_FINDINGS]),
    )


def _signal_section(checkup: Checkup) -> Section:
    trunk = checkup.evidence.trunk
    num_normalised = sum(point.normalised for point in trunk)
    caption = "A line that leaves the plot at the bottom has become exactly 0; a gap is a place that was not measured."
    if num_normalised:
        caption += (
            f" {num_normalised:,} of {count(len(trunk), 'place')} are read by a normalisation: "
            "there the size does not matter."
        )
    places = {point.name for point in trunk}
    if any(finding.severity != "info" and finding.where in places for finding in checkup.findings):
        caption += " Diamonds mark places with a finding."
    figures = tuple(
        Figure(key=quantity, title=f"{change_words(change(trunk, quantity), quantity)}.", caption=caption)
        for quantity in ("signal", "gradient")
    )
    tables = (layers_table(checkup), folded_layers_table(checkup))
    return Section(
        key="layers",
        heading="Signal and gradient, layer by layer",
        figures=figures if trunk else (),
        tables=tuple(table for table in tables if table is not None),
    )


def _attention_section(checkup: Checkup) -> Section:
    attention = checkup.evidence.attention
    if not attention:
        return Section(key="attention", heading="Attention")
    shown_first = f"The first {_MOST_ROWS} of {len(attention):,}. " if len(attention) > _MOST_ROWS else ""
    table = Table(
        caption=f"{shown_first}Entropy 1 is uniform attention, 0 looks at one token; cosine is between two tokens.",
        columns=("Attention", "Tokens", "Logit std", "Entropy", "Peaked", "Cosine before", "Cosine after"),
        rows=tuple(
            (
                shown(signal.name, 40),
                f"{signal.num_tokens:,}",
                tidy(signal.logit_std),
                tidy(signal.entropy_fraction, 2),
                share(signal.peaked_fraction),
                tidy(signal.input_cosine, 2),
                tidy(signal.output_cosine, 2),
            )
            for signal in attention[:_MOST_ROWS]
        ),
    )
    return Section(key="attention", heading="Attention", tables=(table,))


def _inputs_section(checkup: Checkup) -> Section:
    inputs = checkup.evidence.inputs[:_MOST_ROWS]
    if not inputs:
        return Section(key="inputs", heading="Inputs")
    table = Table(
        caption="Over all entries of the batch, in the input's own units.",
        columns=("Input", "Rms", "Mean", "Std", "Smallest", "Largest"),
        rows=tuple(
            (shown(signal.name, 40), *map(tidy, (signal.rms, signal.mean, signal.std, signal.minimum, signal.maximum)))
            for signal in inputs
        ),
    )
    return Section(key="inputs", heading="Inputs", tables=(table,))
