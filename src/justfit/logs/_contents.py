"""From a file or folder to the logs in it, whatever tool wrote them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import polars as pl

from justfit.errors import LogFormatError
from justfit.logs._csv import read_csv
from justfit.logs._folder import places_in
from justfit.logs._json import read_json
from justfit.logs._log import Log
from justfit.logs._mlflow import read_run_folder
from justfit.logs._record import read_own
from justfit.logs._rows import columns_of, columns_of_lists
from justfit.logs._source import MOST_BYTES, Source, content_of, is_stream, kept, read_head, too_large
from justfit.logs._split import runs_in
from justfit.logs._sqlite import read_database
from justfit.logs._tensorboard import read_events
from justfit.logs._tools import Form, recognise
from justfit.records import History, WatchRecord

Found = Log | History | WatchRecord


def contents_of(source: Source) -> list[Found]:
    """Read every run of a file or folder.

    Raises:
        LogError: It cannot be read; the message says why.
    """
    if source.path.is_dir():
        return _folder(source)
    if is_stream(source):
        with source.path.open("rb") as stream, kept(stream, source.name) as copy:
            return _file(copy)
    return _file(source)


def _folder(source: Source) -> list[Found]:
    places, events = places_in(source.path, source.name)
    found: list[Found] = []
    for place in places:
        inside = place.path.relative_to(source.path)
        name = source.name if str(inside) == "." else f"{source.name.rstrip('/')}/{inside}"
        if place.is_mlflow:
            found.append(read_run_folder(place.path, name, place.run))
            continue
        found += [
            replace(one, run=f"{place.run} {one.run}".strip()) if isinstance(one, Log) else one
            for one in _file(Source(path=place.path, name=name))
        ]
    if events:
        found += read_events(events, source.path, source.name)
    if len(found) == 1 and isinstance(found[0], Log):
        return [replace(found[0], run="")]
    return found


def _file(source: Source) -> list[Found]:
    content = content_of(source)
    if content == "sqlite":
        return [*read_database(source)]
    if content == "event files":
        return [*read_events([source.path], source.path, source.name)]
    if content == "parquet":
        return _tables(_read_parquet(source), "parquet")
    if read_head(source).lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
        return _json(source)
    return _tables(read_csv(source), "csv")


def _tables(frame: pl.DataFrame, form: Form, tool: str = "", notes: tuple[str, ...] = ()) -> list[Found]:
    logs: list[Found] = []
    is_panel_or_more = len(parts := runs_in(frame)) > 1
    for run, part in parts:
        numbers = numbers_of(part)
        found = tool or recognise([*frame.columns, *part.columns], form)
        logs.append(Log(frame=numbers, tool=found, form=form, run=run if is_panel_or_more else "", notes=notes))
    return logs


def numbers_of(frame: pl.DataFrame) -> pl.DataFrame:
    """Keep the columns that hold a number; text that is no number becomes null.

    >>> numbers_of(pl.DataFrame({"loss": ["0.5", " nan", ""], "time": ["00:03", "00:04", "00:05"]})).columns
    ['loss']
    """
    kept_columns = []
    for column in frame.get_columns():
        if column.dtype == pl.String:
            numbers = column.str.strip_chars().cast(pl.Float64, strict=False)
        elif column.dtype.is_numeric():
            numbers = column.cast(pl.Float64, strict=False)
        else:
            continue
        if numbers.count():
            kept_columns.append(numbers)
    return pl.DataFrame(kept_columns)


def _json(source: Source) -> list[Found]:
    value, is_lines = read_json(source)
    if isinstance(value, dict) and not _is_finding(value):
        own = read_own(value, source)
        return [own] if own is not None else _object(value, source)
    rows = [row for row in value if isinstance(row, dict)] if isinstance(value, list) else [value]
    if not rows or not isinstance(rows[0], dict):
        raise _no_rows(source)
    if _is_finding(rows[0]):
        raise LogFormatError(
            "A log must hold losses.",
            found=f"findings of justfit alone in `{source.name}`",
            way_out="Name the `record.json` beside it.",
        )
    if all("batches" in row for row in rows):
        return _tables(columns_of([{k: v for k, v in row.items() if k != "batches"} for row in rows]), "json", "skorch")
    return _tables(columns_of(rows), "json lines" if is_lines else "json")


def _object(value: dict[str, Any], source: Source) -> list[Found]:
    logged = value.get("log_history")
    if isinstance(logged, list):
        rows = [row for row in logged if isinstance(row, dict) and "train_runtime" not in row]
        if not rows:
            raise _no_rows(source)
        return _tables(columns_of(rows), "json", "huggingface")
    for key in ("history", "metrics", "logs", "data", "values", "rows"):  # what a list or a history is wrapped in
        inner = value.get(key)
        if isinstance(inner, dict) and any(isinstance(entry, list) for entry in inner.values()):
            return _object(
                {**inner, **({"epoch": value["epoch"]} if isinstance(value.get("epoch"), list) else {})}, source
            )
        if isinstance(inner, list) and any(isinstance(row, dict) for row in inner):
            return _tables(columns_of([row for row in inner if isinstance(row, dict)]), "json")
    frame = columns_of_lists(value)
    if frame.height:
        return _tables(frame, "json")
    if any(isinstance(entry, int | float) for entry in value.values()):
        return _tables(columns_of([value]), "json")  # JSON lines of a single line
    raise _no_rows(source)


def _is_finding(row: dict[str, Any]) -> bool:
    return {"code", "severity", "why", "cure"} <= row.keys()


def _no_rows(source: Source) -> LogFormatError:
    return LogFormatError(
        "A JSON log must be a list of rows, or an object of lists.",
        found=f"neither in `{source.name}`",
        way_out='Write rows such as `{"epoch": 1, "loss": 0.5, "val_loss": 0.6}`.',
    )


def _read_parquet(source: Source) -> pl.DataFrame:
    size = source.path.stat().st_size
    if size > MOST_BYTES:
        raise too_large(source.name, size)
    try:
        frame = pl.read_parquet(source.path, glob=False)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise LogFormatError(
            "A Parquet log must be intact.",
            found=f"`{source.name}`: {str(error).partition(chr(10))[0].rstrip('.')[:200]}",
            way_out="It may have been cut short while copying; write it again.",
        ) from error
    if not frame.height or not frame.width:
        raise LogFormatError(
            "A log must hold at least one row.",
            found=f"none in `{source.name}`",
            way_out="Check that the program that writes it has logged something.",
        )
    return frame
