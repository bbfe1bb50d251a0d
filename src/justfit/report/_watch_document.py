"""From a watched run to its page, the flight record: what is said, and in which order."""

from __future__ import annotations

import math

from justfit.records import Judgement, WatchRecord
from justfit.report._checkup_words import SENTENCE
from justfit.report._document import Card, Figure, FigureKey, Section, SignalDocument, Table, Tone, filled
from justfit.report._gradient_figure import draw_gradients, gradients_title
from justfit.report._judgement_document import Figures, draw_run, fit_sections
from justfit.report._judgement_words import best_sentence
from justfit.report._judgement_words import headline as judgement_headline
from justfit.report._last_steps import draw_last_steps, last_steps_caption, last_steps_tables, last_steps_title
from justfit.report._loss_figure import course, draw_loss, loss_title
from justfit.report._names import shown
from justfit.report._numbers import count, number, percent, probability, setting
from justfit.report._off_figure import draw_layers_off, layers_off_title
from justfit.report._run_findings import findings_section, things_to_do, todo_section
from justfit.report._sampled_steps import last_sampled, samples_end_early
from justfit.report._step_axis import num_steps, shown_steps
from justfit.report._svg import thinned
from justfit.report._update_figure import draw_learning_rate, draw_updates, learning_rate_title, updates_title
from justfit.report._watch_layers import layer_tables
from justfit.report._watch_words import cost_words, failure_words, fit_words, headline, is_short

_MOST_POINTS = 200
_FIGURES: Figures[WatchRecord] = {
    "loss": (draw_loss, loss_title),
    "layer_gradients": (draw_gradients, gradients_title),
    "updates": (draw_updates, updates_title),
    "layers_off": (draw_layers_off, layers_off_title),
    "learning_rate": (draw_learning_rate, learning_rate_title),
    "last_steps": (draw_last_steps, last_steps_title),
}


def build_watch_document(record: WatchRecord) -> SignalDocument:
    """Say everything that a reader wants of a watched run, once."""
    evidence = record.evidence
    top, lines = _top(record)
    judgement = _judgement(record)
    sections = (
        todo_section(_points(record)),
        *fit_sections(judgement, "curves"),
        _flight_section(record),
        _failure_section(record),
        findings_section(record.findings),
        *fit_sections(judgement, "evidence"),
        Section(key="layers", heading="Layer by layer", tables=layer_tables(record)),
        Section(key="unjudged", heading="Rules that could not judge", points=_unjudged(record)),
        Section(
            key="watching",
            heading="What was watched",
            sentences=(cost_words(record.overhead), _gradients_words(record)),
            points=tuple(shown(note, SENTENCE) for note in evidence.notes[:_MOST_POINTS]),
        ),
    )
    return SignalDocument(
        subject=_subject(record),
        headline=top,
        verdict=tuple(line for line in lines if line),
        tone=_tone(record),
        cards=_cards(record),
        sections=filled(sections),
    )


def draw_watch(record: WatchRecord) -> dict[str, tuple[str, ...]]:
    """Draw the figures of the document."""
    return draw_run(record, _FIGURES, _judgement(record))


def _top(record: WatchRecord) -> tuple[str, tuple[str, ...]]:
    """The verdict in one sentence, and what else must be said at once: what broke, whether it fits, what was found."""
    failure, judgement, counted = record.evidence.first_failure, _judgement(record), headline(record)
    if failure is not None:
        cause = {"nan": "NaN", "inf": "Infinity", "divergence": "Divergence"}[failure.cause]
        return f"{cause} at step {failure.step:,} of {num_steps(record):,}.", (
            failure_words(failure),
            fit_words(record),
            counted,
        )
    if judgement is None or judgement.verdict.state == "undecided":
        return counted, (fit_words(record),)
    if judgement.verdict.state == "just_right" and any(f.severity != "info" for f in record.findings):
        return counted, (judgement_headline(judgement), best_sentence(judgement))
    return judgement_headline(judgement), (best_sentence(judgement), counted)


def _subject(record: WatchRecord) -> str:
    evidence = record.evidence
    kinds = ", ".join(dict.fromkeys(shown(o.kind, 40) for o in evidence.optimizers if o.kind))
    ranks = f", {evidence.world_size:,} processes" if evidence.world_size > 1 else ""
    under = f" under {kinds}" if kinds else ""
    return f"Training of {shown(evidence.module)}, {count(evidence.num_parameters, 'parameter')}{under}{ranks}"


def _tone(record: WatchRecord) -> Tone:
    if record.evidence.first_failure is not None or any(f.severity != "info" for f in record.findings):
        return "bad"
    if record.verdict is None:
        return "good"
    states: dict[str, Tone] = {"just_right": "good", "undecided": "open"}
    return states.get(record.verdict.state, "bad")


def _points(record: WatchRecord) -> tuple[str, ...]:
    points = things_to_do(record.findings, record.verdict, record.evidence.history.epoch_name)
    if points:
        return points
    fine = _tone(record) == "good"
    return ("Nothing: no rule found anything in this run." if fine else "No rule names a remedy: look at the figures.",)


def _cards(record: WatchRecord) -> tuple[Card, ...]:
    evidence, overhead, verdict = record.evidence, record.overhead, record.verdict
    cards = [
        Card(
            label="Steps",
            value=f"{max((o.num_steps for o in evidence.optimizers), default=0):,}",
            note=f"{overhead.num_samples:,} sampled" if record.finished else "the run was not closed",
        )
    ]
    moved = course(evidence.losses)
    if moved is not None:
        cards.append(Card(label="Loss of a step", value=number(moved.end), note=f"{number(moved.start)} at the start"))
    if verdict is not None:
        sure = f"probability {probability(verdict.probability)}"
        cards.append(Card(label="Fit", value=verdict.state.replace("_", " "), note=sure))
    if evidence.first_failure is not None:
        failure = evidence.first_failure
        words = {"nan": "NaN", "inf": "infinity", "divergence": "divergence"}[failure.cause]
        cards.append(Card(label="First failure", value=f"step {failure.step:,}", note=words))
    if math.isfinite(overhead.measured_fraction):
        allowed = f"{setting(overhead.allowed_fraction * 100)} % allowed"
        if is_short(overhead):
            allowed += "; most of it the start"
        cards.append(Card(label="Cost of watching", value=percent(overhead.measured_fraction), note=allowed))
    return tuple(cards)


def _flight_section(record: WatchRecord) -> Section:
    captions: dict[FigureKey, str] = {
        "loss": "The line is the mean of each bin of steps, the inner band ± one standard deviation within it, the "
        "outer one reaches from its smallest to its largest loss. Diamonds mark since when a finding holds.",
        "layer_gradients": "Layers in order of execution, the first on top; a sample holds until the next. Black is 0, "
        "red is infinite, and what is left out was not measured or is NaN.",
        "updates": "Norm of the change of a layer's weights in one step over the norm of the weights, at sampled "
        "steps. The grey band spans all layers where not all have a line.",
        "layers_off": "Layers in order of execution. Dead: the derivative is 0 on every example of the sampled batch; "
        "saturated: it is below 5 % of its largest.",
        "learning_rate": "At sampled steps.",
    }
    steps, seen = num_steps(record), shown_steps(record)
    cut = f" Steps beyond {seen:,} of {steps:,}, long after the failure, are left out." if seen < steps else ""
    captions["loss"] += cut
    figures = tuple(
        Figure(key=key, title=f"{title(record)}.", caption=captions[key])
        for key, (_, title) in _FIGURES.items()
        if key in captions
    )
    return Section(
        key="flight",
        heading="The flight record",
        sentences=_sampling(record),
        figures=figures,
        tables=(_loss_table(record),),
    )


def _sampling(record: WatchRecord) -> tuple[str, ...]:
    """Warn where nothing sampled speaks for the end of the run."""
    last, steps = last_sampled(record), shown_steps(record)
    if not last or record.evidence.first_failure is not None or not samples_end_early(record):
        return ()
    allowed = f"{setting(record.overhead.allowed_fraction * 100)} %"
    samples = count(record.overhead.num_samples, "step")
    return (
        f"Layers, gradients and updates were sampled in {samples} of {steps:,}, the last of them step {last:,}: more "
        f"would have cost more than the {allowed} of the time that watching may take. "
        "justfit.watch(…, every=10) samples every tenth step, whatever it costs.",
    )


def _loss_table(record: WatchRecord) -> Table:
    bins = record.evidence.losses
    kept = thinned(len(bins.mean), 128)
    rows = tuple(
        (
            f"{bins.first_step[k]:,}",
            f"{bins.num_steps[k]:,}",
            number(bins.mean[k]),
            number(bins.std[k], 2),
            number(bins.minimum[k]),
            number(bins.maximum[k]),
        )
        for k in kept
    )
    return Table(
        caption="The numbers behind the loss, by bins of steps.",
        columns=("From step", "Finite losses", "Mean", "Standard deviation", "Smallest", "Largest"),
        rows=rows,
        folded=True,
    )


def _failure_section(record: WatchRecord) -> Section:
    failure = record.evidence.first_failure
    heading = "The last steps" if failure is None else "Where it broke"
    figure = Figure(
        key="last_steps",
        title=f"{last_steps_title(record)}.",
        caption=last_steps_caption(record),
    )
    tables = last_steps_tables(record)
    if failure is not None:
        tables = (_failure_table(record), *tables)
    return Section(key="failure", heading=heading, figures=(figure,) if record.frames else (), tables=tables)


def _failure_table(record: WatchRecord) -> Table:
    failure = record.evidence.first_failure
    assert failure is not None  # noqa: S101 - asked for by the caller
    rows = (
        ("Kind", {"nan": "NaN", "inf": "infinity", "divergence": "divergence"}[failure.cause]),
        ("Stage", failure.stage),
        ("Step", f"{failure.step:,} (epoch {failure.epoch:,})"),
        ("Layer", shown(failure.layer, 200) if failure.layer else ""),
        ("Operation", shown(failure.operation, 200) if failure.operation else ""),
        ("Source", shown(failure.source, 200) if failure.source else ""),
        ("Batch", f"{failure.batch:,}" if failure.batch >= 0 else ""),
        ("Examples", failure.named_examples),
        ("Process", f"rank {failure.rank}" if record.evidence.world_size > 1 else ""),
        ("Weights", "intact" if failure.weights_intact else "already updated with it"),
        ("How it was found", shown(failure.how, SENTENCE) if failure.how else ""),
    )
    known = tuple(row for row in rows if row[1])
    return Table(caption="The first failure.", columns=("What", "Found"), rows=known, numeric=False)


def _judgement(record: WatchRecord) -> Judgement | None:
    history = record.evidence.history
    if record.verdict is None or not history.epochs:
        return None
    return Judgement(history=history, verdict=record.verdict)


def _unjudged(record: WatchRecord) -> tuple[str, ...]:
    return tuple(f"{shown(rule.code, 12)}: {shown(rule.reason, SENTENCE)}" for rule in record.unjudged[:_MOST_POINTS])


def _gradients_words(record: WatchRecord) -> str:
    how = shown(record.evidence.gradients, 100)
    processes = record.evidence.world_size
    return f"Gradients were read {how}." if processes == 1 else f"Gradients of {processes:,} processes were read {how}."
