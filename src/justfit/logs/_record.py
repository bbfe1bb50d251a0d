"""What justfit itself wrote: the record of a watched run, a verdict with its history, or a history alone."""

from __future__ import annotations

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
