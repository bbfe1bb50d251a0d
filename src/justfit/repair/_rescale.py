"""An output in the targets' own unit, of a network that is trained on targets at mean 0 and standard deviation 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from justfit.cures import Applied
from justfit.records import Change

OUTPUT = Change(
    kind="input_scaling",
    where="output",
    before="as the last layer gives it",
    after="times the targets' standard deviation, plus their mean",
    code="prediction = model(x) * y_std + y_mean  # in the targets' own unit",
    why="The network predicts targets at mean 0 and standard deviation 1, and is asked for the targets themselves.",
)


def rescale_output_(module: nn.Module, mean: Tensor, std: Tensor) -> Applied:
    """Give a network's output the targets' mean and standard deviation, in place.

    Both become buffers, `output_mean` and `output_std`, so that they are in the state dict and move with the network.
    """
    return Applied(changes=(OUTPUT,), _edits=[_Rescaling(module, mean, std)])


class _Rescaling:
    """The two buffers and the hook that reads them, as an edit that can be taken back."""

    place = "output"

    def __init__(self, module: nn.Module, mean: Tensor, std: Tensor) -> None:
        self._module, self._names = module, (_free(module, "output_mean"), _free(module, "output_std"))
        for name, value in zip(self._names, (mean, std), strict=True):
            module.register_buffer(name, value.clone())
        self._handle = module.register_forward_hook(_Rescaled(*self._names))

    def is_intact(self) -> bool:
        """Tell whether both buffers are still there."""
        return all(name in self._module._buffers for name in self._names)

    def undo(self) -> None:
        """Remove the hook and its buffers."""
        self._handle.remove()
        for name in self._names:
            delattr(self._module, name)


@dataclass(frozen=True, slots=True)
class _Rescaled:
    """A forward hook that scales an output by two buffers of its module; copies with the module."""

    mean: str
    std: str

    def __call__(self, module: nn.Module, _inputs: Any, outputs: Any) -> Any:
        if not isinstance(outputs, Tensor):
            return outputs
        return outputs * module.get_buffer(self.std) + module.get_buffer(self.mean)


def _free(module: nn.Module, wanted: str) -> str:
    name, number = wanted, 2
    while hasattr(module, name):
        name, number = f"{wanted}_{number}", number + 1
    return name
