"""From a sweep over any network to its page: what is said, and in which order."""

from __future__ import annotations

import math

from justfit.records import CellRecord, ModuleSweepRecord
from justfit.report._axes import leaving_words
from justfit.report._cell_axes import cell_axes, cells_along, train_loss_of
from justfit.report._cell_map import cell_map_title, draw_cell_map
from justfit.report._cell_path import cell_path_title, draw_cell_path
from justfit.report._checkup_words import SENTENCE
from justfit.report._curve_panel import draw_panel, shared_scale
from justfit.report._document import Card, Figure, Section, SignalDocument, Table
from justfit.report._module_sweep_words import headline, ridge_table, sentences, setting_words, varying
from justfit.report._names import shown
from justfit.report._numbers import count, number, percent, probability, with_se
from justfit.report._run_findings import todo_section
from justfit.report._svg import thinned

_MOST_ROWS = 300


def build_module_sweep_document(record: ModuleSweepRecord) -> SignalDocument:
    """Say everything that a reader wants of a sweep, once."""
    interrupted = (f"The sweep ended early: {shown(record.interrupted, SENTENCE)}.",) if record.interrupted else ()
    said = sentences(record)
    sections = (
        todo_section(_todo(record)),
        _cells_section(record),
        Section(
            key="choice",
            heading="How the choice was made",
            sentences=(shown(record.rule, SENTENCE),),
            tables=(ridge_table(record), _cell_table(record)),
        ),
        Section(
            key="cost",
            heading="What was trained",
            sentences=tuple(said[2:]),
            points=tuple(shown(note, SENTENCE) for note in record.notes),
        ),
        Section(key="versions", heading="Versions", points=_versions(record)),
    )
    return SignalDocument(
        subject=f"Sweep over {shown(record.module)}: {count(len(record.cells), 'setting')} trained",
        headline=headline(record),
        verdict=(*interrupted, *said[:2]),
        tone="open" if record.interrupted or not record.helps else "good",
        cards=_cards(record),
        sections=tuple(s for s in sections if s.figures or s.tables or s.points or s.sentences),
    )


def draw_module_sweep(record: ModuleSweepRecord) -> dict[str, tuple[str, ...]]:
    """Draw the figures of the document."""
    return {
        "cell_curves": _draw_curves(record),
        "cell_path": draw_cell_path(record, ""),
        "cell_map": draw_cell_map(record, f"{cell_map_title(record)}."),
    }


def _todo(record: ModuleSweepRecord) -> tuple[str, ...]:
    chosen, setting = record.chosen_cell, record.chosen_cell.setting
    words = [f"Train with {setting_words(record, chosen)}, for {count(chosen.best_epoch, 'epoch')}."]
    if setting.l2:
        words.append("λ/(2n)·Σw² is added to the mean loss: under SGD that is weight_decay = λ/n.")
    ends = [
        axis.name
        for axis in cell_axes(record)
        if axis.field in ("l2", "learning_rate") and axis.numbers and getattr(setting, axis.field) == axis.numbers[-1]
    ]
    if ends:
        words.append(f"The chosen value is the largest that was tried of {' and '.join(ends)}: try larger ones too.")
    if record.interrupted:
        words.append("The sweep was cut short: a full one may choose differently.")
    return tuple(words)


def _cards(record: ModuleSweepRecord) -> tuple[Card, ...]:
    chosen = record.chosen_cell
    unit = shown(record.unit, 20)
    note = "distinguishably better" if record.helps else "not distinguishable"
    cards = (
        Card(
            label="Chosen",
            value=setting_words(record, chosen),
            note=f"{len(record.ridge):,} of {len(record.cells):,} near the best",
        ),
        Card(label=f"Validation loss, {unit}", value=number(chosen.loss), note=f"± {number(chosen.loss_se, 2)}"),
        Card(label="Gain", value=number(record.improvement), note=f"± {number(record.improvement_se, 2)}, {note}"),
        Card(label="Confidence", value=probability(record.confidence), note="that it is as good as the best"),
        Card(
            label="Networks",
            value=f"{record.num_variants:,}",
            note=f"{percent(record.variant_epochs / record.full_variant_epochs)} of the epochs of all",
        ),
    )
    return tuple(card for card in cards if "not measured" not in card.value)


def _cells_section(record: ModuleSweepRecord) -> Section:
    several = len(cell_axes(record)) > 1
    others = "; along each setting, the others are as chosen" if several else ""
    figures = [
        Figure(
            key="cell_curves",
            title=f"{_curves_title(record)}.",
            caption="Mean loss per example in eval mode over folds and seeds; the band is ± one standard error."
            + _leaving(record),
        ),
        Figure(
            key="cell_path",
            title=f"{cell_path_title(record)}.",
            caption=f"Each setting at its best epoch{others}. The band is ± one standard error; shaded is what cannot "
            "be told from the best, ◆ the choice, ✕ a network that did not stay finite.",
        ),
    ]
    if several:
        caption = (
            "Bright is good. ★ is the best, ◆ the choice, framed what cannot be told from the best; what is left out "
            "was not trained, red did not stay finite."
        )
        figures.append(Figure(key="cell_map", title=f"{cell_map_title(record)}.", caption=caption))
    return Section(key="cells", heading="What the settings do", figures=tuple(figures))


def _telling_cells(record: ModuleSweepRecord) -> list[tuple[str, CellRecord]]:
    """The least regularized cell, the chosen one, and the far end of the first setting; each once."""
    corner, chosen = record.cells[0], record.chosen_cell
    candidates = [("Chosen", chosen)] if corner is chosen else [("Least regularized", corner), ("Chosen", chosen)]
    axes = cell_axes(record)
    if axes:
        along = cells_along(record, axes[0])
        candidates.append((f"Largest {axes[0].name}" if axes[0].numbers else "Another", along[max(along)]))
    kept: list[tuple[str, CellRecord]] = []
    for name, cell in candidates:
        if cell.epochs and all(cell is not other for _, other in kept):
            kept.append((name, cell))
    return kept


def _leaving(record: ModuleSweepRecord) -> str:
    cells = [cell for _, cell in _telling_cells(record)]
    return leaving_words(
        [value for cell in cells for value in cell.train_loss],
        [value for cell in cells for value in cell.validation_loss],
    )


def _draw_curves(record: ModuleSweepRecord) -> tuple[str, ...]:
    cells, names = _telling_cells(record), varying(record)
    if not cells:
        return ()
    up = shared_scale([cell for _, cell in cells])
    unit = shown(record.unit, 20)
    return tuple(draw_panel(name, setting_words(record, cell, names), cell, up, unit) for name, cell in cells)


def _curves_title(record: ModuleSweepRecord) -> str:
    chosen = record.chosen_cell
    gap = chosen.loss - train_loss_of(chosen)
    if not math.isfinite(gap):
        return "Learning curves of the settings that tell most"
    return (
        f"With the chosen setting the validation loss after epoch {chosen.best_epoch:,}, where it is judged, is "
        f"{number(abs(gap), 2)} {'above' if gap >= 0 else 'below'} the training loss"
    )


def _cell_table(record: ModuleSweepRecord) -> Table:
    names = varying(record)
    kept = thinned(len(record.cells), _MOST_ROWS)
    every = f"All {len(kept):,} settings" if len(kept) == len(record.cells) else (
        f"{len(kept)} of {len(record.cells):,} settings, evenly spaced; the JSON output has all of them"
    )  # fmt: skip
    rows = tuple(
        (
            setting_words(record, cell, names),
            f"{cell.best_epoch:,}",
            number(train_loss_of(cell)),
            with_se(cell.loss, cell.loss_se),
            with_se(cell.difference, cell.difference_se),
            cell.stopped_reason or "—",
        )
        for cell in (record.cells[k] for k in kept)
    )
    columns = ("Setting", "Epochs", "Training loss", "Validation loss", "Minus the best", "Stopped")
    return Table(caption=f"{every}.", columns=columns, rows=rows, folded=True)


def _versions(record: ModuleSweepRecord) -> tuple[str, ...]:
    return tuple(f"{shown(name, 40)} {shown(value, 40)}" for name, value in list(record.versions.items())[:20])
