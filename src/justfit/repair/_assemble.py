"""From runs to the result and its record."""

from __future__ import annotations

import math
from importlib.metadata import version
from typing import Any

from justfit.records import CureCost, CureRecord, CureState, TriedChange
from justfit.repair._alteration import Alteration
from justfit.repair._apply import Applier
from justfit.repair._baseline import Baseline
from justfit.repair._before_after import before_and_after
from justfit.repair._patch import changes_of, patch_of
from justfit.repair._result import Cure
from justfit.repair._run import Run
from justfit.repair._symptoms import Symptoms
from justfit.repair._trial import Trial


def assemble(
    baseline: Baseline,
    symptoms: Symptoms,
    state: CureState,
    best: Trial | None,
    tried: list[Trial],
    *,
    again: Trial | None = None,
    notes: tuple[str, ...] = (),
    interrupted: bool = False,
) -> Cure:
    """Put what was found into a result.

    Args:
        baseline: The user's training.
        symptoms: What spoke for a fault.
        state: What came of it.
        best: The proven cure; None where there is none.
        tried: Every change.
        again: The cure with other draws; None where that was not run.
        notes: What else was seen.
        interrupted: It was cut short.
    """
    base = baseline.run
    after = base if best is None or best.run is None else best.run
    changes = () if best is None else changes_of(base.case, best.hypothesis, symptoms.findings)
    record = CureRecord(
        state=state,
        cause="" if best is None else best.hypothesis.cause,
        module=type(base.network.module).__name__,
        reasons=symptoms.reasons,
        changes=changes,
        patch=patch_of(changes),
        tried=tuple(_tried(trial, chosen=trial is best) for trial in tried),
        findings=symptoms.findings,
        verdict=symptoms.verdict,
        share_before=base.last_share,
        share_after=after.last_share,
        error_before=base.last_error,
        error_after=after.last_error,
        reference_share=symptoms.reference_share,
        epochs_before=base.epochs_done,
        epochs_after=after.epochs_done,
        gain=None if best is None else _tried(best, chosen=True),
        repeated=None if again is None else _tried(again, chosen=True),
        notes=notes,
        interrupted=interrupted,
        cost=_cost(base),
        version=version("justfit"),
        **before_and_after(baseline, None if best is None else best.run),
    )
    alteration = Alteration() if best is None else best.hypothesis.alteration
    training, setting = base.case.altered(alteration)
    applier = Applier(base.case, alteration)
    values = _values(base, training, setting, alteration)
    return Cure(record, values, applier.build, applier, applier.finish(after.network.module))


def _values(base: Run, training: Any, setting: Any, alteration: Alteration) -> dict[str, Any]:
    return {
        "optimizer": training.optimizer,
        "learning_rate": base.case.learning_rate * alteration.learning_rate,
        "epochs": training.epochs,
        "batch_size": training.batch_size,
        "schedule": training.schedule,
        "loss_fn": training.loss_fn,
        "l2": setting.l2,
        "dropout": setting.dropout,
        "clip_norm": training.clip_norm,
        "init": setting.init,
    }


def _tried(trial: Trial, *, chosen: bool) -> TriedChange:
    gain, run = trial.gain, trial.run
    nan = math.nan
    return TriedChange(
        name=trial.hypothesis.name,
        cause=trial.hypothesis.cause,
        because=trial.hypothesis.because,
        epochs=trial.step / base_steps(trial),
        share=nan if run is None or trial.step not in run.judged else run.share(trial.step),
        gain=nan if gain is None else gain.mean,
        gain_se=nan if gain is None else gain.se,
        gain_lower=nan if gain is None else gain.lower,
        gain_upper=nan if gain is None else gain.upper,
        num_seeds=0 if gain is None else gain.num_seeds,
        trouble=trial.trouble,
        chosen=chosen,
    )


def base_steps(trial: Trial) -> int:
    """Steps of one epoch; 1 of a change that was not trained."""
    return 1 if trial.run is None else max(trial.run.network.steps_per_epoch, 1)


def _cost(base: Run) -> CureCost:
    ledger = base.ledger
    return CureCost(
        network_epochs=ledger.network_epochs,
        trainings=ledger.trainings,
        seconds=ledger.seconds,
        training_seconds=ledger.plain_seconds * ledger.num_steps,
        budget=ledger.budget,
    )
