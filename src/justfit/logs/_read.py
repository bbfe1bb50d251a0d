"""One door for every log: a path in, histories out."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import IO

import numpy as np
import polars as pl

from justfit.errors import ArgumentError, LogColumnError, LogFormatError
from justfit.logs._columns import MOST_LISTED, Pair, choose_pair, given_direction, listed
from justfit.logs._contents import Found, contents_of
from justfit.logs._log import Log
from justfit.logs._names import clock_of
from justfit.logs._record import history_of
from justfit.logs._source import kept, source_of
from justfit.logs._timeline import Timeline, align
from justfit.logs._tools import TOOLS, checked_tool
from justfit.records import Direction, Finding, History, WatchRecord

Readable = str | os.PathLike[str] | IO[bytes]


def read_history(
    path: Readable,
    *,
    train: str | None = None,
    validation: str | None = None,
    epoch: str | None = None,
    direction: Direction | None = None,
    kind: str | None = None,
) -> History:
    """Read the log of one run.

    Which tool wrote it is told by what it holds. Which columns are taken is told by their names: a train and a
    validation column of one metric, the loss before errors and scores (see `justfit.logs`); what was taken and what was
    repaired stands in `train_name`, `validation_name` and `notes`. NaN, infinity and empty cells are missing; of an
    epoch that was logged twice the last is kept; train losses of steps are averaged between validations.

    Args:
        path: A file, the folder of a run or a checkpoint, or an open binary stream.
        train: Column of the train losses; None chooses.
        validation: Column of the validation losses; None chooses.
        epoch: Column that counts; None chooses.
        direction: `minimize` or `maximize`; None reads it off the metric's name.
        kind: The tool that wrote it, one of `TOOLS`; None recognises it.

    Returns:
        The history, one entry per epoch or, where there are several or none, per validation.

    Raises:
        LogNotFoundError: There is no such file, and no log in the folder.
        LogFormatError: It cannot be read, or holds several runs.
        LogColumnError: A named column is missing, or the columns cannot be chosen.
        MissingExtraError: Event files are read, and tensorboard is not installed.
        ArgumentError: `kind` or `direction` is unknown.

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "history.json"
    >>> _ = path.write_text('{"loss": [0.7, 0.4], "val_loss": [0.8, 0.6], "lr": [0.1, 0.1]}')
    >>> history = read_history(path)
    >>> history.train_name, history.validation_name, history.validation_loss
    ('loss', 'val_loss', (0.8, 0.6))
    """
    found = read_histories(path, train=train, validation=validation, epoch=epoch, direction=direction, kind=kind)
    if len(found) > 1:
        runs = ", ".join(history.source for history in found[:MOST_LISTED])
        raise LogFormatError(
            "`read_history` reads one run.",
            found=f"{len(found)} in `{_name(path)}`: {runs}",
            way_out="Name the file or folder of one, or use `read_histories`.",
        )
    return found[0]


def read_histories(
    path: Readable,
    *,
    train: str | None = None,
    validation: str | None = None,
    epoch: str | None = None,
    direction: Direction | None = None,
    kind: str | None = None,
) -> tuple[History, ...]:
    """Read the logs of all runs in a file or folder; arguments and errors as of `read_history`.

    Returns:
        At least one history; `source` names the run where there are several. Of several runs those without a pair of
        columns are left out, which the notes of the first say.

    Raises:
        LogError: As `read_history`, but for several runs.
    """
    return tuple(history for history, _ in read_runs(path, (train, validation, epoch), direction, kind))


def read_runs(
    path: Readable,
    columns: tuple[str | None, str | None, str | None] = (None, None, None),
    direction: Direction | None = None,
    kind: str | None = None,
) -> list[tuple[History, tuple[Finding, ...]]]:
    """Read all runs, each with the findings that justfit had recorded while it ran.

    Args:
        path: As of `read_history`.
        columns: Train, validation and epoch column; None chooses.
        direction: As of `read_history`.
        kind: As of `read_history`.

    Raises:
        LogError: As of `read_history`, but for several runs.
    """
    tool = checked_tool(kind)
    if direction not in (None, "minimize", "maximize"):
        raise ArgumentError(
            "`direction` must be minimize or maximize.",
            found=f"`direction={direction!r}`",
            way_out="Losses are minimized, scores maximized.",
        )
    name, found = _contents(path)
    runs: list[tuple[History, tuple[Finding, ...]]] = []
    failures: list[LogColumnError] = []
    for one in found:
        try:
            runs.append(_run(one, name, columns, direction, tool))
        except LogColumnError as error:
            failures.append(error)
    if not runs:
        raise failures[0]
    if failures:
        history, findings = runs[0]
        note = f"{len(failures)} of {len(found)} runs have no such pair of columns; they are left out."
        runs[0] = replace(history, notes=(*history.notes, note)), findings
    return runs


def _contents(path: Readable) -> tuple[str, list[Found]]:
    if isinstance(path, str | os.PathLike):
        source = source_of(path)
        return source.name, contents_of(source)
    with kept(path, _name(path)) as copy:
        return copy.name, contents_of(copy)


def _name(path: Readable) -> str:
    if isinstance(path, str | os.PathLike):
        return os.fspath(path)
    given = getattr(path, "name", "")  # a number where a descriptor was opened
    return given.strip("<>") if isinstance(given, str) and given else "stream"


def _run(
    found: Found,
    name: str,
    columns: tuple[str | None, str | None, str | None],
    direction: Direction | None,
    tool: str | None,
) -> tuple[History, tuple[Finding, ...]]:
    if isinstance(found, WatchRecord):
        return replace(history_of(found, name), source=name), found.findings
    if isinstance(found, History):
        return replace(found, source=found.source or name), ()
    return _history(_of_tool(found, tool, name), name, columns, direction), ()


def _of_tool(log: Log, tool: str | None, name: str) -> Log:
    if tool is None:
        return log
    if log.form not in TOOLS[tool].forms:
        raise LogFormatError(
            f"A log of {TOOLS[tool].words} must be {', '.join(TOOLS[tool].forms)}.",
            found=f"{log.form} in `{name}`",
            way_out="Leave `kind` out: logs are recognised by what they hold.",
        )
    return replace(log, tool=tool)


def _history(
    log: Log, name: str, columns: tuple[str | None, str | None, str | None], direction: Direction | None
) -> History:
    source = f"{name}: {log.run}" if log.run else name
    train, validation, epoch = columns
    frame, summed = _with_total(log)
    if epoch is not None and epoch not in frame.columns:
        raise LogColumnError(
            "`--epoch` must name a column of numbers.",
            found=f"`{epoch}`",
            way_out=f"The columns are {listed(frame.columns)}.",
        )
    pair = choose_pair(frame, train, validation, source)
    tool = TOOLS[log.tool]
    aligned = align(frame, pair.train, pair.validation, epoch, tool.epoch_name)
    train_se, validation_se = _standard_errors(frame, pair, epoch, aligned, tool.epoch_name)
    return History(
        epochs=tuple(aligned.epochs),
        train_loss=tuple(aligned.train.tolist()),
        validation_loss=tuple(aligned.validation.tolist()),
        train_loss_se=train_se,
        validation_loss_se=validation_se,
        direction=given_direction(pair, direction),
        train_mode=tool.train_mode,
        train_name=pair.train,
        validation_name=pair.validation,
        epoch_name=aligned.epoch_name,
        source=source,
        kind=f"{tool.words} ({log.form})",
        notes=(*log.notes, *summed, *pair.notes, *aligned.notes, *_left(frame.columns, pair)),
    )


def _with_total(log: Log) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Add the sum of the parts of the loss that Ultralytics writes; they are weighted already."""
    frame = log.frame
    parts = [n.removeprefix("train/") for n in frame.columns if n.startswith("train/") and n.endswith("_loss")]
    if log.tool != "ultralytics" or not parts or any(f"val/{part}" not in frame.columns for part in parts):
        return frame, ()
    sums = [
        pl.sum_horizontal([f"{role}/{part}" for part in parts], ignore_nulls=False).alias(f"{role}/loss")
        for role in ("train", "val")
        if f"{role}/loss" not in frame.columns
    ]
    return frame.with_columns(sums), (f"`train/loss` and `val/loss` are the sums of {', '.join(parts)}.",)


def _standard_errors(
    frame: pl.DataFrame, pair: Pair, epoch: str | None, aligned: Timeline, row_name: str
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    names = [f"{pair.train}_se", f"{pair.validation}_se"]
    if not set(names) <= set(frame.columns):
        return (), ()
    errors = align(frame, names[0], names[1], epoch, row_name)
    if errors.epochs != aligned.epochs or np.nanmin([errors.train, errors.validation]) < 0:
        return (), ()
    return tuple(errors.train.tolist()), tuple(errors.validation.tolist())


def _left(columns: Sequence[str], pair: Pair) -> tuple[str, ...]:
    left = [
        column
        for column in columns
        if column not in (pair.train, pair.validation) and clock_of(column) is None and not column.endswith("_se")
    ]
    return (f"Columns not taken: {listed(left, quote='')}.",) if left else ()
