"""What justfit itself wrote: the record of a watched run, a verdict with its history, or a history alone."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from justfit.errors import LogFormatError, StoredModelError
from justfit.logs._source import Source
from justfit.records import History, WatchRecord, from_dict


def read_own(value: dict[str, Any], source: Source) -> WatchRecord | History | None:
    """Rebuild a record of justfit from its JSON value; None where it is none.

    Raises:
        LogFormatError: It has the names of one, but not the form that this version writes.
    """
    try:
        if {"evidence", "findings", "overhead"} <= value.keys():
            return from_dict(WatchRecord, value)
        if {"history", "verdict"} <= value.keys():
            return from_dict(History, value["history"])
        if {"epochs", "train_loss", "validation_loss", "train_name", "direction"} <= value.keys():
            return from_dict(History, value)
    except StoredModelError as error:
        raise LogFormatError(
            "A record of justfit must have the form that this version writes.",
            found=f"`{source.name}`: {error.found}",
            way_out="Read it with the version that wrote it, or watch the run again.",
        ) from error
    return None


def history_of(record: WatchRecord, name: str) -> History:
    """Take the history of a watched run; where the loop told no epochs, the losses of its steps.

    Raises:
        LogFormatError: It holds no losses at all.
    """
    history, losses = record.evidence.history, record.evidence.losses
    kind = history.kind or "justfit record"
    if history.epochs:
        return replace(history, kind=kind)
    if not losses.first_step:
        raise LogFormatError(
            "The record of a watched run must hold losses.",
            found=f"none in `{name}`",
            way_out="Call `run.end_epoch(train_loss=…, validation_loss=…)`, or `run.log_loss(loss)`.",
        )
    return History(
        epochs=losses.first_step,
        train_loss=losses.mean,
        validation_loss=(math.nan,) * len(losses.first_step),
        train_mode=True,
        train_name="loss of the steps",
        validation_name="none",
        epoch_name="step",
        kind=kind,
        notes=("The loop told no epochs (`run.end_epoch`), so there is no validation loss.",),
    )
