"""How the losses of one training run moved, as a loop saw them or as a log holds them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from justfit.errors import ArgumentError

Direction = Literal["minimize", "maximize"]


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """One training run, epoch by epoch. A value that is missing is NaN; every tuple has one entry per epoch.

    Attributes:
        epochs: Number of the epoch (or step) each entry belongs to, rising.
        train_loss: On rows the network was trained on.
        validation_loss: On rows it was not trained on; all NaN where there was no validation.
        train_loss_se, validation_loss_se: One standard error each; NaN where unknown.
        direction: `minimize` for losses and errors, `maximize` for scores such as accuracy.
        train_mode: The train loss was averaged while training (dropout and augmentation on, weights moving), so that it
            may lie above the validation loss; None where it is not known.
        train_name, validation_name: What the two series are called where they come from.
        epoch_name: What `epochs` counts, such as `epoch` or `step`.
        source: Where they come from, such as a file; empty for a live run.
        kind: Format of the source, such as `lightning csv`.
        notes: What was chosen, left out or repaired on reading, one sentence each.
    """

    epochs: tuple[int, ...]
    train_loss: tuple[float, ...]
    validation_loss: tuple[float, ...]
    train_loss_se: tuple[float, ...] = ()
    validation_loss_se: tuple[float, ...] = ()
    direction: Direction = "minimize"
    train_mode: bool | None = None
    train_name: str = "train_loss"
    validation_name: str = "validation_loss"
    epoch_name: str = "epoch"
    source: str = ""
    kind: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("train_loss", "validation_loss", "train_loss_se", "validation_loss_se"):
            given = getattr(self, name)
            if name.endswith("_se") and not given:
                object.__setattr__(self, name, (float("nan"),) * len(self.epochs))
            elif len(given) != len(self.epochs):
                raise ArgumentError(
                    f"`{name}` must have one entry per epoch.",
                    found=f"{len(given)} entries for {len(self.epochs)} epochs",
                    way_out="Write NaN where a value is missing.",
                )
        if any(later <= earlier for earlier, later in zip(self.epochs, self.epochs[1:], strict=False)):
            raise ArgumentError(
                "`epochs` must rise.",
                found=f"{self.epochs[:8]}{'…' if len(self.epochs) > 8 else ''}",
                way_out="Sort the history, and keep one entry per epoch.",
            )
