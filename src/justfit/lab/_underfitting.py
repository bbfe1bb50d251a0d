"""C2: a network that learns neither the training nor any other rows."""

from __future__ import annotations

from justfit.lab._estimate import CLEAR_ERRORS, Estimate, line, over_rows, positive
from justfit.lab._judge import Found
from justfit.lab._workbench import Path, Workbench
from justfit.records import LabFigure, LabMeasurement, LabPlot
from justfit.report import setting, with_se
from justfit.sweep import constant_losses


def underfit(bench: Workbench) -> Found:
    """Hold the network with the largest λ against the best of the sweep and against a constant."""
    path, unit = bench.path, bench.sample.unit
    train, validation, chosen = path.train_losses, path.validation_losses, path.chosen
    constant = over_rows(constant_losses(bench.sample.problem).numpy()[None])
    bias = over_rows(train[-1] - train[chosen])
    gaps = [over_rows(train[-1]), constant]
    below = Estimate(constant.value - gaps[0].value, over_rows(train[-1] - train[0]).error)
    return Found(
        title=f"λ = {setting(path.l2[-1], 2)} leaves an avoidable bias of {with_se(bias.value, bias.error, unit)} on "
        "the training rows themselves",
        measurements=(
            positive("avoidable bias: training loss at the largest λ above that of the best network", bias, unit),
            positive(
                "validation loss at the largest λ above that of the best network",
                over_rows(validation[-1] - validation[chosen]),
                unit,
            ),
            positive(
                "avoidable bias at the largest λ above its generalization gap: this is no overfitting",
                over_rows((train[-1] - train[chosen]) - (validation[-1] - train[-1])),
                unit,
            ),
            LabMeasurement(
                name="training loss at the largest λ below that of a constant predictor",
                value=below.value,
                standard_error=below.error,
                unit=unit,
                low=-CLEAR_ERRORS * below.error,
                source=f"not below 0 by {CLEAR_ERRORS:g} standard errors: a network can always be constant",
            ),
        ),
        figure=_figure(path, constant, unit),
        where=f"{bench.sample.words()}; {path.result.grid.num_seeds} seeds",
    )


def _figure(path: Path, constant: Estimate, unit: str) -> LabFigure:
    train = [over_rows(losses) for losses in path.train_losses]
    ends = (path.l2[0], path.l2[-1])
    plot = LabPlot(
        x_title="λ of λ/(2n)·Σw² (no unit)",
        y_title=f"training loss ({unit})",
        log_x=True,
        series=(
            line("training loss", path.l2, train),
            line("constant predictor", ends, [constant, constant]),
            line("best network", ends, [train[path.chosen]] * 2),
        ),
        mark_x=path.l2[path.chosen],
        mark="best network",
    )
    return LabFigure(
        title="With λ too large the training loss climbs from the best network's to that of a constant",
        caption="The distance between the line and the best network is the avoidable bias. The leftmost point is λ = "
        "0.",
        plots=(plot,),
    )
