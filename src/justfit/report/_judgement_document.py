"""From a judged history to its page: what is said, and in which order."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeVar

from justfit.records import FitVerdict, Judgement
from justfit.report._axes import leaving_words
from justfit.report._document import Card, Figure, FigureKey, Section, SignalDocument, Table, filled
from justfit.report._history_figure import draw_history
from justfit.report._judgement_words import (
    best_sentence,
    headline,
    loss_rows,
    note_sentences,
    read_sentence,
    reason_sentences,
    tone,
    value_of,
)
from justfit.report._names import shown
from justfit.report._numbers import number, probability, with_se
from justfit.report._probabilities import draw_states
from justfit.report._run_findings import findings_section, things_to_do, todo_section
from justfit.report._svg import thinned
from justfit.report._verdict import probability_figure

Record = TypeVar("Record")
# Of each figure: what draws it under a title, and what words the title.
Figures = Mapping[FigureKey, tuple[Callable[[Record, str], tuple[str, ...]], Callable[[Record], str]]]
_MOST_NOTES = 200
_MOST_ROWS = 300


def build_judgement_document(judgement: Judgement) -> SignalDocument:
    """Say everything that a reader wants of a judged run, once."""
    verdict, history = judgement.verdict, judgement.history
    lines = (best_sentence(judgement), read_sentence(history) if history.source else "")
    sections = (
        todo_section(things_to_do(verdict.findings, verdict, history.epoch_name)),
        _curves_section(judgement),
        findings_section(verdict.findings),
        Section(
            key="evidence",
            heading="Why this verdict",
            sentences=reason_sentences(verdict),
            figures=(probability_figure(verdict),),
            tables=(_loss_table(judgement),),
        ),
        Section(key="notes", heading="What was read and repaired", points=note_sentences(verdict)[:_MOST_NOTES]),
    )
    return SignalDocument(
        subject=shown(history.source, 200) if history.source else "A training run" if history.epochs else "A network",
        headline=headline(judgement),
        verdict=tuple(line for line in lines if line),
        tone=tone(judgement),
        cards=_cards(judgement),
        sections=filled(sections),
    )


def fit_sections(judgement: Judgement | None, key: str) -> tuple[Section, ...]:
    """Take the section of that key, of a page about more than the fit; nothing where nothing was judged."""
    sections = () if judgement is None else build_judgement_document(judgement).sections
    return tuple(section for section in sections if section.key == key)


def _curves_section(judgement: Judgement) -> Section:
    section = Section(key="curves", heading="How the losses moved")
    if not judgement.history.epochs:
        return section
    figure = Figure(key="history", title=curves_title(judgement), caption=_caption(judgement))
    return replace(section, figures=(figure,), tables=(_history_table(judgement),))


def draw_run(record: Record, figures: Figures[Record], judgement: Judgement | None) -> dict[str, tuple[str, ...]]:
    """Draw the figures of a page about more than the fit, each under its title, and those of the fit."""
    drawn: dict[str, tuple[str, ...]] = {
        key: draw(record, f"{title(record)}.") for key, (draw, title) in figures.items()
    }
    return drawn if judgement is None else drawn | draw_judgement(judgement)


def draw_judgement(judgement: Judgement) -> dict[str, tuple[str, ...]]:
    """Draw the figures of the document."""
    return {
        "history": draw_history(judgement, curves_title(judgement)),
        "probabilities": draw_states(judgement.verdict),
    }


def curves_title(judgement: Judgement) -> str:
    """Say what the curves show; one sentence without its full stop."""
    verdict, history = judgement.verdict, judgement.history
    kind = "loss" if history.direction == "minimize" else "score"
    name = shown(history.epoch_name, 40)
    if verdict.best_epoch is None or verdict.last_epoch is None:
        return f"There is no validation {kind} to follow"
    if verdict.best_epoch == verdict.last_epoch:
        return f"The validation {kind} is at its best at the last {name}, {verdict.last_epoch:,}"
    cost = with_se(verdict.further_epochs_cost, verdict.further_epochs_cost_se, _unit(verdict))
    return (
        f"The validation {kind} is at its best at {name} {verdict.best_epoch:,}; "
        f"by {name} {verdict.last_epoch:,} it is {cost} worse"
    )


def _caption(judgement: Judgement) -> str:
    history = judgement.history
    is_loss = history.direction == "minimize"
    known = any(math.isfinite(error) for error in (*history.train_loss_se, *history.validation_loss_se))
    names = f"Training is {shown(history.train_name)}, validation {shown(history.validation_name)}, "
    parts = [
        f"{names}against the {shown(history.epoch_name, 40)}." if history.source else "",
        _best_words(judgement),
        "The shaded part is where it overfits." if judgement.verdict.overfitting_since is not None else "",
        "The band is ± one standard error." if known else "",
        "Training was measured while training, so it may lie above validation." if history.train_mode else "",
        leaving_words(history.train_loss, history.validation_loss).strip() if is_loss else "",
    ]
    return " ".join(part for part in parts if part)


def _best_words(judgement: Judgement) -> str:
    """Say what the mark of the best epoch marks; it is not where a loss that jumps about happens to be lowest."""
    history, best = judgement.history, judgement.verdict.best_epoch
    if best is None:
        return ""
    sign = 1.0 if history.direction == "minimize" else -1.0
    known = {
        epoch: sign * value
        for epoch, value in zip(history.epochs, history.validation_loss, strict=True)
        if math.isfinite(value)
    }
    smoothed = "" if known.get(best, math.inf) <= min(known.values(), default=math.inf) else " of the smoothed curve"
    return f"The dotted line and ◆ mark the best one{smoothed}."


def _cards(judgement: Judgement) -> tuple[Card, ...]:
    verdict, history = judgement.verdict, judgement.history
    kind = "loss" if history.direction == "minimize" else "score"
    cards = [
        Card(
            label="Verdict",
            value=verdict.state.replace("_", " "),
            note=f"probability {probability(verdict.probability)}",
        )
    ]
    if verdict.best_epoch is not None and verdict.last_epoch is not None:
        note = f"of {verdict.last_epoch:,}"
        cards.append(Card(label=f"Best {shown(history.epoch_name, 20)}", value=f"{verdict.best_epoch:,}", note=note))
    for label, value, se in (
        (f"Train {kind}", verdict.train_loss, verdict.train_loss_se),
        (f"Validation {kind}", verdict.validation_loss, verdict.validation_loss_se),
        ("Generalization gap", verdict.generalization_gap, verdict.generalization_gap_se),
    ):
        if math.isfinite(value):
            note = f"± {number(se, 2)}" if math.isfinite(se) and se > 0 else "at the end"
            cards.append(Card(label=label, value=value_of(value, verdict), note=note))
    return tuple(cards)


def _loss_table(judgement: Judgement) -> Table:
    unit = f" in {_unit(judgement.verdict)}" if judgement.verdict.unit else ""
    return Table(
        caption=f"What the verdict rests on{unit}, ± one standard error.",
        columns=("Quantity", "Value", "Meaning"),
        rows=loss_rows(judgement),
        numeric=False,
    )


def _history_table(judgement: Judgement) -> Table:
    history = judgement.history
    kept = thinned(len(history.epochs), _MOST_ROWS)
    part = (
        "" if len(kept) == len(history.epochs) else f", {len(kept)} of {len(history.epochs):,} entries, evenly spaced"
    )
    return Table(
        caption=f"The numbers behind the curves{part}.",
        columns=(
            shown(history.epoch_name, 40),
            f"train: {shown(history.train_name, 40)}",
            f"validation: {shown(history.validation_name, 40)}",
        ),
        rows=tuple(
            (
                f"{history.epochs[k]:,}",
                with_se(history.train_loss[k], history.train_loss_se[k]),
                with_se(history.validation_loss[k], history.validation_loss_se[k]),
            )
            for k in kept
        ),
        folded=True,
    )


def _unit(verdict: FitVerdict) -> str:
    return shown(verdict.unit, 40) if verdict.unit else ""
