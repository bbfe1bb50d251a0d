"""A sweep's record as tables."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from justfit.records import ModuleSweepRecord

if TYPE_CHECKING:
    import polars as pl

_CURVES = ("train_loss", "train_loss_se", "validation_loss", "validation_loss_se")


def cells_frame(record: ModuleSweepRecord) -> pl.DataFrame:
    """All cells, one row each, without their curves; `cell` is the index in the record."""
    import polars as pl

    rows: list[dict[str, Any]] = []
    for k, cell in enumerate(record.cells):
        row = {"cell": k, **asdict(cell.setting), **asdict(cell)}
        for name in ("setting", "epochs", *_CURVES):
            del row[name]
        rows.append({**row, "chosen": k == record.chosen})
    return pl.DataFrame(rows, infer_schema_length=None, schema_overrides=_setting_types(pl))


def curves_frame(record: ModuleSweepRecord) -> pl.DataFrame:
    """All learning curves, one row for each cell and measured epoch."""
    import polars as pl

    rows = [
        {
            "cell": k,
            **asdict(cell.setting),
            "epoch": epoch,
            **{name: getattr(cell, name)[position] for name in _CURVES},
        }
        for k, cell in enumerate(record.cells)
        for position, epoch in enumerate(cell.epochs)
    ]
    return pl.DataFrame(rows, infer_schema_length=None, schema_overrides=_setting_types(pl))


def _setting_types(pl: Any) -> dict[str, Any]:
    """Types of the columns that may hold nothing but null."""
    return {"l2": pl.Float64, "dropout": pl.Float64, "learning_rate": pl.Float64, "init": pl.String}
