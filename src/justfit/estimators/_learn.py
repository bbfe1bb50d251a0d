"""From arrays to a decided and trained network: what both estimators and `fit_table` share."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from justfit.errors import DataError, DivergedError
from justfit.records import FitVerdict, NetworkFacts, OnProgress, SweepRecord
from justfit.sweep import (
    NEVER_HELD_OUT,
    Decision,
    Plan,
    Problem,
    Task,
    TwoFeatures,
    Wishes,
    assign_folds,
    decide,
    make_plan,
    refit,
)

Floats = NDArray[np.float32]
MIN_ROWS = 4
# Share of a time limit that is kept for judging, the refit, the comparison and writing.
REFIT_SHARE = 0.3


@dataclass(frozen=True, kw_only=True)
class Data:
    """Encoded training rows.

    Attributes:
        inputs: [n, d] float32, already scaled.
        targets: [n] int64 class codes, or float32 standardised numbers.
        weights: [n] example weights with mean 1, or None.
        num_outputs: Classes, or 1.
        task: What is learned.
        loss_scale: Losses in the target's own squared unit = loss × this; 1 for classification.
        unit: Unit of the losses after scaling.
        features: What the inputs mean, where they are two numbers of the table.
    """

    inputs: Floats
    targets: NDArray[np.int64] | Floats
    weights: Floats | None
    num_outputs: int
    task: Task
    loss_scale: float
    unit: str
    features: TwoFeatures | None = None


@dataclass(frozen=True, kw_only=True)
class Learned:
    """A decided and trained network.

    Attributes:
        plan: What was trained.
        l2, dropout: The chosen, or the user's own values.
        sweep, verdict: None where the user fixed both l2 and dropout.
        before: One module per refitted seed at l2 = 0, dropout = 0; empty unless asked for.
        after: One module per refitted seed at the chosen cell; the first is delivered.
        epochs: Epochs of the refit.
        num_parameters: Weights and biases.
        interrupted: "" or why the run was cut short.
        interrupted_by_user: Ctrl-C was among the reasons.
        sweep_seconds, refit_seconds: Wall time.
    """

    plan: Plan
    l2: float
    dropout: float
    sweep: SweepRecord | None
    verdict: FitVerdict | None
    before: list[nn.Sequential]
    after: list[nn.Sequential]
    epochs: int
    num_parameters: int
    interrupted: str
    interrupted_by_user: bool
    sweep_seconds: float
    refit_seconds: float

    def network_facts(self, num_examples: int, seed: int) -> NetworkFacts:
        """Facts for the record."""
        recipe = self.plan.refit_recipe
        return NetworkFacts(
            hidden_layer_sizes=recipe.hidden,
            activation=recipe.activation,
            init=self.plan.init,
            num_parameters=self.num_parameters,
            parameters_per_example=self.num_parameters / num_examples,
            optimizer="Adam, coupled l2 (λ/n·w enters the gradient), cosine learning rate",
            learning_rate=recipe.learning_rate,
            epochs=self.epochs,
            batch_size=recipe.batch_size,
            seed=seed,
        )


def learn(
    data: Data,
    wishes: Wishes,
    *,
    seed: int,
    compare: bool,
    limit_seconds: float | None = None,
    on_progress: OnProgress | None = None,
    started: float | None = None,
) -> Learned:
    """Sweep, choose, judge, and train the chosen network on all rows.

    Args:
        data: Training rows.
        wishes: What the user fixed; its budget decides how much is planned.
        seed: First seed; the delivered network is trained with it.
        compare: Also train the cell without regularization, with the same seeds.
        limit_seconds: Wall time to keep to: the clock ends the sweep where its share is spent; None never.
        on_progress: Told how far the job is.
        started: `time.monotonic()` the limit counts from; now if None.

    Returns:
        The trained networks with decision and verdict.

    Raises:
        DataError: Fewer than 4 rows.
        DivergedError: Every network ended in NaN or infinity.
        KeyboardInterrupt: Ctrl-C before there was anything to keep.
    """
    num_rows = len(data.inputs)
    require_rows(num_rows)
    begun = time.monotonic()
    limit = math.inf if limit_seconds is None else limit_seconds
    plan = make_plan(num_rows, data.inputs.shape[1], data.num_outputs, wishes)
    decision = None
    if wishes.l2 is None or wishes.dropout is None:
        decision = decide(
            _sweep_problem(data, plan, seed),
            plan,
            fixed_l2=wishes.l2,
            seed=seed,
            unit=data.unit,
            num_threads=wishes.num_threads,
            deadline=(begun if started is None else started) + (1.0 - REFIT_SHARE) * limit,
            features=data.features,
            on_progress=on_progress,
        )
    swept = time.monotonic()
    chosen = _chosen(decision, wishes)
    cells = list(dict.fromkeys([chosen, (0.0, 0.0)] if compare else [chosen]))
    seeds = [seed + index for index in range(plan.num_refits if compare else 1)]
    program, cut = refit(
        _problem(data, torch.arange(num_rows), torch.full((num_rows,), NEVER_HELD_OUT)),
        plan.refit_recipe,
        cells,
        seeds=seeds,
        init=plan.init,
        num_threads=wishes.num_threads,
        # A network cut off at a high learning rate is worth little, and the refit is short beside the sweep: the clock
        # ends the sweep early enough, and the refit only by Ctrl-C.
        deadline=math.inf,
        on_progress=on_progress,
    )
    reasons = [reason for reason in ("" if decision is None else decision.interrupted, cut) if reason]
    modules = [program.module(index) for index in range(len(program.variants))]
    _require_finite(modules[0])
    return Learned(
        plan=plan,
        l2=chosen[0],
        dropout=chosen[1],
        sweep=None if decision is None else decision.record,
        verdict=None if decision is None else decision.verdict,
        before=modules[-len(seeds) :] if compare else [],
        after=modules[: len(seeds)],
        epochs=program.epoch,
        num_parameters=program.layout.num_parameters,
        interrupted="; ".join(reasons),
        interrupted_by_user=any(reason.startswith("interrupted") for reason in reasons),
        sweep_seconds=swept - begun,
        refit_seconds=time.monotonic() - swept,
    )


def _require_finite(module: nn.Sequential) -> None:
    if not all(bool(parameter.isfinite().all()) for parameter in module.parameters()):
        raise DivergedError(
            "The delivered network must end with finite weights.",
            found="NaN or infinity after training on all rows",
            way_out="Use a smaller learning rate, or scale the inputs.",
        )


def require_rows(num_rows: int) -> None:
    """Refuse fewer rows than can be split.

    Raises:
        DataError: Fewer than 4.
    """
    if num_rows < MIN_ROWS:
        raise DataError(
            f"At least {MIN_ROWS} training rows are needed to hold some out.",
            found=f"{num_rows} sample{'s' if num_rows != 1 else ''} (n_samples={num_rows})",
            way_out="Give more rows.",
        )


def _sweep_problem(data: Data, plan: Plan, seed: int) -> Problem:
    """The rows the sweep uses, dealt into folds; a random sample where the plan says so."""
    rows = torch.arange(len(data.inputs))
    if plan.num_sweep_rows < len(rows):
        generator = torch.Generator().manual_seed(seed)
        rows = torch.randperm(len(rows), generator=generator)[: plan.num_sweep_rows].sort().values
    folds = assign_folds(torch.from_numpy(data.targets)[rows], data.task, plan.num_folds, seed)
    return _problem(data, rows, folds)


def _problem(data: Data, rows: Tensor, folds: Tensor) -> Problem:
    inputs, targets = torch.from_numpy(data.inputs), torch.from_numpy(data.targets)
    weights = None if data.weights is None else torch.from_numpy(data.weights)
    whole = len(rows) == len(inputs)
    return Problem(
        inputs if whole else inputs[rows],
        targets if whole else targets[rows],
        folds,
        data.task,
        data.num_outputs,
        weights if weights is None or whole else weights[rows] / weights[rows].mean(),
        data.loss_scale,
    )


def _chosen(decision: Decision | None, wishes: Wishes) -> tuple[float, float]:
    if decision is not None:
        return decision.record.chosen_l2, decision.record.chosen_dropout
    assert wishes.l2 is not None  # noqa: S101 - both are fixed where nothing was decided
    assert wishes.dropout is not None  # noqa: S101 - the same
    return wishes.l2, wishes.dropout
