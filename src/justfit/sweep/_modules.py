"""From a layout to ordinary `torch.nn` modules and back."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils import skip_init

from justfit.cures import Scheme, initialize_
from justfit.sweep._layout import Layout
from justfit.sweep._problem import Activation

_ACTIVATION_MODULES: dict[Activation, type[nn.Module]] = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "logistic": nn.Sigmoid,
    "identity": nn.Identity,
}


# (weight_IO, bias_O) of each layer of one network.
Parameters = list[tuple[Tensor, Tensor]]


def build_module(layout: Layout, activation: Activation, dropout: float, dtype: torch.dtype) -> nn.Sequential:
    """Build the ordinary PyTorch network of a layout, parameters not yet set (no random number is drawn).

    Args:
        layout: Shapes.
        activation: Hidden activation.
        dropout: p of the `nn.Dropout` after each hidden activation; 0 leaves them out.
        dtype: Of the parameters.
    """
    layers: list[nn.Module] = []
    width = layout.num_features
    for units in layout.hidden:
        layers += [_linear(width, units, dtype), _ACTIVATION_MODULES[activation]()]
        if dropout > 0:
            layers.append(nn.Dropout(dropout))
        width = units
    layers.append(_linear(width, layout.num_outputs, dtype))
    return nn.Sequential(*layers)


def initial_parameters(
    layout: Layout, activation: Activation, seed: int, init: Scheme, dtype: torch.dtype
) -> Parameters:
    """Draw the initial (weight_IO, bias_O) of each layer; a function of seed and scheme alone."""
    module = build_module(layout, activation, 0.0, dtype)
    initialize_(module, scheme=init, seed=seed)
    return [(linear.weight.detach().t(), linear.bias.detach()) for linear in _linears(module)]


def write_variant(layout: Layout, flat: Tensor, index: int, parameters: Parameters) -> None:
    """Copy one network's (weight_IO, bias_O) pairs into place `index` of a flat buffer."""
    weights, biases = layout.views(flat, len(flat) // layout.num_stored)
    for (source_weight, source_bias), weight, bias in zip(parameters, weights, biases, strict=True):
        columns = source_weight.shape[1]
        weight[index, :, :columns] = source_weight
        bias[index, 0, :columns] = source_bias


def read_variant(layout: Layout, flat: Tensor, index: int, activation: Activation, dropout: float) -> nn.Sequential:
    """Copy place `index` of a flat buffer into an ordinary PyTorch network, in eval mode."""
    module = build_module(layout, activation, dropout, flat.dtype)
    weights, biases = layout.views(flat, len(flat) // layout.num_stored)
    with torch.no_grad():
        for linear, weight, bias in zip(_linears(module), weights, biases, strict=True):
            linear.weight.copy_(weight[index, :, : linear.out_features].t())
            linear.bias.copy_(bias[index, 0, : linear.out_features])
    return module.eval()


def _linear(fan_in: int, fan_out: int, dtype: torch.dtype) -> nn.Linear:
    linear = skip_init(nn.Linear, fan_in, fan_out, dtype=dtype)  # type: ignore[no-untyped-call]  # torch has no types here
    assert isinstance(linear, nn.Linear)  # noqa: S101 - tells the type checker what skip_init returns
    return linear


def _linears(module: nn.Sequential) -> list[nn.Linear]:
    return [layer for layer in module if isinstance(layer, nn.Linear)]
