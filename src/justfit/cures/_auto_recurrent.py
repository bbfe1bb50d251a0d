"""Recurrent layers: each gate a block of its own."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from justfit.cures._initialization_draw import haar, stream

FORGET_BIAS = 1.0


def recurrent_values(module: nn.Module, seed: int) -> dict[str, Tensor]:
    """Draw new values for every RNN, GRU and LSTM, cells included.

    Input weights keep the mean square of what they read, recurrent weights are orthogonal, both gate by gate; biases
    are zero, but the forget gate of an LSTM starts at one.

    Args:
        module: Whose recurrent layers are looked for.
        seed: Of the random streams.

    Returns:
        New value by parameter name.

    References:
        Jozefowicz, Zaremba, Sutskever, "An Empirical Exploration of Recurrent Network Architectures", 2015, section 5
        (forget bias). Saxe, McClelland, Ganguli, 2014, section 3 (orthogonal).
    """
    values: dict[str, Tensor] = {}
    for prefix, part in module.named_modules():
        if not isinstance(part, nn.RNNBase | nn.RNNCellBase):
            continue
        is_lstm = isinstance(part, nn.LSTMCell) or getattr(part, "mode", "") == "LSTM"
        for name, parameter in part.named_parameters(recurse=False):
            path = f"{prefix}.{name}" if prefix else name
            values[path] = _value(name, parameter, part.hidden_size, stream(seed, path), is_lstm=is_lstm)
    return values


def _value(name: str, parameter: Tensor, hidden: int, generator: torch.Generator, *, is_lstm: bool) -> Tensor:
    if parameter.dim() < 2:
        value = torch.zeros(parameter.shape)
        if is_lstm and name.startswith("bias_ih"):
            value[hidden : 2 * hidden] = FORGET_BIAS  # torch stacks input, forget, cell, output
        return value.to(parameter)
    num_gates = max(1, parameter.shape[0] // hidden)
    rows, columns = parameter.shape[0] // num_gates, parameter.shape[1]
    gaussian = torch.randn(num_gates, rows, columns, generator=generator, dtype=torch.float64)
    return (haar(gaussian) * math.sqrt(max(1.0, rows / columns))).reshape(parameter.shape).to(parameter)
