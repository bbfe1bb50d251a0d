"""`justfit fit`: from a table to a network that fits, with the verdict, the evidence and the model."""

from __future__ import annotations

import math
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from justfit.errors import ArgumentError, ColumnError
from justfit.estimators._classifier import JustFitClassifier
from justfit.estimators._compare import compare_on_test, constant_test_losses, constant_test_score
from justfit.estimators._folder import ResultFolder, default_folder
from justfit.estimators._learn import Data, Learned, learn
from justfit.estimators._regressor import JustFitRegressor
from justfit.estimators._report import package_versions
from justfit.records import DatasetFacts, FitResult, OnProgress, Progress, Shown
from justfit.rules import next_steps
from justfit.sweep import TwoFeatures, Wishes
from justfit.tables import Encoder, Table, Target, drop_unlabelled, infer_target, read_table, split_rows

TEST_FRACTION = 0.2
QUICK_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True)
class TableFit(Shown):
    """What `fit_table` made.

    Attributes:
        result: Everything that was found out.
        estimator: The fitted estimator; it takes encoded rows.
        encoder: Turns a table into encoded rows.
        files: Written files by name.
        interrupted_by_user: Ctrl-C ended the run early; what is here is the best so far.
    """

    result: FitResult
    estimator: JustFitClassifier | JustFitRegressor
    encoder: Encoder
    files: dict[str, Path]
    interrupted_by_user: bool

    @property
    def record(self) -> FitResult:
        """The same as `result`, by the name that it has in whatever shows itself."""
        return self.result


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """An encoded table, split into a training and a test part."""

    table_name: str
    shape: tuple[int, int]
    target: Target
    encoder: Encoder
    notes: tuple[str, ...]
    train_inputs: NDArray[np.float32]
    test_inputs: NDArray[np.float32]
    train_targets: NDArray[Any]
    test_targets: NDArray[Any]


def fit_table(
    source: Any,
    *,
    target: str | None = None,
    task: str = "auto",
    out: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    quick: bool = False,
    budget_seconds: float | None = None,
    seed: int = 0,
    hidden_layer_sizes: tuple[int, ...] | None = None,
    on_progress: OnProgress | None = None,
) -> TableFit:
    """Fit a network to a table: hold out a test part, sweep l2 × dropout, choose, judge, refit, compare, write.

    Args:
        source: Path of a CSV, TSV or Parquet file (also .gz), the name of a shipped set ("digits", "breast_cancer",
            "wine", "diabetes"), or a polars or pandas table.
        target: Column to predict; may be left out for a shipped set.
        task: "auto", "classification" or "regression".
        out: Directory to write; `./justfit-<name>` if None.
        overwrite: Replace `out` if justfit wrote it before.
        quick: A small grid, for a first look: planned for ten seconds, not stopped by the clock.
        budget_seconds: Wall time to aim at, and after which the clock ends the run with the best so far; None aims
            at two minutes and never stops by the clock.
        seed: The same seed gives the same result, bit for bit, on one machine, unless the clock ended the run.
        hidden_layer_sizes: Units per hidden layer; None chooses by the number of rows.
        on_progress: Told how far the job is.

    Returns:
        The result, the fitted estimator and encoder, and the files.

    Raises:
        JustFitError: Bad input or output; see the error tree. Nothing is written then.
        KeyboardInterrupt: Ctrl-C before there was anything to keep.
    """
    started = time.monotonic()
    _check(budget_seconds, seed)
    folder = None if out is None else ResultFolder(Path(out), overwrite)
    _tell(on_progress, "reading")
    table = read_table(source)
    folder = folder or ResultFolder(default_folder(table.name), overwrite)
    prepared = _prepare(table, target, task, seed)
    del table  # a large one must not stay beside its encoded rows
    read = time.monotonic()
    wishes = Wishes(
        hidden=hidden_layer_sizes,
        budget_seconds=min(QUICK_SECONDS, budget_seconds or math.inf) if quick else budget_seconds,
        num_threads=os.cpu_count() or 1,
    )
    data = _data(prepared, prepared.train_inputs, prepared.train_targets)
    learned = learn(
        data,
        wishes,
        seed=seed,
        compare=True,
        limit_seconds=budget_seconds,
        on_progress=on_progress,
        started=started,
    )
    words = ["--target", prepared.target.name, "--task", prepared.target.task, "--seed", str(seed)]
    words += ["--hidden", ",".join(map(str, hidden_layer_sizes))] if hidden_layer_sizes else []
    words += ["--quick"] if quick else []
    words += ["--budget", f"{budget_seconds:g}"] if budget_seconds is not None else []
    command = ("justfit", "fit", str(source), *words) if isinstance(source, str | os.PathLike) else ()
    result = _result(prepared, learned, seed=seed, read_seconds=read - started, command=command)
    estimator = _estimator(prepared, learned, seed)
    _tell(on_progress, "writing")
    files = folder.write(result, estimator, prepared.encoder, prepared.target)
    return TableFit(
        result=result,
        estimator=estimator,
        encoder=prepared.encoder,
        files=files,
        interrupted_by_user=learned.interrupted_by_user,
    )


def _check(budget_seconds: float | None, seed: int) -> None:
    if budget_seconds is not None and not (math.isfinite(budget_seconds) and budget_seconds > 0):
        raise ArgumentError(
            "`budget_seconds` must be positive and finite.",
            found=f"`budget_seconds={budget_seconds}`",
            way_out="Leave it out for the default plan.",
        )
    if not 0 <= seed < 2**32:
        raise ArgumentError(
            "`seed` must be a whole number in [0, 2³²).", found=f"`seed={seed}`", way_out="0 is as good as any other."
        )


def _prepare(table: Table, target: str | None, task: str, seed: int) -> Prepared:
    name = target or table.target
    if name is None:
        raise ColumnError(
            "A table needs a target: the column to predict.",
            found=f"no `--target` for `{table.name}`",
            way_out=f"Add `--target COLUMN`; the last column is `{table.frame.columns[-1]}`.",
        )
    frame, dropped = drop_unlabelled(table.frame, name)
    known = infer_target(frame[name], task=task, name=name)  # type: ignore[arg-type]  # checked by infer_target
    strata = known.encode(frame[name])
    train, test = split_rows(strata, task=known.task, test_fraction=TEST_FRACTION, seed=seed)
    codec = known.fit_scale(frame[name][train])
    encoder = Encoder().fit(frame[train], exclude=name)
    return Prepared(
        table_name=table.name,
        shape=(table.frame.height, table.frame.width),
        target=codec,
        encoder=encoder,
        notes=(*table.notes, *dropped, *encoder.notes),
        train_inputs=encoder.transform(frame[train]),
        test_inputs=encoder.transform(frame[test]),
        train_targets=codec.encode(frame[name][train]),
        test_targets=codec.encode(frame[name][test]),
    )


def _data(prepared: Prepared, inputs: NDArray[np.float32], targets: NDArray[Any]) -> Data:
    target = prepared.target
    is_classes = target.task == "classification"
    return Data(
        inputs=inputs,
        targets=targets.astype(np.int64) if is_classes else targets.astype(np.float32),
        weights=None,
        num_outputs=len(target.classes) if is_classes else 1,
        task=target.task,
        loss_scale=target.scale**2,
        unit="nats" if is_classes else f"squared {target.name}",
        features=_two_features(prepared.encoder, target),
    )


def _two_features(encoder: Encoder, target: Target) -> TwoFeatures | None:
    """What the inputs mean, where they are two numbers of the table; else None."""
    scales = encoder.number_scales()
    if len(encoder.feature_names) != 2 or len(scales) != 2:
        return None
    (first, (x_shift, x_scale)), (second, (y_shift, y_scale)) = scales.items()
    return TwoFeatures(
        names=(first, second),
        shifts=(x_shift, y_shift),
        scales=(x_scale, y_scale),
        target_shift=target.mean,
        target_scale=target.scale,
        classes=target.classes,
    )


def _result(
    prepared: Prepared, learned: Learned, *, seed: int, read_seconds: float, command: tuple[str, ...]
) -> FitResult:
    train = _data(prepared, prepared.train_inputs, prepared.train_targets)
    test = _data(prepared, prepared.test_inputs, prepared.test_targets)
    target = prepared.target
    assert learned.sweep is not None  # noqa: S101 - fit_table always sweeps
    assert learned.verdict is not None  # noqa: S101 - and always judges
    dataset = DatasetFacts(
        name=prepared.table_name,
        num_rows=prepared.shape[0],
        num_columns=prepared.shape[1],
        num_features=prepared.train_inputs.shape[1],
        num_train=len(train.inputs),
        num_test=len(test.inputs),
        num_sweep=learned.plan.num_sweep_rows,
        target=target.name,
        task=target.task,
        task_reason=target.task_reason,
        classes=target.classes,
        target_scale=target.scale,
        dropped_columns=prepared.encoder.dropped,
        notes=prepared.notes,
    )
    return FitResult(
        dataset=dataset,
        network=learned.network_facts(len(train.inputs), seed),
        verdict=learned.verdict,
        sweep=learned.sweep,
        test=compare_on_test(
            learned.before,
            learned.after,
            test,
            constant_test_losses(train, test),
            constant_score=constant_test_score(train, test),
        ),
        next_steps=next_steps(learned.verdict, learned.sweep),
        interrupted=bool(learned.interrupted),
        interruption=learned.interrupted,
        elapsed_seconds={
            "read and encode": read_seconds,
            "sweep": learned.sweep_seconds,
            "refit": learned.refit_seconds,
        },
        versions=package_versions(),
        command=command,
    )


def _estimator(prepared: Prepared, learned: Learned, seed: int) -> JustFitClassifier | JustFitRegressor:
    """The fitted estimator; it takes rows that the encoder encoded."""
    target = prepared.target
    recipe = learned.plan.refit_recipe
    parameters: dict[str, Any] = {
        "hidden_layer_sizes": recipe.hidden,
        "max_iter": recipe.epochs,
        "batch_size": recipe.batch_size,
        "standardize": False,
        "l2": learned.l2,
        "dropout": learned.dropout,
        "random_state": seed,
    }
    estimator: JustFitClassifier | JustFitRegressor
    if target.task == "classification":
        estimator = JustFitClassifier(**parameters)
        estimator.classes_ = np.asarray(target.decode(np.arange(len(target.classes))).to_list())
    else:
        estimator = JustFitRegressor(**parameters)
    estimator.n_features_in_ = prepared.train_inputs.shape[1]
    scaling = None if target.task == "classification" else (target.mean, target.scale)
    return estimator.adopt(learned, None, scaling, num_examples=len(prepared.train_inputs), seed=seed)


def _tell(on_progress: OnProgress | None, stage: str) -> None:
    if on_progress is not None:
        on_progress(Progress(stage=stage, fraction=0.0))
