"""One optimizer while it is watched: which parameters it moves, and what a sampled step of it shows."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from justfit.watch._activations import Activations
from justfit.watch._layers import LayerTable
from justfit.watch._reading import MISSING, UpdateMeter, gradient_of, norms, real_entries, unscaled
from justfit.watch._series import QUANTITIES, SampleSeries

NUM_NORMS = 4  # weight, gradient, clipped gradient, update


class Sampler:
    """Reads the gradients, weights and updates of one optimizer.

    Args:
        optimizer: The optimizer; None if the host calls `before_step` and `after_step` itself.
        index: Among the optimizers of the run.
        name: In the record.
        module: The network, whose parameters are read if there is no optimizer.
        table: Its layers.
    """

    def __init__(
        self, optimizer: torch.optim.Optimizer | None, index: int, name: str, module: nn.Module, table: LayerTable
    ) -> None:
        self.optimizer = optimizer
        self.index = index
        self.name = name
        self.series = SampleSeries()
        self.num_steps = 0
        self.num_skipped = 0
        self.due = False
        self.is_broken = False  # a gradient of the last sample held NaN or infinity
        self.parameters: list[nn.Parameter] = []
        self.layers: tuple[int, ...] = ()  # that it moves
        self.device = torch.device("cpu")
        self.share: Callable[[nn.Parameter], float] | None = None  # of a squared norm, in the sum over processes
        self._module = module
        self._table = table
        self._place: list[int] = []  # of each parameter's layer in `layers`
        self._factors: list[float] = []  # of each parameter's norm
        self._meter: UpdateMeter | None = None
        self._gradients: Tensor | None = None  # norms after backward
        self._clipped: Tensor | None = None
        self._weights: Tensor | None = None

    def refresh(self, main: dict[int, int]) -> None:
        """Look again which parameters there are.

        Args:
            main: Of each layer the optimizer that moves most of it.
        """
        found = {id(p): p for p in self.all_parameters() if p.requires_grad}
        kept = [p for p in found.values() if main.get(self._table.layer_of(p).index, self.index) == self.index]
        if [id(p) for p in kept] == [id(p) for p in self.parameters]:
            return
        self.parameters = kept
        owners = [self._table.layer_of(p).index for p in kept]
        self.layers = tuple(dict.fromkeys(owners))
        self._place = [self.layers.index(owner) for owner in owners]
        self._factors = [1.0 if self.share is None else math.sqrt(self.share(p)) for p in kept]
        self.device = kept[0].device if kept else torch.device("cpu")
        self._meter = UpdateMeter(kept)
        self._gradients = self._clipped = self._weights = None

    def all_parameters(self) -> list[nn.Parameter]:
        """Return what the optimizer holds, frozen or not."""
        if self.optimizer is None:
            return list(self._module.parameters())
        return [p for group in self.optimizer.param_groups for p in group["params"]]

    def read_gradients(self, unscale: Callable[[Tensor], Tensor]) -> None:
        """Read the gradients as backward left them."""
        self._gradients = unscale(self._gradient_norms())

    def before_step(self) -> None:
        """Read the weights, and the gradients as they are now, after clipping."""
        self._weights = norms([real_entries(p) for p in self.parameters], self.device)
        self._clipped = self._used_gradients()
        if self._meter is not None:
            self._meter.take()

    def after_step(self, *, learning_rate: float, activations: Activations, late: bool) -> list[float]:
        """Read what the step changed, and enter the sample.

        Args:
            learning_rate: Of the first parameter group, before the step.
            activations: Of the forward passes of this step.
            late: Backward ran within the step, so that only now the gradients are there.

        Returns:
            The gradient norm of each of `layers`.
        """
        if late:
            self._clipped = self._used_gradients()
        if self._weights is None or self._clipped is None or self._meter is None:
            return []
        gradients = self._clipped if self._gradients is None else self._gradients
        updates = self._meter.update_norms(self.device)
        parts = [self._weights, gradients, self._clipped, updates]
        if activations:
            parts.append(torch.stack(activations.measured).to(self.device))
        numbers = torch.cat(parts).tolist()  # the one transfer to the host of this step
        num = len(self.parameters)
        self.is_broken = not all(map(math.isfinite, numbers[num : 3 * num]))
        row: list[float] = []
        for quantity in range(NUM_NORMS):
            row += self._by_layer(numbers[quantity * num : (quantity + 1) * num])
        row += activations.of_layers(self.layers, numbers[NUM_NORMS * num :])
        self.series.add(self.num_steps, learning_rate, self.layers, row)
        self._gradients = self._clipped = self._weights = None
        return row[len(self.layers) : 2 * len(self.layers)]

    def last_norms(self) -> list[float]:
        """Return the norms of the last sample: weight, gradient, clipped gradient, update; of each one a layer."""
        return self.series.last_row()[: NUM_NORMS * len(self.layers)]

    def last_by_quantity(self) -> dict[str, list[float]]:
        """Return the last sample: of each quantity one number a layer."""
        row, num = self.series.last_row(), len(self.layers)
        return {name: row[place * num : (place + 1) * num] for place, name in enumerate(QUANTITIES)}

    def learning_rate(self) -> float:
        """Return the learning rate of the first parameter group; NaN if there is none."""
        groups: Sequence[dict[str, Any]] = () if self.optimizer is None else self.optimizer.param_groups
        return float(groups[0].get("lr", math.nan)) if groups else math.nan

    def state_dict(self) -> dict[str, Any]:
        """Return what `load_state_dict` takes."""
        return {"series": self.series.state_dict(), "num_steps": self.num_steps, "num_skipped": self.num_skipped}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on counting where a stored run ended."""
        self.series.load_state_dict(state["series"])
        self.num_steps, self.num_skipped = state["num_steps"], state["num_skipped"]

    def num_bytes(self) -> int:
        """Count what is kept in memory."""
        return self.series.num_bytes() + (0 if self._meter is None else self._meter.num_bytes())

    def _gradient_norms(self) -> Tensor:
        return norms([gradient_of(p) for p in self.parameters], self.device)

    def _used_gradients(self) -> Tensor:
        """Read the gradients that the optimizer uses; a fused one under AMP divides by the scale itself."""
        return unscaled(self._gradient_norms(), getattr(self.optimizer, "grad_scale", None))

    def _by_layer(self, values: list[float]) -> list[float]:
        """Put the norms of a layer's parameters together; those that have none are left out."""
        held: list[list[float]] = [[] for _ in self.layers]
        for place, value, factor in zip(self._place, values, self._factors, strict=True):
            if value != MISSING:
                held[place].append(value * factor)
        return [_together(norms_of_one) for norms_of_one in held]


def _together(values: list[float]) -> float:
    if len(values) == 1:
        return values[0]
    return math.hypot(*values) if values else math.nan
