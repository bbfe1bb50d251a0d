"""Which two columns of a log are the train and the validation curve of one metric."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import polars as pl

from justfit.errors import LogColumnError
from justfit.logs._names import Meaning, clock_of, direction_of, meaning, rank_of
from justfit.records import Direction

MOST_LISTED = 12


@dataclass(frozen=True, slots=True)
class Pair:
    """Two columns of one metric.

    Attributes:
        train, validation: Their names.
        metric: What they measure, in the words of their names.
        notes: What speaks against them.
    """

    train: str
    validation: str
    metric: tuple[str, ...]
    notes: tuple[str, ...] = ()


def choose_pair(frame: pl.DataFrame, train: str | None, validation: str | None, name: str) -> Pair:
    """Choose the two columns.

    Pairs of the same metric are ordered: the loss before a loss by another name, before a part of a loss, before an
    error, before a score; validation rows before test rows; values per epoch before values per step; names that say
    train before names that say nothing. A column with a single value is taken only where no other is left.

    Args:
        frame: Columns of numbers.
        train: Name that the user gave; None chooses.
        validation: The same.
        name: What the user calls the log.

    Raises:
        LogColumnError: A given name is unknown, no pair is left, or two are equally good.
    """
    for option, given in (("--train", train), ("--validation", validation)):
        if given is not None and given not in frame.columns:
            raise _unknown(option, given, frame.columns)
    if train is not None and validation is not None:
        return Pair(train, validation, meaning(validation).metric)
    pairs = _ranked(frame, train, validation)
    if not pairs:
        raise _none(frame, name)
    best = [pair for rank, pair in pairs if rank == pairs[0][0]]
    if len(best) > 1:
        listed = "; ".join(f"`{pair.train}` with `{pair.validation}`" for pair in best[:MOST_LISTED])
        raise LogColumnError(
            "A log must have one pair of a train and a validation column that is the likeliest.",
            found=f"{len(best)} equally likely ones in `{name}`: {listed}",
            way_out="Choose with `--train COLUMN --validation COLUMN` (`train=`, `validation=`).",
        )
    return best[0]


def given_direction(pair: Pair, direction: Direction | None) -> Direction:
    """Take the direction that was given, or the one that the metric's name tells.

    Raises:
        LogColumnError: The name does not tell.
    """
    found = direction or direction_of(pair.metric)
    if found is None:
        raise LogColumnError(
            "The name of a metric must tell whether small or large is good.",
            found=f"`{pair.validation}`",
            way_out="Say it with `--direction minimize` or `--direction maximize` (`direction=`).",
        )
    return found


def listed(columns: Sequence[str], quote: str = "`") -> str:
    """List names of columns, the first few of many."""
    more = f" and {len(columns) - MOST_LISTED} more" if len(columns) > MOST_LISTED else ""
    return ", ".join(f"{quote}{column[:60]}{quote}" for column in columns[:MOST_LISTED]) + more


def _ranked(frame: pl.DataFrame, train: str | None, validation: str | None) -> list[tuple[tuple[int, ...], Pair]]:
    counts = {name: frame[name].count() for name in frame.columns if clock_of(name) is None}
    meanings = {name: meaning(name) for name in counts}
    trains = [train] if train else [n for n in counts if meanings[n].role in ("train", None)]
    validations = [validation] if validation else [n for n in counts if meanings[n].role in ("validation", "test")]
    pairs = []
    for one in trains:
        for other in validations:
            rank = _rank(one, other, meanings, is_given=bool(train or validation))
            if rank is not None and one != other:
                few = int(min(counts[one], counts[other]) < 2)
                notes = (
                    (f"`{other}` is called a test set; a choice that was made on it is not confirmed by it.",)
                    if meanings[other].role == "test"
                    else ()
                )
                pairs.append(((few, *rank), Pair(one, other, meanings[other].metric, notes)))
    return sorted(pairs, key=lambda pair: pair[0])


def _rank(one: str, other: str, meanings: dict[str, Meaning], *, is_given: bool) -> tuple[int, ...] | None:
    a, b = meanings.get(one) or meaning(one), meanings.get(other) or meaning(other)
    same = a.metric == b.metric
    metric = rank_of(b.metric)
    if metric is None or not (same or is_given):
        return None
    grains = {"epoch": 0, None: 1, "step": 2}
    return (
        int(not same),
        metric,
        int(b.role == "test"),
        grains[b.grain],
        grains[a.grain],
        int(a.role is None),
    )


def _unknown(option: str, given: str, columns: Sequence[str]) -> LogColumnError:
    near = get_close_matches(given, columns, n=1, cutoff=0.5)
    return LogColumnError(
        f"`{option}` must name a column of numbers.",
        found=f"`{given}`",
        way_out=f"Did you mean `{near[0]}`?" if near else f"The columns are {listed(columns)}.",
    )


def _none(frame: pl.DataFrame, name: str) -> LogColumnError:
    return LogColumnError(
        "A log must have a train and a validation column of one metric, such as `train_loss` and `val_loss`.",
        found=f"the columns {listed(frame.columns)} in `{name}`" if frame.columns else f"no numbers in `{name}`",
        way_out="Name both with `--train COLUMN --validation COLUMN` (`train=`, `validation=`).",
    )
