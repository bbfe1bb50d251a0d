"""Dropout between the layers of an RNN, GRU or LSTM, reached by running the layers one after the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

_VARIABLE = torch._C._VariableFunctions
RECURRENT = {_VARIABLE.lstm, _VARIABLE.gru, _VARIABLE.rnn_tanh, _VARIABLE.rnn_relu}


def recurrent(
    func: Callable[..., Any], drop: Callable[[Tensor, float], Tensor], args: tuple[Any, ...], keywords: dict[str, Any]
) -> Any:
    """Do what `func` does, with `drop` in place of its dropout.

    Args:
        func: One of `RECURRENT`.
        drop: Called with the output of every layer but the last, and p.
        args: As torch's own modules give them: (input, hidden state, weights, has biases, layers, p, training,
            bidirectional, batch first) or, for packed sequences, (data, batch sizes, hidden state, weights, has biases,
            layers, p, training, bidirectional).
        keywords: Anything here leaves the call as it is.

    Returns:
        Output, then hidden state (and, of an LSTM, cell state).
    """
    start = 2 if len(args) == 9 and isinstance(args[3], (list, tuple)) else 1  # where the hidden state stands
    if keywords or len(args) != 9:
        return func(*args, **keywords)
    hidden, weights, biases, num_layers, p, training, *rest = args[start:]
    if num_layers == 1 or not training or p == 0:
        return func(*args)
    states = hidden if isinstance(hidden, (list, tuple)) else (hidden,)
    size = len(weights) // num_layers
    each = states[0].shape[0] // num_layers  # directions
    output, finals = args[0], []
    for layer in range(num_layers):
        own = [state[layer * each : (layer + 1) * each] for state in states]
        given = tuple(own) if isinstance(hidden, (list, tuple)) else own[0]
        options = (list(weights[layer * size : (layer + 1) * size]), biases, 1, 0.0, training, *rest)
        output, *final = func(output, *args[1:start], given, *options)
        finals.append(final)
        if layer < num_layers - 1:
            output = drop(output, p)
    return output, *(torch.cat(parts) for parts in zip(*finals, strict=True))
