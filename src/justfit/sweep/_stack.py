"""Many networks of one structure as one program: a stacked forward pass under `torch.func.vmap`, one backward pass.

The backward pass is taken outside of vmap, by ordinary autograd over the stacked operations: that is faster than
vmap of a gradient, and the same numbers.

Notation: C networks, B batch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import vmap

from justfit.maths import sum_squares
from justfit.sweep._dropout_mode import DropoutMode
from justfit.sweep._loop import built_module, call_arguments, moved, take
from justfit.sweep._losses import example_losses
from justfit.sweep._penalty_gradient import penalized_weights
from justfit.sweep._rows import Rows, RowsOptimizer
from justfit.sweep._slots import Slots
from justfit.sweep._training import SweepVariant, Training


class Stack:
    """C networks that share seed and number of steps, trained as one.

    Args:
        training: How they are trained.
        variants: Those of one learning rate stand together; all with a dropout of their own, or none.

    Attributes:
        rows: Trainable parameters and their gradients.
        fixed: All other parameters, by name, [C, …] each.
        buffers: By name, [C, …] each.
    """

    def __init__(self, training: Training, variants: Sequence[SweepVariant]) -> None:
        self.training, self.variants = training, variants
        self._module = built_module(training, variants[0])
        modules = _built(training, variants, self._module)
        known = dict(self._module.named_parameters())
        self.rows = Rows({name: p for name, p in known.items() if p.requires_grad}, len(variants))
        stacked = {name: torch.stack([dict(m.named_parameters())[name].detach() for m in modules]) for name in known}
        for name, value in self.rows.value.items():
            value.copy_(stacked.pop(name))
        self.fixed = stacked
        self.buffers = {
            name: torch.stack([dict(module.named_buffers())[name] for module in modules])
            for name, _ in self._module.named_buffers()
        }
        self._leaves = {name: value.detach().requires_grad_() for name, value in self.rows.value.items()}
        self._optimizer = RowsOptimizer(training, variants, self.rows)
        self._penalties = _Penalties(training, variants, self._module, self.rows)
        self._numbers = self._numbers_of_each()
        self._slots = Slots(self._module)

    def _numbers_of_each(self) -> dict[str, Tensor]:
        """Numbers that differ between networks, [C] each: p where it is asked for, λ/n where it is needed."""
        rates = [variant.setting.dropout for variant in self.variants]
        numbers = {"l2": self._penalties.coefficients} if self._penalties.inside else {}
        return numbers | ({} if rates[0] is None else {"p": self.rows.values.new_tensor(rates)})

    def step(self, rows: Tensor, factor: float) -> None:
        """Take one training step on rows of the examples: [B] for all networks, or [C, B]."""
        self.gradient(rows)
        if self.training.clip_norm is not None:
            self.rows.clip(self.training.clip_norm)
        self._optimizer.step(factor)

    def gradient(self, rows: Tensor) -> None:
        """Write the gradient of each network's penalized loss into `rows.gradients`; moves the buffers."""
        self._module.train()
        losses, buffers = vmap(self._loss, randomness="same")(
            self._leaves | self.fixed,
            self.buffers,
            self._numbers,
            self._stacked(self.training.examples.inputs, rows),
            self._stacked(self.training.examples.targets, rows),
        )
        gradients = torch.autograd.grad(losses.sum(), list(self._leaves.values()), materialize_grads=True)
        with torch.no_grad():
            self._keep(buffers)
            for name, gradient in zip(self._leaves, gradients, strict=True):
                self._penalties.add(name, gradient)

    def _loss(
        self,
        parameters: dict[str, Tensor],
        buffers: dict[str, Tensor],
        numbers: dict[str, Tensor],
        inputs: Any,
        targets: Any,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        with self._slots.lent(parameters | buffers):
            outputs = self._outputs(numbers.get("p"), inputs)
            loss = self.training.loss_fn(outputs, targets)
            if self._penalties.inside:
                loss = loss + 0.5 * numbers["l2"] * sum_squares(self._module)
            return loss, {name: buffer.detach() for name, buffer in self._slots.buffers().items()}

    def _outputs(self, rate: Tensor | None, inputs: Any) -> Any:
        positional, keywords = call_arguments(inputs)
        with DropoutMode(rate, stacked=True):
            return self._module(*positional, **keywords)

    def _keep(self, buffers: Mapping[str, Tensor]) -> None:
        """Write what was left behind; most modules have written it in place already."""
        for name, buffer in buffers.items():
            if buffer.data_ptr() != self.buffers[name].data_ptr():
                self.buffers[name].copy_(buffer)

    def _stacked(self, tree: Any, rows: Tensor) -> Any:
        # a copy for each network even of shared rows: noise that is drawn like an expanded tensor would be other noise
        return moved(take(tree, rows.expand(len(self.variants), -1)), self.training.device)

    def losses(self, indices: list[int], rows: Tensor) -> Tensor:
        """Per-example losses of some of the networks on some rows, in eval mode: [networks, rows]."""
        self._module.eval()
        chosen = torch.tensor(indices, device=self.rows.values.device)
        parameters = {name: tensor[chosen] for name, tensor in (self.rows.value | self.fixed).items()}
        buffers = {name: tensor[chosen] for name, tensor in self.buffers.items()}
        numbers = {name: tensor[chosen] for name, tensor in self._numbers.items()}
        examples, device = self.training.examples, self.training.device
        inputs, targets = (moved(take(tree, rows), device) for tree in (examples.inputs, examples.targets))

        def of_one(parameters: dict[str, Tensor], buffers: dict[str, Tensor], numbers: dict[str, Tensor]) -> Tensor:
            with self._slots.lent(parameters | buffers):
                outputs = self._outputs(numbers.get("p"), inputs)
            return example_losses(self.training.loss_fn, outputs, targets, len(rows))

        with torch.no_grad():
            return vmap(of_one, randomness="same")(parameters, buffers, numbers).cpu()

    def state(self) -> dict[str, Tensor]:
        """All that a network needs to go on, under the names of the plain loop; [C, …] each, copied."""
        tensors = {f"parameter.{name}": value for name, value in (self.rows.value | self.fixed).items()}
        tensors |= {f"buffer.{name}": value for name, value in self.buffers.items()}
        return {name: tensor.detach().cpu().clone() for name, tensor in (tensors | self._optimizer.state()).items()}

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take up what `state` (or the plain loop) gave."""
        for name, value in (self.rows.value | self.fixed).items():
            value.copy_(tensors[f"parameter.{name}"])
        for name, value in self.buffers.items():
            value.copy_(tensors[f"buffer.{name}"])
        self._optimizer.load(tensors)


class _Penalties:
    """The gradient λ/n·w of λ/(2n)·Σw², for exactly the weights that `l2_penalty` counts.

    Where the counted weights are the parameters themselves, λ/n·w is added to the gradient. Where they are computed
    from them (`torch.nn.utils.parametrizations`), the squares are part of the loss (`inside`).
    """

    def __init__(self, training: Training, variants: Sequence[SweepVariant], module: nn.Module, rows: Rows) -> None:
        self._rows = rows
        self.inside, self._penalized = False, set[str]()
        counts = {v.fold: len(training.examples.training_rows(v.fold)) for v in variants}
        self.coefficients = rows.values.new_tensor([v.setting.l2 / counts[v.fold] for v in variants])
        if any(variant.setting.l2 > 0 for variant in variants):
            found = penalized_weights(module)
            self.inside, self._penalized = found is None, found or set()

    def add(self, name: str, gradient: Tensor) -> None:
        """Write a parameter's gradient of the loss, and of the penalty, into the rows."""
        written = self._rows.gradient[name]
        if name in self._penalized:
            shape = (-1,) + (1,) * (gradient.dim() - 1)
            torch.addcmul(gradient, self._rows.value[name], self.coefficients.view(shape), out=written)
        else:
            written.copy_(gradient)


def _built(training: Training, variants: Sequence[SweepVariant], first: nn.Module) -> list[nn.Module]:
    """One module a variant; those of one scheme are one and the same."""
    by_scheme = {variants[0].setting.init: first}
    for variant in variants:
        if variant.setting.init not in by_scheme:
            by_scheme[variant.setting.init] = built_module(training, variant)
    return [by_scheme[variant.setting.init] for variant in variants]
