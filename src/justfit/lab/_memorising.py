"""C1: many passes over the same data."""

from __future__ import annotations

from justfit.lab._estimate import CLEAR_ERRORS, Estimate, best_by_other_half, line, over_rows, positive
from justfit.lab._judge import Found
from justfit.lab._samples import NUM_FOLDS
from justfit.lab._workbench import BATCH_SIZE, HIDDEN, Workbench, train_losses, validation_losses
from justfit.records import LabFigure, LabMeasurement, LabPlot
from justfit.report import number, with_se
from justfit.sweep import Program, Recipe, Variant

QUICK_EPOCHS = (1, 2, 3, 5, 8, 12, 20, 30, 50, 75, 100, 150, 200)
EPOCHS = (*QUICK_EPOCHS, 300, 400, 500)


def memorise(bench: Workbench) -> Found:
    """Train without regularization for hundreds of epochs and measure both losses on the way."""
    problem, num_seeds = bench.sample.problem, 4
    marks = QUICK_EPOCHS if bench.quick else EPOCHS
    recipe = Recipe(hidden=HIDDEN, epochs=marks[-1], batch_size=BATCH_SIZE, learning_rate=2e-3, schedule="constant")
    variants = [
        Variant(l2=0.0, dropout=0.0, seed=bench.seed + seed, fold=fold)
        for seed in range(num_seeds)
        for fold in range(NUM_FOLDS)
    ]
    program = Program(problem, recipe, variants)
    train, validation = [], []
    for epoch in marks:
        program.advance(epoch - program.epoch)
        train.append(train_losses(program, 1, num_seeds)[0])
        validation.append(validation_losses(program, 1, num_seeds)[0])
    gaps = [over_rows(held - seen) for held, seen in zip(validation, train, strict=True)]
    lost = over_rows(validation[-1] - best_by_other_half(validation))
    unit = bench.sample.unit
    left = over_rows(train[-1]).value / over_rows(train[0]).value
    return Found(
        title=f"After {marks[-1]} epochs the training loss is {number(over_rows(train[-1]).value, 2)} {unit}, the gap "
        f"to unseen rows {number(gaps[-1].value, 2)}",
        measurements=(
            positive(f"generalization gap after {marks[-1]} epochs", gaps[-1], unit),
            positive("validation loss lost since the best epoch", lost, unit, part="condition"),
            LabMeasurement(
                name="training loss left, as a share of that after one epoch",
                value=left,
                low=0.0,
                high=float(over_rows(validation[-1]).value / over_rows(validation[0]).value),
                source="less than the share of the validation loss that is left",
            ),
        ),
        figure=_figure(
            marks,
            [over_rows(x) for x in train],
            [over_rows(x) for x in validation],
            unit,
            rises=lost.value > CLEAR_ERRORS * lost.error,
        ),
        condition="On these rows the gap opens because the training loss falls; the loss on unseen rows does not "
        f"clearly rise again (by {with_se(lost.value, lost.error, unit)} since the best epoch).",
        where=f"{bench.sample.words()}; {num_seeds} seeds, hidden layers of 64 and 64, no regularization",
    )


def _figure(
    epochs: tuple[int, ...], train: list[Estimate], validation: list[Estimate], unit: str, *, rises: bool
) -> LabFigure:
    plot = LabPlot(
        x_title="epoch",
        y_title=f"mean loss ({unit})",
        log_x=True,
        log_y=True,
        series=(line("training", epochs, train), line("validation", epochs, validation)),
    )
    return LabFigure(
        title="The training loss falls on and on; the loss on unseen rows "
        f"{'turns and rises' if rises else 'stops falling'}",
        caption="Mean over seeds and rows, both in eval mode; the bands are one standard error. Both axes are "
        "logarithmic.",
        plots=(plot,),
    )
