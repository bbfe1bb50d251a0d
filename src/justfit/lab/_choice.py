"""C8: the regularization path and the chosen λ."""

from __future__ import annotations

import numpy as np

from justfit.lab._estimate import best_by_other_half, line, over_rows, positive
from justfit.lab._judge import Found
from justfit.lab._workbench import Path, Workbench
from justfit.records import LabFigure, LabMeasurement, LabPlot
from justfit.report import setting, with_se


def choose_l2(bench: Workbench) -> Found:
    """Read the U of the validation loss at both ends and at the chosen λ."""
    path, unit = bench.path, bench.sample.unit
    train, validation, chosen = path.train_losses, path.validation_losses, path.chosen
    best = best_by_other_half(list(validation))
    left, right = over_rows(validation[0] - best), over_rows(validation[-1] - best)
    low, high = ridge_ends(path)
    alike = f"every λ from {setting(low, 2)} to {setting(high, 2)} does" if low < high else "no other λ does"
    return Found(
        title=f"λ = {setting(path.l2[chosen], 2)} is chosen; {alike} as well within one standard error",
        measurements=(
            positive(
                "left arm of the U: validation loss at λ = 0 above that at the best λ", left, unit, part="condition"
            ),
            positive("right arm of the U: validation loss at the largest λ above that at the best λ", right, unit),
            positive(
                "overfitting prevented: gap at λ = 0 above that at the chosen λ",
                over_rows((validation[0] - train[0]) - (validation[chosen] - train[chosen])),
                unit,
                part="condition",
            ),
            positive(
                "underfitting prevented: training loss at the largest λ above that at the chosen λ",
                over_rows(train[-1] - train[chosen]),
                unit,
            ),
            LabMeasurement(
                name="chosen λ",
                value=path.l2[chosen],
                low=path.l2[1],
                high=path.l2[-2],
                source="between the smallest and the largest λ that were tried",
                part="condition",
            ),
        ),
        figure=_figure(path, unit),
        condition="Where the network overfits without regularization. On these rows it does so too little for a left "
        f"arm of the U to be told from chance: at λ = 0 the loss is {with_se(left.value, left.error, unit)} "
        "above the best.",
        where=f"{bench.sample.words()}; {path.result.grid.num_seeds} seeds; at the ends of the U λ = 0 costs "
        f"{with_se(left.value, left.error, unit)}, the largest λ {with_se(right.value, right.error, unit)}",
    )


def ridge_ends(path: Path) -> tuple[float, float]:
    """Smallest and largest λ that cannot be told from the best."""
    ridge = np.flatnonzero(path.choice.ridge[:, 0])
    return path.l2[int(ridge[0])], path.l2[int(ridge[-1])]


def _figure(path: Path, unit: str) -> LabFigure:
    plot = LabPlot(
        x_title="λ of λ/(2n)·Σw² (no unit)",
        y_title=f"mean loss ({unit})",
        log_x=True,
        series=(
            line("training", path.l2, [over_rows(losses) for losses in path.train_losses]),
            line("validation", path.l2, [over_rows(losses) for losses in path.validation_losses]),
        ),
        mark_x=path.l2[path.chosen],
        mark=f"chosen λ = {setting(path.l2[path.chosen], 2)}",
    )
    return LabFigure(
        title="Along λ the validation loss falls as overfitting ends, and rises as underfitting begins",
        caption="Mean over rows, folds and seeds; the bands are one standard error of a single λ. Networks of one "
        "seed share batches, so differences between two λ are known better than either loss.",
        plots=(plot,),
    )
