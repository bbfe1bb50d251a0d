"""SQLite databases that Trackio and MLflow keep."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from time import monotonic
from typing import Any

from justfit.errors import LogFormatError
from justfit.logs._log import Log
from justfit.logs._mlflow import Points, numbered
from justfit.logs._rows import columns_of, wide
from justfit.logs._source import MOST_BYTES, Source, too_large

MOST_SECONDS = 120.0  # of reading; a file can be made so that a query of it never ends
_OPERATIONS = 10_000  # of sqlite's machine between looks at the clock


def read_database(source: Source) -> list[Log]:
    """Read every run of a Trackio project (table metrics: run_name, step, metrics) or MLflow store (key, value, step).

    The database is opened read-only, and views are not read.

    Raises:
        LogFormatError: It is too large, damaged, locked, or of another program, or takes too long.
    """
    size = source.path.stat().st_size
    if size > MOST_BYTES:
        raise too_large(source.name, size, MOST_BYTES)
    try:
        with _opened(source) as database:
            tables = {row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            found = database.execute("PRAGMA table_info(metrics)") if "metrics" in tables else ()
            columns = {row[1] for row in found}
            if {"run_name", "step", "metrics"} <= columns:
                return _trackio(database, columns, source)
            if "runs" in tables and {"key", "value", "step", "run_uuid"} <= columns:
                return _mlflow(database, source)
    except (sqlite3.Error, ValueError, RecursionError) as error:
        raise _unread(source, error) from error
    raise LogFormatError(
        "A database must be that of Trackio or MLflow, with a table `metrics` of theirs.",
        found=f"another one in `{source.name}`",
        way_out="Export the losses as CSV.",
    )


@contextmanager
def _opened(source: Source) -> Iterator[sqlite3.Connection]:
    # Without a write-ahead log the file alone is the database; `immutable` then keeps sqlite from making one.
    is_alone = not source.path.with_name(f"{source.path.name}-wal").exists()
    place = f"{source.path.resolve().as_uri()}?mode=ro{'&immutable=1' if is_alone else ''}"
    with closing(sqlite3.connect(place, uri=True, timeout=5.0)) as database:
        end = monotonic() + MOST_SECONDS
        database.set_progress_handler(lambda: monotonic() > end, _OPERATIONS)
        yield database


def _trackio(database: sqlite3.Connection, columns: set[str], source: Source) -> list[Log]:
    identity = "run_id" if "run_id" in columns else "run_name"
    rows = database.execute(f"SELECT {identity}, run_name, step, metrics FROM metrics ORDER BY id")  # noqa: S608 - one of two words
    runs: dict[str, list[dict[str, Any]]] = {}
    names: dict[str, str] = {}
    for run, name, step, text in rows:
        metrics = json.loads(text)
        if isinstance(metrics, dict):
            names[str(run)] = str(name)
            runs.setdefault(str(run), []).append({**metrics, "step": step})
    if not runs:
        raise _no_runs(source)
    repeated = len(set(names.values())) < len(names)
    return [
        Log(
            frame=columns_of(logged),
            tool="trackio",
            form="sqlite",
            run=(f"{names[run]} {run}" if repeated else names[run]) if len(runs) > 1 else "",
        )
        for run, logged in runs.items()
    ]


def _mlflow(database: sqlite3.Connection, source: Source) -> list[Log]:
    rows = database.execute(
        "SELECT m.run_uuid, r.name, m.key, m.step, CASE WHEN m.is_nan THEN NULL ELSE m.value END FROM metrics m "
        "LEFT JOIN runs r ON r.run_uuid = m.run_uuid ORDER BY m.run_uuid, m.timestamp, m.step"
    )
    runs: dict[str, dict[str, Points]] = {}
    for identity, name, key, step, value in rows:
        points = runs.setdefault(f"{name or ''} {identity}".strip(), {}).setdefault(str(key), [])
        points.append((float(step), float("nan") if value is None else float(value)))
    if not runs:
        raise _no_runs(source)
    return [
        Log(frame=wide(numbered(series)), tool="mlflow", form="sqlite", run=run if len(runs) > 1 else "")
        for run, series in runs.items()
    ]


def _unread(source: Source, error: Exception) -> LogFormatError:
    if str(error) == "interrupted":
        return LogFormatError(
            f"A database must be read within {MOST_SECONDS:g} seconds.",
            found=f"more for `{source.name}`",
            way_out="Export the losses of the run as CSV.",
        )
    return LogFormatError(
        "A database must be intact and readable.",
        found=f"`{source.name}`: {str(error).rstrip('.')}",
        way_out="Copy it while no program writes to it, and read the copy.",
    )


def _no_runs(source: Source) -> LogFormatError:
    return LogFormatError(
        "A log must hold at least one run.", found=f"none in `{source.name}`", way_out="Log a run, and try again."
    )
