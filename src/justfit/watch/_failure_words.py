"""Sentences on where NaN or infinity came from."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from justfit.watch._layers import bare_name
from justfit.watch._loss_trail import LossTrail

MAX_SHOWN_ROWS = 8


def share(name: str, values: Tensor) -> str:
    """Say how many values are not finite."""
    return f"{int((~torch.isfinite(values)).sum())} of {values.numel()} values of `{bare_name(name)}`"


def listed_candidates(names: Sequence[str]) -> str:
    """Say which derivatives can be infinite."""
    if not names:
        return ""
    return f". In the graph of the loss the derivative of {' and '.join(f'`{name}`' for name in names)} can be infinite"


def what_it_compares_with(trail: LossTrail) -> str:
    """Say that the targets are not finite, and in which rows."""
    where = f" in row{'s' * (len(trail.rows) > 1)} {listed(trail.rows)} of {trail.num_rows}" if trail.rows else ""
    return f"what `{trail.operation}` compares with or multiplies by is not finite{where}"


def rows_in_words(rows: Sequence[int], name: str) -> str:
    """Say which rows of the batch, with the verb."""
    if not rows:
        return f"`{name}` is"
    return f"Row {rows[0]} of the batch is" if len(rows) == 1 else f"Rows {listed(rows)} of the batch are"


def listed(rows: Sequence[int]) -> str:
    """List rows, not too many."""
    shown = ", ".join(str(row) for row in rows[:MAX_SHOWN_ROWS])
    return f"{shown} and {len(rows) - MAX_SHOWN_ROWS} more" if len(rows) > MAX_SHOWN_ROWS else shown


def sentence(text: str) -> str:
    """Begin with a capital."""
    return text[:1].upper() + text[1:]
