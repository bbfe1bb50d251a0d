"""C3: parameters against examples."""

from __future__ import annotations

import torch

from justfit.lab._estimate import Estimate, line, over_rows, positive
from justfit.lab._judge import Found
from justfit.lab._workbench import BATCH_SIZE, Workbench, train_losses, validation_losses
from justfit.records import LabFigure, LabPlot
from justfit.report import setting, with_se
from justfit.sweep import NEVER_HELD_OUT, Problem, Program, Recipe, Variant

WIDTHS = (1, 2, 4, 8, 16, 32, 64, 128)
SHARES = (0.15, 0.4, 1.0)  # of the training rows
HUNDREDS = 100
STEPS = 600


def count_parameters(bench: Workbench) -> Found:
    """Train one hidden layer of growing width on few, more and all training rows."""
    unit, num_seeds = bench.sample.unit, 2 if bench.quick else 5
    problems = [_with_fewer(bench.sample.problem, share) for share in SHARES]
    examples = [len(problem.training_rows(0)) for problem in problems]
    gaps = [[_gap(problem, width, bench.seed, num_seeds) for width in WIDTHS] for problem in problems]
    counts = [_num_parameters(bench.sample.problem, width) for width in WIDTHS]
    large = [gap for count, gap in zip(counts, gaps[0], strict=True) if count >= HUNDREDS]
    weakest = min(large, key=lambda gap: gap.value / gap.error)
    few, many = gaps[0][-1], gaps[-1][-1]
    ratio = Estimate(few.value - many.value, (few.error**2 + many.error**2) ** 0.5)
    wider = Estimate(gaps[-1][-1].value - gaps[-1][3].value, (gaps[-1][-1].error ** 2 + gaps[-1][3].error ** 2) ** 0.5)
    return Found(
        title=f"All {len(large)} networks of at least {HUNDREDS} parameters overfit {examples[0]} examples; "
        f"{examples[-1]} examples take back {with_se(ratio.value, ratio.error, unit)}",
        measurements=(
            positive(
                f"least clear gap of a network with at least {HUNDREDS} parameters on {examples[0]} rows", weakest, unit
            ),
            positive(f"gap of the widest network on {examples[0]} rows above that on {examples[-1]}", ratio, unit),
            positive(
                f"gap of {counts[-1]:,} parameters above that of {counts[3]:,}, on {examples[-1]} rows",
                wider,
                unit,
                part="condition",
            ),
        ),
        figure=_figure(examples, counts, gaps, unit),
        where=f"{bench.sample.name}: one hidden layer of {WIDTHS[0]} to {WIDTHS[-1]} units, {num_seeds} seeds, "
        f"{STEPS} steps, no regularization",
        condition="The count alone does not decide. What matters is how many parameters stand against each example: "
        "with more examples the gap closes, and beyond enough parameters to fit every row, more of them "
        f"({counts[-1]:,} in place of {counts[3]:,}) do not clearly widen it (by "
        f"{with_se(wider.value, wider.error, unit)}).",
    )


def _with_fewer(problem: Problem, share: float) -> Problem:
    """Keep a share of the rows to learn from, and all of fold 0 to judge on."""
    train, held_out = problem.training_rows(0), problem.validation_rows(0)
    train = train[: max(round(share * len(train)), BATCH_SIZE)]
    rows = torch.cat([train, held_out])
    folds = torch.cat([torch.full((len(train),), NEVER_HELD_OUT), torch.zeros(len(held_out), dtype=torch.int64)])
    return Problem(problem.inputs[rows], problem.targets[rows], folds, problem.task, problem.num_outputs)


def _gap(problem: Problem, width: int, seed: int, num_seeds: int) -> Estimate:
    rows = len(problem.training_rows(0))
    recipe = Recipe(hidden=(width,), epochs=STEPS // max(rows // BATCH_SIZE, 1), batch_size=BATCH_SIZE)
    variants = [Variant(l2=0.0, dropout=0.0, seed=seed + k, fold=0) for k in range(num_seeds)]
    program = Program(problem, recipe, variants)
    program.advance(recipe.epochs)
    train = over_rows(train_losses(program, 1, num_seeds)[0])
    validation = over_rows(validation_losses(program, 1, num_seeds)[0])
    return Estimate(validation.value - train.value, (validation.error**2 + train.error**2) ** 0.5)


def _num_parameters(problem: Problem, width: int) -> int:
    return width * (problem.inputs.shape[1] + 1) + problem.num_outputs * (width + 1)


def _figure(examples: list[int], counts: list[int], gaps: list[list[Estimate]], unit: str) -> LabFigure:
    plot = LabPlot(
        x_title="parameters per training example (no unit)",
        y_title=f"generalization gap ({unit})",
        log_x=True,
        series=tuple(
            line(f"{rows} examples", [count / rows for count in counts], values)
            for rows, values in zip(examples, gaps, strict=True)
        ),
    )
    return LabFigure(
        title="The fewer examples stand against the parameters, the wider the gap",
        caption=f"Each point is one width, from {setting(counts[0])} to {setting(counts[-1])} parameters; the bands "
        "are one standard error.",
        plots=(plot,),
    )
