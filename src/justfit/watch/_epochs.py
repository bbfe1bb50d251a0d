"""Epoch by epoch: the losses a loop tells of, and the advice whether to go on."""

from __future__ import annotations

import math
from typing import Any

from torch import Tensor

from justfit import rules
from justfit.errors import ArgumentError
from justfit.records import Advice, History

_COLUMNS = ("epochs", "train_loss", "validation_loss", "train_loss_se", "validation_loss_se")


def number_of(loss: float | Tensor | None) -> float | None:
    """Return a loss as a number, whether or not it can still be differentiated."""
    return None if loss is None else float(loss.detach() if isinstance(loss, Tensor) else loss)


class Epochs:
    """Collects the history of a run and asks after each epoch whether it should stop.

    Attributes:
        train_mode: Some train loss was averaged while training; None where that is not known.
    """

    def __init__(self) -> None:
        self.train_mode: bool | None = None
        self._columns: dict[str, list[Any]] = {name: [] for name in _COLUMNS}
        self._judge = rules.OnlineJudge()

    @property
    def number(self) -> int:
        """Of the last epoch that ended; 0 before the first."""
        epochs = self._columns["epochs"]
        return int(epochs[-1]) if epochs else 0

    def end(self, epoch: int | None, train_mode: bool | None = None, /, **losses: float | None) -> Advice | None:
        """Enter one epoch.

        Args:
            epoch: Its number; one more than the last by default.
            train_mode: Its train loss was averaged while training; None if that is not known.
            losses: `train_loss` and so on; None for those that are not known.

        Returns:
            The advice of `justfit.rules.OnlineJudge`; None without a validation loss.

        Raises:
            ArgumentError: `epoch` does not rise.
        """
        number = self.number + 1 if epoch is None else int(epoch)
        if self._columns["epochs"] and number <= self.number:
            raise ArgumentError(
                "`epoch` must rise.",
                found=f"epoch {number} after {self.number}",
                way_out="Leave it out and epochs are counted.",
            )
        values = {name: math.nan if value is None else float(value) for name, value in losses.items()}
        if train_mode is not None:
            self.train_mode = train_mode or bool(self.train_mode)
        self._columns["epochs"].append(number)
        for name in _COLUMNS[1:]:
            self._columns[name].append(values.get(name, math.nan))
        return self._advise(-1) if not math.isnan(values.get("validation_loss", math.nan)) else None

    def history(self) -> History:
        """Return all epochs so far."""
        columns: dict[str, Any] = {name: tuple(values) for name, values in self._columns.items()}
        return History(**columns, train_mode=self.train_mode, kind="watch")

    def state_dict(self) -> dict[str, Any]:
        """Return what `load_state_dict` takes: lists of numbers, and one truth value."""
        return {**{name: list(values) for name, values in self._columns.items()}, "train_mode": self.train_mode}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a stored history; the online judge sees it again."""
        self._columns = {name: list(state[name]) for name in _COLUMNS}
        self.train_mode = state["train_mode"]
        self._judge = rules.OnlineJudge()
        for place, loss in enumerate(self._columns["validation_loss"]):
            if not math.isnan(loss):
                self._advise(place)

    def _advise(self, place: int) -> Advice:
        entry = {name: values[place] for name, values in self._columns.items()}
        return self._judge.update(
            entry["train_loss"],
            entry["validation_loss"],
            epoch=entry["epochs"],
            train_loss_se=entry["train_loss_se"],
            validation_loss_se=entry["validation_loss_se"],
        )
