"""A finished schedule as a record."""

from __future__ import annotations

from importlib.metadata import version
from typing import cast

import torch

from justfit.records import CellRecord, CellSetting, ModuleSweepRecord, StopReason
from justfit.sweep._best_epoch import epoch_optimism
from justfit.sweep._cell_table import CellLog
from justfit.sweep._deciding import Decided
from justfit.sweep._schedule import Schedule

RULE = (
    "Each cell counts at its last epoch, or at its best one where that is better by one paired standard error. Of the "
    "cells within one paired standard error of the smallest cross-validated loss, take the one nearest to the average "
    "place of the best cell under resampling; keep the corner unless that cell beats it by 1.645 paired standard "
    "errors."
)


def make_record(
    schedule: Schedule,
    decided: Decided,
    *,
    module: str,
    tier: str,
    tier_reason: str,
    unit: str,
    notes: tuple[str, ...],
) -> ModuleSweepRecord:
    """Put together what was measured and what was decided.

    Args:
        schedule: The finished schedule.
        decided: The choice among its cells.
        module: Class of the network.
        tier: Program that trained.
        tier_reason: Why that one.
        unit: Of the losses.
        notes: Whatever else should be known.
    """
    plan, choice = schedule.plan, decided.choice
    cells = tuple(_cell(schedule, decided, k) for k in range(len(decided.members)))
    chosen = schedule.logs[decided.chosen]
    return ModuleSweepRecord(
        module=module,
        cells=cells,
        best=choice.best,
        chosen=choice.chosen,
        confidence=choice.confidence,
        helps=choice.chosen != 0,
        improvement=choice.improvement,
        improvement_se=choice.improvement_se,
        epoch_optimism=epoch_optimism(chosen),
        num_grid_cells=len(plan.cells),
        tier=tier,
        tier_reason=tier_reason,
        num_folds=plan.num_folds,
        num_epochs=plan.num_epochs,
        num_examples=_num_examples(chosen),
        num_variants=plan.num_folds * sum(cell.num_seeds for cell in cells),
        variant_epochs=schedule.done,
        full_variant_epochs=plan.full_cost,
        cpu_seconds=schedule.pieces.cpu_seconds,
        interrupted=schedule.interrupted,
        notes=notes,
        rule=RULE,
        unit=unit,
        versions={"justfit": version("justfit"), "torch": str(torch.__version__)},
    )


def _cell(schedule: Schedule, decided: Decided, k: int) -> CellRecord:
    log, choice = schedule.logs[decided.members[k]], decided.choice
    setting = log.cell.setting
    epochs, curve = log.curve()
    train, train_se = log.train_curve()
    return CellRecord(
        setting=CellSetting(
            l2=setting.l2, dropout=setting.dropout, learning_rate=setting.learning_rate, init=setting.init
        ),
        loss=float(choice.loss[k]),
        loss_se=float(choice.loss_se[k]),
        difference=float(choice.difference[k]),
        difference_se=float(choice.difference_se[k]),
        ridge=bool(choice.ridge[k]),
        bootstrap_share=float(choice.bootstrap_share[k]),
        best_epoch=decided.epochs[k],
        num_seeds=len(log.seeds),
        stopped_epoch=epochs[-1],
        stopped_reason=cast("StopReason", log.stopped_reason),
        is_refinement=decided.members[k] >= len(schedule.plan.cells),
        epochs=tuple(epochs),
        train_loss=tuple(train),
        train_loss_se=tuple(train_se),
        validation_loss=tuple(curve),
        validation_loss_se=tuple(log.error(epoch) for epoch in epochs),
    )


def _num_examples(log: CellLog) -> int:
    return len(next(iter(log.seeds.values())).validation[0])
