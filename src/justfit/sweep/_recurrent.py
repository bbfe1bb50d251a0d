"""RNN, GRU and LSTM whose dropout can be reached, and which can be stacked.

Notation: T steps, B batch, H units.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

_VARIABLE = torch._C._VariableFunctions
_Cell = Callable[[Tensor, Tensor, tuple[Tensor, ...]], tuple[Tensor, ...]]
RECURRENT: set[Callable[..., Any]] = {_VARIABLE.lstm, _VARIABLE.gru, _VARIABLE.rnn_tanh, _VARIABLE.rnn_relu}


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


def recurrent_by_formula(
    func: Callable[..., Any], drop: Callable[[Tensor, float], Tensor], args: tuple[Any, ...]
) -> tuple[Tensor, ...]:
    """Do what `func` does, step by step in operations that can be stacked.

    Args:
        func: One of `RECURRENT`.
        drop: Called with the output of every layer but the last, and p.
        args: (input, hidden state, weights, has biases, layers, p, training, bidirectional, batch first).

    Returns:
        Output, then hidden state (and, of an LSTM, cell state).
    """
    data, hidden, weights, biases, num_layers, p, training, both, batch_first = args
    states = hidden if isinstance(hidden, (list, tuple)) else (hidden,)
    places = 2 if both else 1
    size = len(weights) // (num_layers * places)
    finals: list[tuple[Tensor, ...]] = []
    for layer in range(num_layers):
        steps = data.transpose(0, 1) if batch_first else data
        outputs = []
        for place in range(layer * places, (layer + 1) * places):
            backwards = place % places == 1
            own = _Direction(weights[place * size : (place + 1) * size], biases)
            output, final = own.run(_CELLS[func], steps.flip(0) if backwards else steps, [s[place] for s in states])
            outputs.append(output.flip(0) if backwards else output)
            finals.append(final)
        data = torch.cat(outputs, -1)
        data = data.transpose(0, 1) if batch_first else data
        if layer < num_layers - 1 and training and p > 0:
            data = drop(data, p)
    return data, *(torch.stack(parts) for parts in zip(*finals, strict=True))


class _Direction:
    """One layer in one direction: its weights."""

    def __init__(self, weights: list[Tensor], biases: bool) -> None:
        self.of_input, self.of_state, *rest = weights
        self.input_bias: Tensor | None = rest[0] if biases else None
        self.state_bias: Tensor | None = rest[1] if biases else None
        self.projection = rest[-1] if len(rest) % 2 else None  # of an LSTM with `proj_size`

    def run(self, cell: _Cell, steps: Tensor, states: list[Tensor]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Go through the steps: outputs [T, B, H], and the last states."""
        outputs = []
        state = tuple(states)
        for given in functional.linear(steps, self.of_input, self.input_bias).unbind(0):
            state = cell(given, functional.linear(state[0], self.of_state, self.state_bias), state)
            if self.projection is not None:
                state = (functional.linear(state[0], self.projection), *state[1:])
            outputs.append(state[0])
        return torch.stack(outputs), state


def _lstm(given: Tensor, recalled: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    take_in, keep, new, show = (given + recalled).chunk(4, -1)
    cell = keep.sigmoid() * state[1] + take_in.sigmoid() * new.tanh()
    return show.sigmoid() * cell.tanh(), cell


def _gru(given: Tensor, recalled: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    (reset, keep, new), (old_reset, old_keep, old) = given.chunk(3, -1), recalled.chunk(3, -1)
    fresh = (new + (reset + old_reset).sigmoid() * old).tanh()
    return (fresh + (keep + old_keep).sigmoid() * (state[0] - fresh),)


_CELLS: dict[Callable[..., Any], _Cell] = {
    _VARIABLE.lstm: _lstm,
    _VARIABLE.gru: _gru,
    _VARIABLE.rnn_tanh: lambda given, recalled, _: ((given + recalled).tanh(),),
    _VARIABLE.rnn_relu: lambda given, recalled, _: ((given + recalled).relu(),),
}
