"""Stop when no later epoch is likely to be better, and keep the best network."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from justfit import rules
from justfit.errors import ArgumentError, OutputError

if TYPE_CHECKING:
    from justfit.records import Advice, Direction


class EarlyStopping:
    """Says after each epoch whether to stop, and keeps the parameters and buffers of the best one.

    Args:
        module: The network whose best state is kept; None to keep none.
        direction: `minimize` for losses, `maximize` for scores such as accuracy.
        path: File for the best state, in safetensors format; in memory, on the CPU, by default.

    Raises:
        ArgumentError: `path` is given without a module.
        OutputError: The folder of `path` is not there.

    Example:
        >>> network = nn.Linear(2, 1)
        >>> stopping = EarlyStopping(network)
        >>> advice = stopping.update(train_loss=0.9, validation_loss=1.0)
        >>> advice.stop, advice.is_best
        (False, True)
        >>> stopping.restore_().best_epoch
        1
    """

    def __init__(
        self,
        module: nn.Module | None = None,
        *,
        direction: Direction = "minimize",
        path: str | os.PathLike[str] | None = None,
    ) -> None:
        if path is not None and module is None:
            raise ArgumentError(
                "`path` is where the best state of a module is kept.",
                found="`path` without `module`",
                way_out="Pass the network as well.",
            )
        if path is not None and not Path(path).absolute().parent.is_dir():
            raise OutputError(
                "`path` must lie in a folder that is there.",
                found=f"`{path}`",
                way_out="Make the folder first.",
            )
        self._module = module
        self._path = None if path is None else Path(path)
        self._judge = rules.OnlineJudge(direction=direction)
        self._best: dict[str, Any] | None = None  # empty if it lies in the file
        self.advice: Advice | None = None

    @property
    def best_epoch(self) -> int | None:
        """Number of the best epoch so far; None before the first."""
        return None if self.advice is None else self.advice.best_epoch

    def update(
        self,
        *,
        validation_loss: float | Tensor,
        train_loss: float | Tensor = float("nan"),
        validation_loss_se: float = float("nan"),
        train_loss_se: float = float("nan"),
        epoch: int | None = None,
    ) -> Advice:
        """Tell the losses of one epoch, and get the advice.

        Args:
            validation_loss: Mean per example on data the network is not trained on, or a score.
            train_loss: The same on the training data, if it is known.
            validation_loss_se: One standard error of it, if it is known.
            train_loss_se: The same of the train loss.
            epoch: Its number; counted from 1 by default.

        Returns:
            Whether to stop, whether this epoch is the best so far (its state has been kept then), and why.

        Raises:
            ArgumentError: The state is to be kept in a file, and holds more than tensors.
        """
        self.advice = self._judge.update(
            float(train_loss),
            float(validation_loss),
            epoch=epoch,
            train_loss_se=train_loss_se,
            validation_loss_se=validation_loss_se,
        )
        if self.advice.is_best and self._module is not None:
            self._keep(self._module)
        return self.advice

    def restore_(self) -> EarlyStopping:
        """Give the module the parameters and buffers of the best epoch, in place.

        Returns:
            Itself.

        Raises:
            ArgumentError: There is no module, or no epoch with a validation loss that is a number was told yet.
        """
        if self._module is None or self._best is None:
            missing = "no epoch" if self.advice is None else "no epoch with a validation loss that is a number"
            raise ArgumentError(
                "There must be a best state to restore.",
                found="no `module`" if self._module is None else missing,
                way_out="Pass the network to `EarlyStopping`, and call `update` after each epoch.",
            )
        self._module.load_state_dict(self._kept(self._best))
        return self

    def _keep(self, module: nn.Module) -> None:
        state = module.state_dict()
        if self._path is None:
            self._best = {name: _copied(value) for name, value in state.items()}
            return
        from safetensors.torch import save

        from justfit.report import write_atomically

        other = next((name for name, value in state.items() if not isinstance(value, Tensor)), None)
        if other is not None:
            raise ArgumentError(
                "A state that is kept in a file must hold tensors only.",
                found=f"{type(state[other]).__name__} as `{other}`",
                way_out="Leave `path` out, and the best state is kept in memory.",
            )
        tensors = {name: value.detach().cpu().clone().contiguous() for name, value in state.items()}
        write_atomically(self._path, save(tensors))
        self._best = {}

    def _kept(self, best: dict[str, Any]) -> dict[str, Any]:
        if self._path is None:
            return best
        from safetensors.torch import load_file

        return dict(load_file(self._path))


def _copied(value: Any) -> Any:
    """Copy to the CPU: the device needs its memory for the training."""
    if not isinstance(value, Tensor):
        return value
    copy = value.detach().to("cpu", copy=True)
    return copy if copy.layout is torch.strided else copy.clone()
