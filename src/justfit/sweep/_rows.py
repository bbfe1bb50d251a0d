"""Trainable parameters of many networks, one network a row, so that one optimizer call moves them all.

Notation: C networks, P trainable numbers of one network.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn

from justfit.sweep._loop import build_optimizer
from justfit.sweep._training import SweepVariant, Training

# Rows are filled up to a multiple of this many numbers: two registers of the widest processors. So no number is ever
# left to the scalar end of a vector loop, which rounds differently, wherever a unit is cut.
ROW_MULTIPLE = 64


class Rows:
    """Values and gradients of C networks as [C, P], seen also as one [C, …] tensor a parameter.

    P is the number of trainable numbers, filled up to a multiple of 64.

    Args:
        parameters: Of one of the networks: names and shapes; all of one dtype and on one device.
        num_networks: C.

    Attributes:
        values, gradients: [C, P].
        value, gradient: Views of those, by name.
    """

    def __init__(self, parameters: Mapping[str, Tensor], num_networks: int) -> None:
        example = next(iter(parameters.values()))
        self._shapes = {name: tensor.shape for name, tensor in parameters.items()}
        self._sizes = [shape.numel() for shape in self._shapes.values()]
        self._sizes.append(-sum(self._sizes) % ROW_MULTIPLE)
        self.values = torch.zeros(num_networks, sum(self._sizes), dtype=example.dtype, device=example.device)
        self.gradients = torch.zeros_like(self.values)
        self.value, self.gradient = self.split(self.values), self.split(self.gradients)

    def split(self, rows: Tensor) -> dict[str, Tensor]:
        """See [any, P] as one [any, …] view a parameter."""
        pieces = torch.split(rows, self._sizes, 1)[:-1]
        return {n: piece.view(len(rows), *s) for (n, s), piece in zip(self._shapes.items(), pieces, strict=True)}

    def fill(self, rows: Mapping[str, Tensor]) -> Tensor:
        """Write one [any, …] tensor a parameter side by side: [any, P]."""
        pieces = [rows[name].flatten(1) for name in self._shapes]
        return torch.cat([*pieces, pieces[0].new_zeros(len(pieces[0]), self._sizes[-1])], 1).to(self.values.device)

    def clip(self, largest_norm: float) -> None:
        """Scale each network's gradient down to a norm, as `clip_grad_norm_` does."""
        norms = self.gradients.norm(dim=1, keepdim=True)
        self.gradients.mul_((largest_norm / (norms + 1e-6)).clamp(max=1.0))


class RowsOptimizer:
    """One optimizer for each run of rows with the same learning rate.

    An elementwise optimizer (its step of a number depends on that number's own history alone) moves each number of a
    row exactly as it would in its own network.

    Args:
        training: Names or makes the optimizer.
        variants: Of the rows; those of one learning rate stand together.
        rows: What it moves.
    """

    def __init__(self, training: Training, variants: Sequence[SweepVariant], rows: Rows) -> None:
        self._rows = rows
        self._parts: list[tuple[slice, nn.Parameter, torch.optim.Optimizer, list[float]]] = []
        for part in runs_of_equals([variant.setting.learning_rate for variant in variants]):
            parameter = nn.Parameter(rows.values[part].view(-1))
            parameter.grad = rows.gradients[part].view(-1)
            optimizer = build_optimizer(training, variants[part.start], [parameter])
            peaks = [group["lr"] for group in optimizer.param_groups]
            self._parts.append((part, parameter, optimizer, peaks))

    def step(self, factor: float) -> None:
        """Take one step at the peak learning rates times a factor."""
        for _, _, optimizer, peaks in self._parts:
            for group, peak in zip(optimizer.param_groups, peaks, strict=True):
                group["lr"] = peak * factor
            optimizer.step()

    def state(self) -> dict[str, Tensor]:
        """What it remembers, under the names of the plain loop: `optimizer.key.parameter`, [C, …] each."""
        parts = [self._state_of(*part[:3]) for part in self._parts]
        return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}

    def _state_of(self, part: slice, parameter: nn.Parameter, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
        found: dict[str, Tensor] = {}
        num_rows = part.stop - part.start
        for key, value in optimizer.state.get(parameter, {}).items():
            if value is None:
                continue
            tensor = torch.as_tensor(value)
            if tensor.numel() == parameter.numel() and tensor.dim() > 0:
                pieces = self._rows.split(tensor.view(num_rows, -1))
            else:  # a count of steps and the like: one for all numbers
                pieces = dict.fromkeys(self._rows.value, tensor.expand(num_rows))
            found |= {f"optimizer.{key}.{name}": piece for name, piece in pieces.items()}
        return found

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take up what `state` (or the plain loop) gave."""
        by_key: dict[str, dict[str, Tensor]] = {}
        for name, tensor in tensors.items():
            kind, _, rest = name.partition(".")
            if kind == "optimizer":
                key, _, of = rest.partition(".")
                by_key.setdefault(key, {})[of] = tensor
        for part, parameter, optimizer, _ in self._parts:
            for key, pieces in by_key.items():
                optimizer.state[parameter][key] = self._loaded(part, pieces)

    def _loaded(self, part: slice, pieces: dict[str, Tensor]) -> Tensor:
        if any(pieces[name].dim() != value.dim() for name, value in self._rows.value.items()):
            return next(iter(pieces.values()))[part.start].clone()  # a count of steps and the like
        return self._rows.fill({name: piece[part] for name, piece in pieces.items()}).view(-1)


def runs_of_equals(values: Sequence[object]) -> Iterator[slice]:
    """Slices of neighbours that are equal."""
    start = 0
    for index in range(1, len(values) + 1):
        if index == len(values) or values[index] != values[start]:
            yield slice(start, index)
            start = index
