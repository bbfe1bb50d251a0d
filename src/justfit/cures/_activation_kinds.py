"""Which activations there are, by module and by operation, and what can be wrong with them."""

from __future__ import annotations

import copy

from torch import nn

from justfit.errors import ArgumentError

BY_NAME: dict[str, type[nn.Module]] = {
    "celu": nn.CELU,
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "hardswish": nn.Hardswish,
    "leaky_relu": nn.LeakyReLU,
    "mish": nn.Mish,
    "prelu": nn.PReLU,
    "relu": nn.ReLU,
    "relu6": nn.ReLU6,
    "selu": nn.SELU,
    "silu": nn.SiLU,
    "softplus": nn.Softplus,
    "tanh": nn.Tanh,
}
# Operation as the probe names it: what is wrong with it in a hidden layer.
SATURATING = {
    "sigmoid": "it passes at most a quarter of the gradient, and next to nothing at its ends",
    "tanh": "it is flat at both ends, where it passes no gradient",
    "hardtanh": "its derivative is 0 outside its range",
    "hardsigmoid": "it passes at most a sixth of the gradient, and nothing outside its range",
    "softsign": "it is flat at both ends, where it passes next to no gradient",
    "logsigmoid": "it is flat at its upper end and never positive",
    "softmax": "it makes the units compete, and passes next to no gradient where one wins",
    "log_softmax": "it makes the units compete, and passes next to no gradient where one wins",
}
DYING = {
    "relu": "a unit that is off for every example gets no gradient and stays off",
    "relu6": "a unit that is off for every example gets no gradient and stays off",
    "threshold": "a unit below the threshold for every example gets no gradient and stays there",
    "hardshrink": "a unit near zero for every example gets no gradient and stays there",
    "softshrink": "a unit near zero for every example gets no gradient and stays there",
}
LINEAR = "it is the identity, so the layers around it are one linear layer"

_OPERATIONS = {
    nn.Sigmoid: "sigmoid",
    nn.Tanh: "tanh",
    nn.ReLU6: "relu6",
    nn.Hardtanh: "hardtanh",
    nn.Hardsigmoid: "hardsigmoid",
    nn.Softsign: "softsign",
    nn.LogSigmoid: "logsigmoid",
    nn.Softmax: "softmax",
    nn.Softmax2d: "softmax",
    nn.Softmin: "softmax",
    nn.LogSoftmax: "log_softmax",
    nn.ReLU: "relu",
    nn.Threshold: "threshold",
    nn.Hardshrink: "hardshrink",
    nn.Softshrink: "softshrink",
    nn.LeakyReLU: "leaky_relu",
}


def operation_of(module: nn.Module) -> str:
    """Name the operation of an activation module as the probe does; its class name in lower case if it is unknown."""
    for kind, name in _OPERATIONS.items():  # subclasses stand before their bases
        if isinstance(module, kind):
            return name
    return type(module).__name__.lower()


def new_activation(new: str | nn.Module) -> nn.Module:
    """Make the activation that is asked for; of a module a copy.

    Raises:
        ArgumentError: There is no such activation.
    """
    if isinstance(new, nn.Module):
        return copy.deepcopy(new)
    if new not in BY_NAME:
        raise ArgumentError(
            f"`new` must be a module or one of {', '.join(BY_NAME)}.",
            found=f"`new={new!r}`",
            way_out='For ReLU that dies take "leaky_relu" or "gelu", for sigmoid and tanh "relu".',
        )
    return BY_NAME[new]()


def fault_of(operation: str, module: nn.Module | None, new: nn.Module) -> str:
    """Say what is wrong with an activation in a hidden layer, beside the new one; nothing if nothing is."""
    if module is not None and isinstance(module, nn.LeakyReLU) and module.negative_slope == 1:
        return LINEAR
    planned = operation_of(new)
    if operation == planned or (operation in DYING and planned in DYING):
        return ""
    return SATURATING.get(operation, "") or DYING.get(operation, "")


def match_module(new: nn.Module, like: nn.Module, old: nn.Module | None = None) -> nn.Module:
    """Give a new module the mode of the one it stands in for, and the device and dtype of the network around it."""
    parameter = next((p for p in like.parameters() if p.is_floating_point()), None)
    if parameter is not None:
        new.to(device=parameter.device, dtype=parameter.dtype)
    training = like.training if old is None else old.training
    for part in new.modules():
        part.training = training
    return new
