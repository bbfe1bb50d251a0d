"""A sweep in an Optuna study: every cell a trial, so that its dashboard and its plots show them."""

from __future__ import annotations

import hashlib
import math
from typing import Any

from justfit.cures import SCHEMES
from justfit.errors import ArgumentError, MissingExtraError
from justfit.records import CellRecord, ModuleSweepRecord, to_json

AS_BUILT = "as built"
ATTRIBUTE = "justfit.sweep"  # of the study; that of the sweep written last


def check_study(study: Any) -> None:
    """Refuse what cells cannot be written to, before anything is trained.

    Raises:
        MissingExtraError: Optuna is not installed.
        ArgumentError: It is no study, or one that looks for the largest value, or has several objectives.
    """
    optuna = _optuna()
    if not isinstance(study, optuna.study.Study):
        raise ArgumentError(
            "`study` must be an Optuna study.",
            found=f"an object of type {type(study).__name__}",
            way_out="Make one with `optuna.create_study()`, with `storage=` for Optuna Dashboard.",
        )
    if [direction.name for direction in study.directions] != ["MINIMIZE"]:
        raise ArgumentError(
            "`study` must minimize one objective, the validation loss.",
            found=f"directions {', '.join(direction.name.lower() for direction in study.directions)}",
            way_out='Make it with `optuna.create_study(direction="minimize")`.',
        )


def write_study(study: Any, record: ModuleSweepRecord) -> None:
    """Add every cell as a trial: parameters, loss, its curve as intermediate values, and the rest as attributes.

    A cell that was stopped early is PRUNED, one that was not finite FAILED. A sweep that is in the study already, such
    as one that is asked for again from its folder, is not added twice.

    Args:
        study: An Optuna study, in memory or in a storage.
        record: The sweep.
    """
    digest = hashlib.blake2b(to_json(record.cells).encode(), digest_size=12).hexdigest()
    if study.user_attrs.get(ATTRIBUTE, {}).get("digest") == digest:
        return
    study.add_trials([_trial(record, k) for k in range(len(record.cells))])
    study.set_user_attr(
        ATTRIBUTE,
        {
            "digest": digest,
            "module": record.module,
            "chosen": record.chosen,
            "confidence": record.confidence,
            "helps": record.helps,
            "rule": record.rule,
            "tier": record.tier,
            "unit": record.unit,
        },
    )


def _trial(record: ModuleSweepRecord, k: int) -> Any:
    trials = _optuna().trial
    cell = record.cells[k]
    parameters = _parameters(record, cell)
    finite = math.isfinite(cell.loss)
    state = "FAIL" if not finite else "PRUNED" if cell.stopped_reason else "COMPLETE"
    attributes = {
        "loss_se": cell.loss_se,
        "difference": cell.difference,
        "difference_se": cell.difference_se,
        "ridge": cell.ridge,
        "bootstrap_share": cell.bootstrap_share,
        "best_epoch": cell.best_epoch,
        "num_seeds": cell.num_seeds,
        "stopped_reason": cell.stopped_reason,
        "chosen": k == record.chosen,
    }
    return trials.create_trial(
        state=trials.TrialState[state],
        value=cell.loss if finite else None,
        params={name: value for name, (value, _) in parameters.items()},
        distributions={name: distribution for name, (_, distribution) in parameters.items()},
        intermediate_values={
            epoch: loss for epoch, loss in zip(cell.epochs, cell.validation_loss, strict=True) if math.isfinite(loss)
        },
        user_attrs={n: v for n, v in attributes.items() if not isinstance(v, float) or math.isfinite(v)},
    )


def _parameters(record: ModuleSweepRecord, cell: CellRecord) -> dict[str, tuple[Any, Any]]:
    """Value and distribution of each parameter that the sweep set."""
    distributions = _optuna().distributions
    settings = [other.setting for other in record.cells]
    setting = cell.setting
    largest = max(other.l2 for other in settings)
    found: dict[str, tuple[Any, Any]] = {"l2": (setting.l2, distributions.FloatDistribution(0.0, largest))}
    if setting.dropout is not None:
        found["dropout"] = (setting.dropout, distributions.FloatDistribution(0.0, 1.0))
    if setting.learning_rate is not None:
        rates = [other.learning_rate for other in settings if other.learning_rate is not None]
        log = distributions.FloatDistribution(min(rates), max(rates), log=True)
        found["learning_rate"] = (setting.learning_rate, log)
    if any(other.init is not None for other in settings):  # the same choices in every sweep: studies insist on it
        found["init"] = (setting.init or AS_BUILT, distributions.CategoricalDistribution((*SCHEMES, AS_BUILT)))
    return found


def _optuna() -> Any:
    try:
        import optuna
    except ImportError as error:
        raise MissingExtraError(
            "`study=` needs Optuna.",
            found="no package `optuna`",
            way_out="Install it with `pip install 'justfit[optuna]'`.",
        ) from error
    return optuna
