"""The folder of an MLflow run: `metrics/NAME` holds a line `timestamp value step` for each value."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from justfit.errors import LogFormatError
from justfit.logs._log import Log
from justfit.logs._rows import wide
from justfit.logs._source import Source, read_text

Points = list[tuple[float, float]]


def read_run_folder(folder: Path, name: str, run: str) -> Log:
    """Read the folder of one run.

    A metric whose steps are all 0, as `log_metric` writes without a step, is numbered in the order of writing.

    Raises:
        LogFormatError: A file is not such lines, or there is no metric.
    """
    metrics = folder / "metrics"
    series = {
        str(path.relative_to(metrics)): _points(Source(path=path, name=f"{name}/{path.relative_to(folder)}"))
        for path in sorted(metrics.rglob("*"))
        if path.is_file()
    }
    if not series:
        raise LogFormatError(
            "The folder of an MLflow run must hold metrics.",
            found=f"none in `{name}`",
            way_out="Log the losses with `mlflow.log_metric(name, value, step=epoch)`.",
        )
    return Log(frame=wide(numbered(series)), tool="mlflow", form="folder", run=run)


def numbered(series: dict[str, Points]) -> dict[str, Points]:
    """Number the values of a metric whose steps are all the same.

    >>> numbered({"loss": [(0, 0.5), (0, 0.4)]})
    {'loss': [(1, 0.5), (2, 0.4)]}
    """
    return {
        name: [(k, value) for k, (_, value) in enumerate(points, start=1)]
        if len(points) > 1 and len({step for step, _ in points}) == 1
        else points
        for name, points in series.items()
    }


def _points(source: Source) -> Points:
    text = read_text(source)
    wrong = LogFormatError(
        "The metrics of an MLflow run must be lines of `timestamp value step`.",
        found=f"other text in `{source.name}`",
        way_out="Name the folder of the run as MLflow wrote it.",
    )
    try:
        frame = pl.read_csv(
            text.encode(), separator=" ", has_header=False, infer_schema=False, truncate_ragged_lines=True
        )
    except pl.exceptions.NoDataError:
        return []
    except pl.exceptions.PolarsError as error:
        raise wrong from error
    if frame.width < 2:
        raise wrong
    step = frame.columns[2] if frame.width > 2 else frame.columns[0]
    numbers = frame.select(pl.col(step).cast(pl.Float64, strict=False), pl.col(frame.columns[1]))
    numbers = numbers.with_columns(pl.nth(1).cast(pl.Float64, strict=False)).drop_nulls(numbers.columns[0])
    if not numbers.height:
        raise wrong
    return [(at, float("nan") if value is None else value) for at, value in numbers.iter_rows()]
