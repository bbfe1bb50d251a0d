"""From two columns with gaps to one entry per epoch: clock, repeats, order, and means over steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from justfit.errors import LogColumnError
from justfit.logs._names import clock_of

_KNOWN_SHARE = 0.9  # of the rows with a value must tell their epoch or step, for it to be used
_SEVERAL = 1.5  # validations per epoch from which on they, and not the epochs, are the entries
_FEWEST = 3  # validations that can be told to count something else than the train losses do
_LATE_SHARE = 0.5  # of the train values after the last validation: a run that goes on so long unvalidated is rare
_LARGEST = 2.0**53  # whole numbers that a float holds exactly

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """Two aligned series.

    Attributes:
        epochs: Rising whole numbers.
        train, validation: One value for each of them; NaN where there is none.
        epoch_name: What is counted.
        notes: What was repaired.
    """

    epochs: list[int]
    train: Floats
    validation: Floats
    epoch_name: str
    notes: list[str] = field(default_factory=list)


def align(frame: pl.DataFrame, train: str, validation: str, epoch: str | None, row_name: str) -> Timeline:
    """Bring the two columns to one entry per epoch, or per validation.

    The clock is the column that counts epochs; where an epoch holds several validations, or no column counts epochs,
    the one that counts steps; else the row. Where train losses are logged more often than that, they are averaged from
    one validation to the next. Of an epoch that was logged twice, as after a resumed run, the last is kept.

    Args:
        frame: Columns of numbers, in the order of writing; null where nothing was written.
        train: Column of the train losses.
        validation: Column of the validation losses.
        epoch: Column to count by; None chooses.
        row_name: What a row is where nothing counts.
    """
    logged = frame.filter(pl.col(train).is_not_null() | pl.col(validation).is_not_null())
    values = {name: logged[name].to_numpy().astype(float) for name in (train, validation)}
    has = {name: ~logged[name].is_null().to_numpy() for name in (train, validation)}
    notes = _broken_notes(values, has)
    clock, name, more = _clock(logged, has[validation] if has[validation].any() else has[train], epoch)
    notes += more
    steps = None if name == "step" else _steps(logged)
    if clock is None:
        name, clock = row_name, np.arange(1.0, logged.height + 1)
    known = np.isfinite(clock)
    if not known.all():
        notes.append(f"{int((~known).sum()):,} rows without a number of the {name} are left out.")
    at, value, is_mixed = {}, {}, False
    together = not (has[train] & ~has[validation]).any()
    for series in (train, validation):
        rows = np.flatnonzero(has[series] & known)
        rows, num_repeated = _last_of_repeats(
            rows, clock, steps if series == train else None, once=together or series == validation
        )
        if num_repeated and series == (validation if has[validation].any() else train):
            notes.append(f"{num_repeated:,} rows repeat an earlier {name}, as a resumed run does; the last is kept.")
        is_mixed |= not num_repeated and bool((np.diff(clock[rows]) < 0).any())
        order = np.argsort(clock[rows], kind="stable")
        at[series], value[series] = clock[rows][order], values[series][rows][order]
    if is_mixed:
        notes.append(f"The rows are not in the order of their {name}; they are sorted.")
    by_epoch = name != "step" and (together or name != row_name)
    at[train], spread = (at[train], []) if by_epoch else _on_one_clock(at[train], at[validation])
    marks, mean, other, joined = _joined(at[train], value[train], at[validation], value[validation], by_epoch=by_epoch)
    epochs, name, numbered = _numbered(marks, name)
    return Timeline(
        epochs=epochs, train=mean, validation=other, epoch_name=name, notes=[*notes, *spread, *joined, *numbered]
    )


def _on_one_clock(train_at: Floats, validation_at: Floats) -> tuple[Floats, list[str]]:
    """Spread train values over validations that were counted by epochs while training was counted by steps.

    That is what a loop writes that logs `train_loss` at the global step and `val_loss` at the epoch: the validations
    are 0, 1, 2, … and most of the train values come "after" the last of them.
    """
    num = validation_at.size
    if num < _FEWEST or train_at.size < 2 * num or np.any(np.diff(validation_at) != 1):
        return train_at, []
    if np.mean(train_at > validation_at[-1]) <= _LATE_SHARE:
        return train_at, []
    chunk = np.arange(train_at.size) * num // train_at.size
    note = (
        f"Training is counted by steps up to {train_at[-1]:,.0f}, validation from {validation_at[0]:.0f} to "
        f"{validation_at[-1]:.0f}: the steps are divided evenly among the validations."
    )
    return validation_at[chunk], [note]


def _joined(
    train_at: Floats, train: Floats, validation_at: Floats, validation: Floats, *, by_epoch: bool
) -> tuple[Floats, Floats, Floats, list[str]]:
    whole = bool(np.all(train_at == np.round(train_at)))
    marks = np.unique(validation_at) if validation_at.size else np.unique(train_at)
    notes: list[str] = []
    if by_epoch and whole:
        marks = np.union1d(marks, train_at)
        slot = np.searchsorted(marks, train_at)
    else:
        slot = np.searchsorted(marks, train_at, side="left")
        late = int((slot == marks.size).sum())
        if late:
            notes.append(f"{late:,} train values after the last validation are left out.")
            train, slot = train[slot < marks.size], slot[slot < marks.size]
    usable = np.isfinite(train)
    count = np.bincount(slot[usable], minlength=marks.size).astype(float)
    total = np.bincount(slot[usable], weights=train[usable], minlength=marks.size)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(count > 0, total / count, np.nan)
    if count.max(initial=0) > 1:
        notes.append(
            "Train losses are means over the values since the validation before "
            f"(median {np.median(count[count > 0]):.0f})."
        )
    other = np.full(marks.size, np.nan)
    other[np.searchsorted(marks, validation_at)] = validation
    return marks, mean, np.where(np.isfinite(other), other, np.nan), notes


def _numbered(marks: Floats, name: str) -> tuple[list[int], str, list[str]]:
    """Take the marks as numbers of entries, or count the entries where they are no whole numbers."""
    if np.all(marks == np.round(marks)) and np.all(np.abs(marks) <= _LARGEST):
        return [int(mark) for mark in marks], name, []
    note = f"The numbers of the {name} are no whole numbers; validations are counted."
    return list(range(1, marks.size + 1)), "validation", [note]


def _clock(frame: pl.DataFrame, judged: NDArray[np.bool_], given: str | None) -> tuple[Floats | None, str, list[str]]:
    """Choose what counts: its values, its name, notes."""
    if given is not None:
        values = frame[given].to_numpy().astype(float)
        if np.isfinite(values).mean() < _KNOWN_SHARE:
            raise LogColumnError(
                "`--epoch` must name a column that has a number in every row.",
                found=f"`{given}` with {int(np.isfinite(values).sum()):,} numbers in {frame.height:,} rows",
                way_out="Name another column, or leave it out to count the rows.",
            )
        return values, given, []
    epochs, steps = _first_known(frame, "epoch"), _first_known(frame, "step")
    if epochs is None:
        return steps, "step", []
    at = epochs[judged & np.isfinite(epochs)]
    whole = bool(np.all(at == np.round(at)))
    if steps is None:
        return (epochs, "epoch", []) if whole else (None, "epoch", ["Epochs are no whole numbers; rows are counted."])
    num_epochs = np.unique(at).size
    num_steps = np.unique(steps[judged & np.isfinite(steps)]).size
    num_stretches = 1 + int((np.diff(at) != 0).sum())
    if not whole:
        return steps, "step", []
    if num_steps >= _SEVERAL * num_epochs and num_stretches == num_epochs:
        return steps, "step", [f"There are {num_steps / num_epochs:.3g} validations per epoch; each is an entry."]
    return epochs, "epoch", []


def _first_known(frame: pl.DataFrame, kind: str) -> Floats | None:
    names = sorted((name for name in frame.columns if clock_of(name) == kind), key=len)
    for name in names:
        values = frame[name].to_numpy().astype(float)
        if values.size and np.isfinite(values).mean() >= _KNOWN_SHARE:
            return values
    return None


def _steps(frame: pl.DataFrame) -> Floats | None:
    return _first_known(frame, "step")


def _last_of_repeats(
    rows: NDArray[np.intp], clock: Floats, steps: Floats | None, *, once: bool
) -> tuple[NDArray[np.intp], int]:
    """Keep the last row of each number; of an epoch of many steps, the last row of each step, or the last stretch."""
    at = clock[rows]
    if once or steps is not None:
        kept = _last_each(at) if once or steps is None else _last_each(at, steps[rows])
        return rows[kept], rows.size - kept.size
    stretch = np.cumsum(np.concatenate([np.zeros(1), np.diff(clock) != 0]))[rows]
    numbers, index = np.unique(at, return_inverse=True)
    last_stretch = np.zeros(numbers.size)
    np.maximum.at(last_stretch, index, stretch)
    in_last = rows[stretch == last_stretch[index]]
    return in_last, rows.size - in_last.size


def _last_each(*keys: Floats) -> NDArray[np.intp]:
    frame = pl.DataFrame({f"{k}": key for k, key in enumerate(keys)})
    last = frame.with_row_index("row").unique([f"{k}" for k in range(len(keys))], keep="last")["row"].sort()
    return last.to_numpy().astype(np.intp)


def _broken_notes(values: dict[str, Floats], has: dict[str, NDArray[np.bool_]]) -> list[str]:
    counts: Sequence[tuple[str, int]] = [
        (name, int((has[name] & ~np.isfinite(values[name])).sum())) for name in dict.fromkeys(values)
    ]
    return [
        f"{number:,} values of `{name}` are NaN or infinite; they count as missing."
        for name, number in counts
        if number
    ]
