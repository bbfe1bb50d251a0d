"""Which of a host's metrics is the validation loss."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

# As the documentation and examples of the hosts write it, the house's own first.
VALIDATION_NAMES = (
    *("validation_loss", "val_loss", "valid_loss", "eval_loss"),
    *("validation/loss", "val/loss", "valid/loss", "eval/loss"),
    *("loss/validation", "loss/val", "loss/valid", "loss/eval"),
)


def find_loss(metrics: Mapping[str, Any], name: str | None) -> float | None:
    """Find a loss among metrics.

    Args:
        metrics: Name → number.
        name: Which one; None for the first of the names that validation losses usually have. One of several data
            loaders (`val_loss/dataloader_idx_0`) is found by the name before the mark.

    Returns:
        The loss; None where there is none.

    Warns:
        UserWarning: `name` was given, and no metric has it.

    >>> find_loss({"val_acc": 0.9, "val_loss": 0.5}, None)
    0.5
    """
    for wanted in VALIDATION_NAMES if name is None else (name,):
        for known, value in metrics.items():
            if known == wanted or known.startswith(f"{wanted}/dataloader_idx_"):
                return float(value)
    if name is not None:
        found = ", ".join(f"`{known}`" for known in metrics) or "no metric"
        warnings.warn(
            f"A metric named `{name}` must be logged. Found {found}. Give the callback the name of one of them.",
            stacklevel=2,
        )
    return None
