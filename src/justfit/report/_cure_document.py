"""From a repair to its page: what is said, and in which order."""

from __future__ import annotations

import math
from dataclasses import replace

from justfit.records import CureRecord, CureState, Judgement
from justfit.report._checkup_words import SENTENCE
from justfit.report._cure_words import (
    LIKELY_CAUSE,
    before_and_after,
    code_line,
    cost_words,
    headline,
    is_far_short,
    points,
    repeated_words,
    tried_table,
)
from justfit.report._document import Card, Figure, FigureKey, Section, SignalDocument, Snippet, Table, Tone, filled
from justfit.report._judgement_document import Figures, draw_run, fit_sections
from justfit.report._learned_figure import before_after_title, draw_before_after, draw_learned, learned_title
from justfit.report._names import shown
from justfit.report._numbers import count, number, percent, setting
from justfit.report._run_findings import findings_section, steps_to_take, todo_section
from justfit.report._structure_table import structure_table
from justfit.report._tried_figure import draw_tried, tried_title

_FIGURES: Figures[CureRecord] = {
    "before_after": (draw_before_after, before_after_title),
    "learned": (draw_learned, learned_title),
    "tried": (draw_tried, tried_title),
}
_ADVICE: dict[CureState, str] = {
    "cured": "Make the changes of the patch below.",
    "nothing to repair": "Nothing: go on training as you do.",
    "no cure found": "Look at what spoke for a fault, below: nothing that was tried helped beyond chance.",
    "more data, not more regularization": "Collect more examples: no λ and no dropout made up for them.",
    "undecided": "Run it again with a larger budget: a change seems to help, and one more training may prove it.",
}
_MOST_LINES = 400  # of the patch
_MOST_CHANGES, _MOST_PLACES = 8, 3  # that are named at the top


def build_cure_document(record: CureRecord) -> SignalDocument:
    """Say everything that a reader wants of a repair, once."""
    said = headline(record)
    judgement = _judgement(record)
    sections = (
        todo_section(_todo(record)),
        _patch_section(record),
        _before_after_section(record),
        *fit_sections(judgement, "curves"),
        _tried_section(record),
        Section(
            key="reasons", heading="What spoke for a fault", points=tuple(shown(r, SENTENCE) for r in record.reasons)
        ),
        findings_section(record.findings),
        *fit_sections(judgement, "evidence"),
        Section(
            key="notes",
            heading="What else was seen",
            sentences=(cost_words(record),),
            points=tuple(shown(note, SENTENCE) for note in record.notes if note not in said),
        ),
    )
    again = () if record.repeated is None else (repeated_words(record.repeated),)
    return SignalDocument(
        subject=f"Repair of the training of {shown(record.module)}",
        headline=said,
        verdict=(before_and_after(record), *again),
        tone=_tone(record),
        cards=_cards(record),
        sections=filled(sections),
    )


def draw_cure(record: CureRecord) -> dict[str, tuple[str, ...]]:
    """Draw the figures of the document."""
    return draw_run(record, _FIGURES, _judgement(record))


def _tone(record: CureRecord) -> Tone:
    if record.state == "undecided" or record.interrupted or is_far_short(record):
        return "open"
    return "good" if record.state in ("cured", "nothing to repair") else "bad"


def _todo(record: CureRecord) -> tuple[str, ...]:
    likely = [shown(note, SENTENCE) for note in record.notes if note.startswith(LIKELY_CAUSE)]
    if record.state == "cured":
        return (*_changes(record), *likely) or (_ADVICE["cured"],)
    steps = steps_to_take(record.findings) if record.state in ("no cure found", "undecided") else ()
    return (*likely, _ADVICE[record.state], *steps)


def _changes(record: CureRecord) -> list[str]:
    """Say what is to be changed, each change once with all its places."""
    places: dict[str, list[str]] = {}
    for change in record.changes:
        words = f"{shown(change.before)} → {shown(change.after)}. {shown(change.why, SENTENCE)}"
        places.setdefault(words, []).append(shown(change.where))
    said = []
    for words, where in list(places.items())[:_MOST_CHANGES]:
        said.append(f"{_listed(where)}: {words}")
    return said


def _listed(places: list[str]) -> str:
    more = f" and {count(len(places) - _MOST_PLACES, 'more place')}" if len(places) > _MOST_PLACES else ""
    return ", ".join(places[:_MOST_PLACES]) + more


def _cards(record: CureRecord) -> tuple[Card, ...]:
    cards = [Card(label="State", value=record.state, note=record.cause or "no cause proven")]
    if len(record.state) > 20:
        cards[0] = replace(cards[0], value="more data", note="not more regularization")
    if not math.isnan(record.share_before):
        after = f"{setting(record.epochs_before)} epochs"
        cards.append(Card(label="Learned before", value=points(max(record.share_before, 0.0)), note=after))
    if record.gain is not None:
        gain, lower = (points(value, "over 100 %") for value in (record.gain.gain, record.gain.gain_lower))
        value = points(max(record.share_after, 0.0))
        cards.append(Card(label="Learned after", value=value, note=f"gain {gain}, at least {lower}"))
    if math.isfinite(record.reference_share):
        cards.append(
            Card(label="Reference", value=points(record.reference_share), note="a closed-form fit of the same rows")
        )
    if math.isfinite(record.error_after) and record.gain is not None:
        cards.append(
            Card(label="Error", value=_error(record.error_after), note=f"{_error(record.error_before)} before")
        )
    spent = f"of {record.cost.budget:g} allowed"
    return (*cards, Card(label="Trainings spent", value=number(record.cost.trainings), note=spent))


def _error(value: float) -> str:
    return (
        number(value)
        if not math.isfinite(value) or value > 1
        else percent(value)
        if value >= 0.0005
        else number(value, 2)
    )


def _patch_section(record: CureRecord) -> Section:
    section = Section(key="patch", heading="The patch")
    if not record.patch:
        return section
    table = Table(
        caption="Every change of the cure.",
        columns=("Where", "Before", "After", "Why"),
        rows=tuple(
            (
                shown(change.source or change.where, 80),
                shown(change.before, 80),
                shown(change.after, 80),
                shown(change.why, SENTENCE),
            )
            for change in record.changes[:_MOST_LINES]
        ),
        numeric=False,
        folded=True,
    )
    sentence = "What to write, and where; the cause is " + (f"{record.cause}." if record.cause else "not proven.")
    return replace(section, sentences=(sentence,), snippets=_snippets(record), tables=(table,))


def _snippets(record: CureRecord) -> tuple[Snippet, ...]:
    """The code of each change, as it can be pasted; alike changes once, with all their places."""
    places: dict[tuple[str, str], list[str]] = {}
    for change in record.changes:
        code = "\n".join(map(code_line, change.code.splitlines()[:_MOST_LINES]))
        words = f"{shown(change.before)} → {shown(change.after)}"
        place = f"{shown(change.where)} ({shown(change.source, 80)})" if change.source else shown(change.where)
        places.setdefault((words, code), []).append(place)
    return tuple(
        Snippet(words=f"{_listed(where)}: {words}:", code=code)
        for (words, code), where in list(places.items())[:_MOST_LINES]
    )


def _before_after_section(record: CureRecord) -> Section:
    captions: dict[FigureKey, str] = {
        "before_after": "Mean loss per example in eval mode, ± one standard error."
        + (" Both networks began with the same draws of weights and saw the same batches." if record.gain else ""),
        "learned": "0 % is the best constant prediction, 100 % a perfect one; the band is ± one standard error. Dots "
        "are the epochs that were looked at.",
    }
    if _judgement(record) is not None:  # the curves stand with the verdict on them
        del captions["before_after"]
    figures = tuple(
        Figure(key=key, title=f"{_FIGURES[key][1](record)}.", caption=caption) for key, caption in captions.items()
    )
    known = record.history_before is not None or record.learned_before is not None
    table = structure_table(record.layers_before, record.layers_after)
    return Section(
        key="before-after",
        heading="Before and after" if record.gain is not None else "Your training",
        figures=figures if known else (),
        tables=() if table is None else (table,),
    )


def _tried_section(record: CureRecord) -> Section:
    section = Section(key="tried", heading="What was tried")
    if not record.tried:
        return section
    caption = (
        "Each row is your training with one thing done differently, from the same draws. The line is the interval of "
        "its gain, corrected for all that was tried; green where it lies above 0. ◆ is the cure."
    )
    figure = Figure(key="tried", title=f"{tried_title(record)}.", caption=caption)
    return replace(section, figures=(figure,), tables=(replace(tried_table(record), folded=True),))


def _judgement(record: CureRecord) -> Judgement | None:
    """The user's training judged, where nothing was cured; else the page is about the cure."""
    history = record.history_before
    if record.state == "cured" or record.verdict is None or history is None or not history.epochs:
        return None
    return Judgement(history=history, verdict=record.verdict)
