"""K networks trained as one: batched matrix products, a hand-written backward pass, one fused optimizer.

Notation: K = D·M·L variants. D data groups (one fold and one seed each: the group's variants share their batch),
M dropout probabilities per data group, L variants per probability (they differ in l2 and initialization);
B batch, I fan_in, O fan_out.

One step, with a_0 = x, m the 0/1 mask, s = 1/(1−p), and activations stored masked *and* scaled:

    z_l = b_l + a_{l−1} W_l             a_l = s·φ(z_l)∘m_l
    δ_D = (softmax(z_D) − y) / B        or 2(z_D − y) / B
    ∂W_l = a_{l−1}ᵀ δ_l + (λ/n) W_l     ∂b_l = Σ_B δ_l
    δ_{l−1} = (s·δ_l W_lᵀ) ∘ φ'(z_{l−1}) ∘ m_{l−1}
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from justfit.sweep._adam import FlatAdam
from justfit.sweep._layout import Layout
from justfit.sweep._problem import Activation, Recipe, Task

_threshold_backward = torch.ops.aten.threshold_backward.grad_input


@dataclass(frozen=True, slots=True)
class Batch:
    """One step's data.

    Attributes:
        inputs_DBI: Inputs of each data group.
        goals_D1BO: One-hot classes, or the target in column 0; zero in the padding.
        weights_D1B1: Example weights divided by B.
        masks: One [D, M, 1, B, O] per hidden layer (see `mask_values`), None for a layer without dropout; or None for
            no dropout anywhere.
    """

    inputs_DBI: Tensor
    goals_D1BO: Tensor
    weights_D1B1: Tensor
    masks: list[Tensor | None] | None


@dataclass(frozen=True, slots=True)
class LayerSpace:
    """Buffers of one layer and every view of them that a step needs: making views costs a tenth of a small step.

    Attributes:
        out, delta: [K, B, O] activation (or output) and ∂(mean loss)/∂z.
        out_cells, delta_cells, bias_cells: The same (and the bias) as [D, M, L, …].
        out_data, delta_data: One [M·L, B, O] per data group; `delta_groups` is all of them, [D, M·L, B, O].
        out_transposed, weight_transposed: For the products of the backward pass.
        weight_data, gradient_data: One [M·L, I, O] per data group.
    """

    out: Tensor
    delta: Tensor
    out_cells: Tensor
    delta_cells: Tensor
    bias_cells: Tensor
    out_data: tuple[Tensor, ...]
    delta_data: tuple[Tensor, ...]
    delta_groups: Tensor
    out_transposed: Tensor
    weight_transposed: Tensor
    weight_data: tuple[Tensor, ...]
    gradient_data: tuple[Tensor, ...]


def mask_values(activation: Activation) -> tuple[float, float]:
    """What a mask holds for a kept and for a dropped unit.

    ReLU takes additive masks, 0 and −∞ (relu(z − ∞) = 0), which fuses dropout with adding the bias; the other
    activations are multiplied by 1 and 0.
    """
    return (0.0, -torch.inf) if activation == "relu" else (1.0, 0.0)


class ChunkKernel:
    """Train K variants of one multilayer perceptron, one step at a time.

    Args:
        layout: Shapes.
        recipe: Optimizer constants and activation.
        task: Which loss.
        flat: [K * num_stored] initial parameters, in the order [D][M][L]; updated in place.
        l2_over_n_K: λ/n of each variant.
        num_data_groups: D.
        dropouts: The M probabilities.
    """

    def __init__(
        self,
        layout: Layout,
        recipe: Recipe,
        *,
        task: Task,
        flat: Tensor,
        l2_over_n_K: Tensor,
        num_data_groups: int,
        dropouts: tuple[float, ...],
    ) -> None:
        self.layout = layout
        self.task: Task = task
        self.activation: Activation = recipe.activation
        self.flat = flat
        self.dropouts = dropouts
        self._num_variants = len(l2_over_n_K)
        self._grid = (num_data_groups, len(dropouts), -1)
        self.weights, self.biases = layout.views(flat, self._num_variants)
        gradient = torch.zeros_like(flat)
        self._weight_gradients, self._bias_gradients = layout.views(gradient, self._num_variants)
        self._l2_over_n_K11 = l2_over_n_K.to(flat.dtype).view(-1, 1, 1)
        self._scale_DM111 = (1.0 / (1.0 - torch.tensor(dropouts, dtype=flat.dtype))).view(1, -1, 1, 1, 1)
        self.adam = FlatAdam(flat, gradient, recipe)
        self._spaces: list[LayerSpace] = []

    def step(self, batch: Batch, learning_rate: float) -> None:
        """Take one optimizer step on every variant."""
        with torch.no_grad():
            self._forward(batch)
            self._output_delta(batch)
            self._backward(batch)
            self.adam.step(learning_rate)

    def _space(self, index: int, batch_size: int) -> LayerSpace:
        weight, gradient, bias = self.weights[index], self._weight_gradients[index], self.biases[index]
        shape = (self._num_variants, batch_size, weight.shape[2])
        out, delta = self.flat.new_empty(shape), self.flat.new_empty(shape)
        return LayerSpace(
            out=out,
            delta=delta,
            out_cells=self._by_cell(out),
            delta_cells=self._by_cell(delta),
            bias_cells=self._by_cell(bias),
            out_data=self._by_data(out).unbind(),
            delta_data=self._by_data(delta).unbind(),
            delta_groups=self._by_data(delta),
            out_transposed=out.transpose(1, 2),
            weight_transposed=weight.transpose(1, 2),
            weight_data=self._by_data(weight).unbind(),
            gradient_data=self._by_data(gradient).unbind(),
        )

    def _by_cell(self, tensor_KBO: Tensor) -> Tensor:
        return tensor_KBO.view(*self._grid, *tensor_KBO.shape[1:])

    def _by_data(self, tensor_KBO: Tensor) -> Tensor:
        return tensor_KBO.view(self._grid[0], -1, *tensor_KBO.shape[1:])

    def _forward(self, batch: Batch) -> None:
        """Run all layers; leave the masked, scaled hidden activations and the outputs in the layers' spaces."""
        batch_size = batch.inputs_DBI.shape[1]
        if not self._spaces or self._spaces[0].out.shape[1] != batch_size:
            self._spaces = [self._space(index, batch_size) for index in range(len(self.weights))]
        for index, space in enumerate(self._spaces):
            mask = batch.masks[index] if batch.masks is not None and index < len(self.layout.hidden) else None
            if mask is not None and self.activation == "relu":
                torch.add(space.bias_cells, mask, out=space.out_cells)
            else:
                space.out.copy_(self.biases[index])
            if index == 0:
                for inputs, out, weight in zip(
                    batch.inputs_DBI.unbind(), space.out_data, space.weight_data, strict=True
                ):
                    out.baddbmm_(inputs.expand(len(weight), *inputs.shape), weight)
            else:
                space.out.baddbmm_(self._spaces[index - 1].out, self.weights[index])
            if index < len(self.layout.hidden):
                self._activate(space, mask)

    def _activate(self, space: LayerSpace, mask: Tensor | None) -> None:
        if self.activation == "relu":
            space.out.relu_()
        elif self.activation == "tanh":
            space.out.tanh_()
        elif self.activation == "logistic":
            space.out.sigmoid_()
        if mask is not None:
            space.out_cells.mul_(self._scale_DM111 if self.activation == "relu" else mask * self._scale_DM111)

    def _output_delta(self, batch: Batch) -> None:
        """Write ∂(mean loss)/∂output."""
        space = self._spaces[-1]
        if self.task == "classification":
            torch.softmax(space.out, -1, out=space.delta)
            space.delta_groups.sub_(batch.goals_D1BO).mul_(batch.weights_D1B1)
        else:
            torch.mul(space.out, 2.0, out=space.delta)
            space.delta_groups.sub_(2.0 * batch.goals_D1BO).mul_(batch.weights_D1B1)

    def _backward(self, batch: Batch) -> None:
        for index in range(len(self.weights) - 1, -1, -1):
            space, gradient = self._spaces[index], self._weight_gradients[index]
            torch.sum(space.delta, 1, keepdim=True, out=self._bias_gradients[index])
            torch.mul(self.weights[index], self._l2_over_n_K11, out=gradient)
            if index == 0:
                transposed = batch.inputs_DBI.transpose(1, 2).unbind()
                for inputs, delta, group in zip(transposed, space.delta_data, space.gradient_data, strict=True):
                    group.baddbmm_(inputs.expand(len(delta), *inputs.shape), delta)
                return
            below = self._spaces[index - 1]
            gradient.baddbmm_(below.out_transposed, space.delta)
            mask = None if batch.masks is None else batch.masks[index - 1]
            if mask is not None:
                space.delta_cells.mul_(self._scale_DM111)
            below.delta.baddbmm_(space.delta, space.weight_transposed, beta=0)
            self._through_activation(below, mask)

    def _through_activation(self, space: LayerSpace, mask: Tensor | None) -> None:
        """Multiply by φ'(z)∘m, with φ' written in terms of φ(z) = activation / s where the unit was kept."""
        if self.activation == "relu":  # positive exactly where the unit was kept and active
            _threshold_backward(space.delta, space.out, 0, grad_input=space.delta)
            return
        if self.activation != "identity":
            value = space.out
            if mask is not None:
                value = (space.out_cells / self._scale_DM111).view_as(space.out)
            space.delta.mul_(1.0 - value * value if self.activation == "tanh" else value * (1.0 - value))
        if mask is not None:
            space.delta_cells.mul_(mask)
