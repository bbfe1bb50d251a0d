"""What torch functions do to a signal, by name: which hold a weight, bend, normalise, join or drop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

# How many units' outputs: the weight's dimension that counts units.
CONVOLUTIONS = {
    **dict.fromkeys(("conv1d", "conv2d", "conv3d"), 0),
    **dict.fromkeys(("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"), 1),
}
EMBEDDINGS = frozenset({"embedding", "embedding_bag"})
PRODUCTS = frozenset({"matmul", "mm", "bmm", "einsum", "addmm", "baddbmm", "mv"})
RECURRENT = frozenset({"lstm", "gru", "rnn_tanh", "rnn_relu"})
RECURRENT_CELLS = frozenset({"lstm_cell", "gru_cell", "rnn_tanh_cell", "rnn_relu_cell"})
DROPOUTS = frozenset(
    {"dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_dropout", "feature_alpha_dropout"}
)
NORMALISATIONS = frozenset(
    {
        *("batch_norm", "layer_norm", "group_norm", "instance_norm", "rms_norm", "normalize", "local_response_norm"),
        *("native_layer_norm", "native_batch_norm", "normalise"),
    }
)
STATISTICS = frozenset({"rsqrt", "sqrt", "std", "norm", "vector_norm"})  # by which hand-written normalisations divide
SUMS = frozenset({"add", "cat", "concat", "stack"})
SCALINGS = frozenset({"mul", "div", "multiply", "divide", "true_divide"})

# Derivative exactly zero below: where a unit can die. Above `relu6` and `hardtanh` it is zero too; that is saturation.
DEAD_BELOW = {"relu": 0.0, "relu6": 0.0, "threshold": 0.0, "hardswish": -3.0}
SATURATING = frozenset({"tanh", "sigmoid", "softsign", "hardtanh", "hardsigmoid", "erf"})
GATES = frozenset({"relu", "gelu", "silu", "hardswish", "softplus", "leaky_relu"})  # f(x) − f(−x) is linear in x
NONLINEARITIES = frozenset(
    {
        *GATES,
        *SATURATING,
        *("relu6", "threshold", "elu", "selu", "celu", "mish", "prelu", "rrelu", "logsigmoid", "hardshrink"),
        *("softshrink", "tanhshrink", "glu", "sin", "cos", "exp", "softmax", "log_softmax", "square", "abs"),
    }
)
# Written by masks, not by arithmetic: infinity is meant there.
MASKS = frozenset({"masked_fill", "where", "full", "full_like", "new_full", "fill", "triu", "tril", "zeros", "setitem"})

# By which examples are sent to one module or another.
ROUTING = frozenset({"topk", "argmax", "argsort", "sort", "multinomial", "nonzero", "bincount"})

# Python functions of torch whose inner operations hold weights, so the tracer must look inside.
COMPOSITE = frozenset({"multi_head_attention_forward"})

# What the tracer does not run as it is, or takes note of.
SPECIAL = COMPOSITE | DROPOUTS | RECURRENT | ROUTING | {"scaled_dot_product_attention", "batch_norm", "hardtanh"}

_names: dict[Any, str] = {}


def operation_name(function: Callable[..., Any]) -> str:
    """Name a torch function without the marks of its variants: `relu_`, `__iadd__` and `__radd__` lose them."""
    name = _names.get(function)
    if name is None:
        name = getattr(function, "__name__", type(function).__name__).strip("_")
        if name[:1] in ("i", "r") and name[1:] in {"add", "sub", "mul", "div", "matmul", "truediv"}:
            name = name[1:]
        name = {"truediv": "div", "concatenate": "cat", "swish": "silu", "log_sigmoid": "logsigmoid"}.get(name, name)
        _names[function] = name
    return name
