"""A table of several runs, or of one metric per row, taken apart into one table per run with a column per metric."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

_RUN_NAMES = ("run", "run_name", "run name", "run_id", "run id", "run_uuid")
_METRIC_NAMES = ("metric", "metric_name", "metric_key", "key", "tag")
_VALUE_NAMES = ("value", "metric_value")
_STEP_NAMES = ("step", "epoch", "global_step")
_PANEL = " - "
_BOUNDS = ("__MIN", "__MAX")


def runs_in(frame: pl.DataFrame) -> list[tuple[str, pl.DataFrame]]:
    """Take a table apart by run.

    Three forms are known: a column that names the run; a metric's name and its value in columns of their own (MLflow);
    and columns called `run - metric` (a panel exported from W&B, whose `__MIN` and `__MAX` columns are left out).

    Returns:
        Name and table of each run, the name empty where there is only one; text columns are kept.

    >>> frame = pl.DataFrame({"key": ["loss", "val_loss"], "value": [0.5, 0.6], "step": [1, 1]})
    >>> runs_in(frame)[0][1].columns
    ['step', 'loss', 'val_loss']
    """
    panel = _panel(frame)
    if panel:
        return panel
    run = _named(frame.columns, _RUN_NAMES)
    if run is None or frame[run].n_unique() < 2:
        return [("", _widened(frame))]
    names = {name.lower(): name for name in frame.columns}
    shown = next((names[name] for name in _RUN_NAMES[:3] if name in names), run)
    by = run if shown == run or frame[shown].n_unique() < frame[run].n_unique() else shown
    parts = frame.partition_by(by, maintain_order=True)
    return [
        (str(part[shown][0]) if by == shown else f"{part[shown][0]} {part[by][0]}", _widened(part)) for part in parts
    ]


def _named(columns: Sequence[str], wanted: Sequence[str]) -> str | None:
    """Find the last of the names that a column has, so that an id goes before a name that may repeat."""
    names = {name.strip().lower(): name for name in columns}
    return next((names[name] for name in reversed(wanted) if name in names), None)


def _widened(frame: pl.DataFrame) -> pl.DataFrame:
    key, value = _named(frame.columns, _METRIC_NAMES), _named(frame.columns, _VALUE_NAMES)
    step = _named(frame.columns, _STEP_NAMES[::-1])
    if key is None or value is None or step is None or frame[key].dtype != pl.String:
        return frame
    kept = frame.select(step, key, value).filter(pl.col(key).is_not_null() & pl.col(step).is_not_null())
    if kept[key].n_unique() > 1000 or set(kept[key].unique()) & {step}:
        return frame
    return kept.pivot(key, index=step, values=value, aggregate_function="last", maintain_order=True)


def _panel(frame: pl.DataFrame) -> list[tuple[str, pl.DataFrame]]:
    first = frame.columns[0] if frame.columns else ""
    named = [name for name in frame.columns[1:] if _PANEL in name]
    if len(named) < 2 or len(named) < frame.width - 2:
        return []
    runs: dict[str, dict[str, str]] = {}
    for name in named:
        run, _, metric = name.rpartition(_PANEL)
        if not metric.endswith(_BOUNDS) and metric.strip() != "_step":
            runs.setdefault(run.strip(), {})[metric.strip()] = name
    clock = "step" if first.lower() in ("step", "global_step", "_step") else first
    found = [
        (run, frame.select(pl.col(first).alias(clock), *(pl.col(name).alias(metric) for metric, name in own.items())))
        for run, own in runs.items()
        if clock not in own
    ]
    return [("", found[0][1])] if len(found) == 1 else found
