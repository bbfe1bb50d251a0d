"""Results of a fit as `justfit fit` could have written them: a digits-like patient that overfits, and its variants."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from justfit.records import (
    Curve,
    DatasetFacts,
    Finding,
    FitResult,
    FitVerdict,
    NetworkFacts,
    PathPoint,
    SweepRecord,
    TestComparison,
)
from justfit.rules import without_verdict

L2 = (0.0, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
DROPOUT = (0.0, 0.2, 0.35, 0.5)
NAN = math.nan
Loss = Callable[[float, float], float]
HOSTILE = (
    "<script>alert('x')</script>",
    '"><img src=x onerror=alert(1)>',
    "</style></title></svg>{{ 7*7 }}{% include 'x' %}",
    "name " * 2000,
    "W" * 10_000,
    "\u202eevil\u202c and שלום עולם",
    "🦩🏳️‍🌈 emoji",
    "line\nbreak\ttab\x1b[31mred\x00",
    "[bold red]markup[/] [link=x]",
    "\udcff lone surrogate",
    "  ",
    "a & b < c > d 'e' \"f\"",
)


def validation_loss(l2: float, dropout: float) -> float:
    """A U along λ (in log λ, floor at 3) and a shallower one along dropout (floor at 0.2)."""
    depth = math.log10(l2 / 3 + 0.002)
    return 0.145 + (0.022 * depth**2 if depth < 0 else 0.75 * depth**1.5) + 0.12 * (dropout - 0.22) ** 2


def train_loss(l2: float, dropout: float) -> float:
    depth = math.log10(l2 / 3 + 0.002)
    return 0.012 + 0.03 * max(0.0, depth + 2) ** 1.3 + (0.75 * depth**1.5 if depth > 0 else 0.0) + 0.05 * dropout


def only_worse(l2: float, dropout: float) -> float:
    """A network that needs nothing: every λ and every dropout only adds loss."""
    return 0.118 + 0.004 * min(l2, 1) + 0.5 * math.log10(1 + l2 / 6) + 0.05 * dropout


def curve(l2: float, dropout: float, num_epochs: int = 60, loss: Loss = validation_loss) -> Curve:
    epochs = tuple(range(1, num_epochs + 1))
    train_end, validation_end = train_loss(l2, dropout), loss(l2, dropout)
    fall = [math.exp(-epoch / 6) for epoch in epochs]
    rise = max(0.0, validation_end - 0.2)
    overfit = [rise * (epoch / num_epochs) ** 1.5 if l2 < 1 else rise for epoch in epochs]
    return Curve(
        l2=l2,
        dropout=dropout,
        epochs=epochs,
        train_loss=tuple(train_end + (2.3 - train_end) * f for f in fall),
        train_loss_se=tuple(0.004 + 0.05 * f for f in fall),
        validation_loss=tuple(
            validation_end - rise + o + (2.3 - validation_end) * f for f, o in zip(fall, overfit, strict=True)
        ),
        validation_loss_se=tuple(0.018 + 0.05 * f for f in fall),
    )


def sweep(
    l2: tuple[float, ...] = L2, dropout: tuple[float, ...] = DROPOUT, loss: Loss = validation_loss
) -> SweepRecord:
    grid = [[loss(value, p) for p in dropout] for value in l2]
    cells = [(i, j) for i in range(len(l2)) for j in range(len(dropout))]
    best = min(cells, key=lambda cell: grid[cell[0]][cell[1]])
    lowest = grid[best[0]][best[1]]
    difference = tuple(tuple(value - lowest for value in row) for row in grid)
    difference_se = tuple(tuple(0.006 + 0.08 * value if value else 0.0 for value in row) for row in difference)
    ridge = tuple(
        tuple(d <= s for d, s in zip(row, errors, strict=True))
        for row, errors in zip(difference, difference_se, strict=True)
    )
    near = [cell for cell in cells if ridge[cell[0]][cell[1]]]
    weights = {cell: math.exp(-difference[cell[0]][cell[1]] / 0.003) for cell in near}
    total = sum(weights.values())
    chosen = max(near)
    kept = [(0.0, dropout[0]), (l2[chosen[0]], dropout[chosen[1]]), (l2[-1], dropout[0])]
    return SweepRecord(
        l2=l2,
        dropout=dropout,
        validation_loss=tuple(map(tuple, grid)),
        validation_loss_se=tuple(tuple(0.016 + 0.02 * value for value in row) for row in grid),
        train_loss=tuple(tuple(train_loss(value, p) for p in dropout) for value in l2),
        difference=difference,
        difference_se=difference_se,
        ridge=ridge,
        bootstrap_share=tuple(
            tuple(weights.get((i, j), 0.0) / total for j in range(len(dropout))) for i in range(len(l2))
        ),
        best=best,
        chosen=chosen,
        confidence=0.93,
        helps=True,
        improvement=grid[0][0] - grid[chosen[0]][chosen[1]],
        improvement_se=0.0141,
        l2_interval=(min(l2[i] for i, _ in near), max(l2[i] for i, _ in near)),
        dropout_interval=(min(dropout[j] for _, j in near), max(dropout[j] for _, j in near)),
        num_folds=5,
        num_seeds=2,
        num_epochs=60,
        num_examples=1347,
        num_variants=len(cells) * 10,
        num_diverged=0,
        curves=tuple(curve(*cell, loss=loss) for cell in dict.fromkeys(kept)),
        path=tuple(
            PathPoint(
                l2=value,
                weight_sum_squares=620 / (1 + 2.2 * value**0.8),
                active_fraction=0.47 - 0.13 * math.log10(1 + value),
                linearity_r2=1 - 0.29 / (1 + 0.2 * value),
            )
            for value in l2
        ),
        rule="Of the cells that cannot be told from the best, take the most regularised one: "
        "largest λ, then largest dropout.",
        unit="nats",
    )


def verdict() -> FitVerdict:
    validation, train = validation_loss(0, 0), train_loss(0, 0)
    return FitVerdict(
        state="overfitting",
        probability=0.9987,
        probabilities={"overfitting": 0.9987, "underfitting": 0.0001, "just_right": 0.0012},
        decision_probability=0.9,
        train_loss=train,
        train_loss_se=0.0012,
        validation_loss=validation,
        validation_loss_se=0.0213,
        generalization_gap=validation - train,
        generalization_gap_se=0.0213,
        reference_loss=0.148,
        reference_name="the best cell of the sweep",
        avoidable_bias=train - 0.148,
        avoidable_bias_se=0.017,
        excess_loss=validation - 0.148,
        excess_loss_se=0.0141,
        constant_loss=2.3024,
        unit="nats",
        reasons=(
            "The best cell of the sweep has a lower validation loss by 13 standard errors.",
            "Training loss is far below validation loss, so the network has learned its training rows by heart.",
        ),
        findings=(
            Finding(
                code="JF101",
                name="overfitting",
                severity="warning",
                where="network",
                value=validation - train,
                threshold=0.0426,
                unit="nats",
                why="The network replicates its training rows and does badly on new ones.",
                when_wrong="Training and validation rows differ in kind, or duplicates of a row stand in both.",
                cure="Raise l2 or dropout, as the sweep below did; more rows help too.",
            ),
            Finding(
                code="JF110",
                name="high capacity",
                severity="info",
                where="network",
                value=18.9,
                threshold=1.0,
                unit="parameters per example",
                why="With more parameters than examples overfitting is likely.",
                when_wrong="Early stopping and the optimizer regularize by themselves.",
                cure="Watch the gap.",
            ),
        ),
    )


def overfitting() -> FitResult:
    return FitResult(
        dataset=DatasetFacts(
            name="digits",
            num_rows=1797,
            num_columns=65,
            num_features=61,
            num_train=1347,
            num_test=450,
            num_sweep=1347,
            target="digit",
            task="classification",
            task_reason="The target has 10 distinct whole numbers.",
            classes=tuple("0123456789"),
            target_scale=1.0,
            dropped_columns=(("pixel_0_0", "constant"), ("pixel_4_0", "constant"), ("pixel_3_7", "constant")),
            notes=("64 numeric columns were scaled to mean 0 and standard deviation 1 on the training rows.",),
        ),
        network=NetworkFacts(
            hidden_layer_sizes=(128, 128),
            activation="relu",
            init="he_normal",
            num_parameters=25738,
            parameters_per_example=25738 / 1347,
            optimizer="Adam; l2 enters the gradient (coupled)",
            learning_rate=0.001,
            epochs=60,
            batch_size=64,
            seed=0,
        ),
        verdict=verdict(),
        sweep=sweep(),
        test=TestComparison(
            loss_before=0.2412,
            loss_after=0.1398,
            loss_difference=-0.1014,
            loss_interval=(-0.1381, -0.0689),
            score_name="accuracy",
            score_before=0.9422,
            score_after=0.9644,
            score_interval=(0.0067, 0.0378),
            delivered_loss=0.1371,
            delivered_score=0.9667,
            constant_loss=2.3026,
            constant_score=0.1133,
            num_seeds=5,
            num_examples=450,
            unit="nats",
        ),
        next_steps=(
            "Use the model in `digits.justfit`: it was trained with the chosen λ and dropout on all training rows.",
            "Collect more rows: the gap that is left, 0.10 nats, is what more data would shrink.",
        ),
        interrupted=False,
        elapsed_seconds={"reading": 0.21, "sweep": 14.32, "refit": 2.08},
        versions={"justfit": "0.1.0", "torch": "2.13.0", "numpy": "2.4.6"},
        command=("justfit", "fit", "digits", "--target", "target", "--seed", "0"),
    )


def not_helping() -> FitResult:
    result = overfitting()
    record = sweep(loss=only_worse)
    record = replace(record, helps=False, chosen=(0, 0), improvement=0.0, improvement_se=0.0, confidence=0.71)
    return replace(
        result,
        sweep=record,
        verdict=replace(
            result.verdict,
            state="just_right",
            probability=0.94,
            probabilities={"overfitting": 0.04, "underfitting": 0.02, "just_right": 0.94},
            findings=(),
            validation_loss=0.118,
            generalization_gap=0.106,
            reference_loss=0.118,
            avoidable_bias=-0.106,
            excess_loss=0.0,
            excess_loss_se=0.0,
            reasons=("No cell of the sweep is distinguishably better.",),
        ),
        test=replace(
            result.test,
            loss_after=0.2412,
            loss_difference=0.0,
            loss_interval=(0.0, 0.0),
            score_after=0.9422,
            score_interval=(0.0, 0.0),
        ),
    )


def diverged() -> FitResult:
    result = overfitting()
    record = result.sweep

    def holed(grid: tuple[tuple[float, ...], ...]) -> tuple[tuple[float, ...], ...]:
        return tuple(
            tuple(NAN if i == len(grid) - 1 or (i, j) == (0, 3) else v for j, v in enumerate(r))
            for i, r in enumerate(grid)
        )

    broken = replace(
        record.curves[0],
        l2=record.l2[-1],
        dropout=0.0,
        train_loss=(2.3,) + (NAN,) * 59,
        validation_loss=(NAN,) * 60,
        validation_loss_se=(NAN,) * 60,
        train_loss_se=(NAN,) * 60,
    )
    return replace(
        result,
        sweep=replace(
            record,
            num_diverged=50,
            validation_loss=holed(record.validation_loss),
            train_loss=holed(record.train_loss),
            validation_loss_se=holed(record.validation_loss_se),
            difference=holed(record.difference),
            difference_se=holed(record.difference_se),
            bootstrap_share=record.bootstrap_share,
            curves=(*(c for c in record.curves if c.l2 != record.l2[-1]), broken),
            path=(
                *record.path[:-1],
                replace(record.path[-1], weight_sum_squares=NAN, active_fraction=NAN, linearity_r2=NAN),
            ),
        ),
    )


def all_diverged() -> FitResult:
    """Nothing finite at all: a page must still come out."""
    result = diverged()
    record = result.sweep
    nothing = tuple((NAN,) * len(row) for row in record.validation_loss)
    return replace(
        result,
        sweep=replace(
            record,
            validation_loss=nothing,
            validation_loss_se=nothing,
            train_loss=nothing,
            difference=nothing,
            difference_se=nothing,
            curves=(),
            path=(),
            improvement=NAN,
            improvement_se=NAN,
            confidence=NAN,
            helps=False,
        ),
        test=replace(
            result.test,
            loss_before=NAN,
            loss_difference=NAN,
            loss_interval=(NAN, NAN),
            score_before=NAN,
            score_interval=(NAN, NAN),
        ),
    )


def regression() -> FitResult:
    """Prices in euros: losses of 10⁹ squared euros, a score that is R², an underfitting network."""
    result = overfitting()
    scale, record = 4.1e9, result.sweep

    def scaled(grid: tuple[tuple[float, ...], ...]) -> tuple[tuple[float, ...], ...]:
        return tuple(tuple(scale * value for value in row) for row in grid)

    curves = tuple(
        replace(
            c,
            **{
                name: tuple(scale * v for v in getattr(c, name))
                for name in ("train_loss", "train_loss_se", "validation_loss", "validation_loss_se")
            },
        )
        for c in record.curves
    )
    v = result.verdict
    names = [name for name in v.__dataclass_fields__ if "loss" in name or "gap" in name or "bias" in name]
    losses = {name: scale * getattr(v, name) for name in names if name != "findings"}
    unit = "squared price"
    return replace(
        result,
        dataset=replace(
            result.dataset,
            name="houses.csv",
            target="price",
            task="regression",
            classes=(),
            target_scale=79415.3,
            task_reason="The target has 892 distinct numbers.",
        ),
        verdict=replace(
            v,
            **losses,
            unit=unit,
            state="underfitting",
            probability=0.93,
            probabilities={"overfitting": 0.05, "underfitting": 0.93, "just_right": 0.02},
        ),
        sweep=replace(
            record,
            unit=unit,
            validation_loss=scaled(record.validation_loss),
            train_loss=scaled(record.train_loss),
            validation_loss_se=scaled(record.validation_loss_se),
            difference=scaled(record.difference),
            difference_se=scaled(record.difference_se),
            curves=curves,
            improvement=scale * record.improvement,
            improvement_se=scale * record.improvement_se,
        ),
        test=TestComparison(
            loss_before=9.9e8,
            loss_after=5.7e8,
            loss_difference=-4.2e8,
            loss_interval=(-5.6e8, -2.8e8),
            score_name="R²",
            score_before=0.8424,
            score_after=0.9093,
            score_interval=(0.0446, 0.0891),
            delivered_loss=5.6e8,
            delivered_score=0.91,
            constant_loss=6.31e9,
            num_seeds=5,
            num_examples=292,
            unit=unit,
        ),
    )


def interrupted() -> FitResult:
    return replace(overfitting(), interrupted=True, interruption="interrupted after epoch 7 of 60")


def diverged_without() -> FitResult:
    """The network without regularization ended in NaN; the others did not."""
    result = overfitting()
    record = result.sweep

    def holed(grid: tuple[tuple[float, ...], ...]) -> tuple[tuple[float, ...], ...]:
        return ((NAN, *grid[0][1:]), *grid[1:])

    grids = ("validation_loss", "validation_loss_se", "train_loss", "difference", "difference_se")
    return replace(
        result,
        verdict=without_verdict(result.verdict),
        sweep=replace(
            record,
            **{name: holed(getattr(record, name)) for name in grids},
            num_diverged=10,
            improvement=NAN,
            improvement_se=NAN,
        ),
        test=replace(
            result.test,
            loss_before=NAN,
            loss_difference=NAN,
            loss_interval=(NAN, NAN),
            score_before=NAN,
            score_interval=(NAN, NAN),
        ),
    )


def no_signal() -> FitResult:
    result = not_helping()
    finding = replace(verdict().findings[0], code="JF104", name="no better than a constant", value=0.001)
    return replace(result, verdict=replace(result.verdict, findings=(finding,)))


def fixed_values() -> FitResult:
    """The user fixed l2 = 3 and searched dropout, which does not help."""
    record = replace(sweep(l2=(3.0,)), helps=False, chosen=(0, 0), improvement=0.001, improvement_se=0.002)
    return replace(not_helping(), sweep=record)


def without_test() -> FitResult:
    return replace(overfitting(), test=None)


def undecided() -> FitResult:
    result = overfitting()
    return replace(
        result,
        verdict=replace(
            result.verdict,
            state="undecided",
            probability=0.55,
            probabilities={"overfitting": 0.55, "underfitting": 0.05, "just_right": 0.40},
        ),
        sweep=replace(result.sweep, helps=False, improvement=0.011),
    )


def single_dropout() -> FitResult:
    return replace(overfitting(), sweep=sweep(dropout=(0.0,)))


def single_cell() -> FitResult:
    return replace(
        overfitting(), sweep=replace(sweep(l2=(0.0,), dropout=(0.0,)), helps=False, improvement=0.0, improvement_se=0.0)
    )


def large_grid() -> FitResult:
    l2 = (0.0, *(10 ** (-3 + 0.25 * k) for k in range(21)))
    record = sweep(l2=l2, dropout=tuple(0.1 * k for k in range(8)))
    long = tuple(curve(c.l2, c.dropout, num_epochs=5000) for c in record.curves)
    return replace(overfitting(), sweep=replace(record, curves=long, num_epochs=5000))


def hostile() -> FitResult:
    """Everything that comes from the user's table, or could, is an attack or a nuisance."""
    result = overfitting()
    long = HOSTILE[3]
    return replace(
        result,
        dataset=replace(
            result.dataset,
            name=HOSTILE[0],
            target=HOSTILE[5],
            task_reason=HOSTILE[1],
            classes=HOSTILE,
            dropped_columns=tuple((name, HOSTILE[1]) for name in HOSTILE),
            notes=(HOSTILE[2], HOSTILE[7], long),
        ),
        verdict=replace(
            result.verdict,
            unit="squared " + HOSTILE[4],
            reference_name=HOSTILE[1],
            reasons=HOSTILE,
            findings=tuple(
                replace(f, where=HOSTILE[0], why=long, unit=HOSTILE[7], cure=HOSTILE[8])
                for f in result.verdict.findings
            ),
        ),
        sweep=replace(result.sweep, unit="squared " + HOSTILE[4], rule=HOSTILE[2]),
        test=replace(result.test, unit="squared " + HOSTILE[4], score_name=HOSTILE[1]),
        network=replace(result.network, activation=HOSTILE[0], optimizer=HOSTILE[1], init=HOSTILE[8]),
        next_steps=HOSTILE,
        versions={HOSTILE[1]: HOSTILE[0]},
        command=("justfit", "fit", *HOSTILE),
        elapsed_seconds={HOSTILE[0]: 1.0},
    )


ALL = {
    f.__name__: f
    for f in (
        overfitting,
        not_helping,
        diverged,
        all_diverged,
        diverged_without,
        no_signal,
        fixed_values,
        regression,
        interrupted,
        undecided,
        single_dropout,
        without_test,
        single_cell,
        large_grid,
        hostile,
    )
}
