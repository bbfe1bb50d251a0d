"""Which trainings the hand-written batched kernels can do: plain multilayer perceptrons, trained plainly."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from justfit.sweep._layout import Layout
from justfit.sweep._loop import default_generator_kept, named_seed
from justfit.sweep._losses import IGNORED_CLASS
from justfit.sweep._problem import Activation, Task
from justfit.sweep._training import SweepVariant, Training

_ACTIVATIONS: dict[type[nn.Module], Activation] = {nn.ReLU: "relu", nn.Tanh: "tanh", nn.Sigmoid: "logistic"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognised:
    """A multilayer perceptron, as the batched kernels see it.

    Attributes:
        layout: Shapes.
        activation: Hidden activation.
        task: Which loss.
        layers: Name of each Linear layer within the module, in order.
        dropped: For each hidden layer, whether an `nn.Dropout` follows it.
        dropout: p of those, as built; 0 where there are none.
    """

    layout: Layout
    activation: Activation
    task: Task
    layers: tuple[str, ...]
    dropped: tuple[bool, ...]
    dropout: float


class _NotPlainError(Exception):
    """Why a training is not recognised, in words."""


def recognise(training: Training, variants: tuple[SweepVariant, ...]) -> Recognised | str:
    """Read a training as that of a multilayer perceptron, if that is what it is.

    Recognised are an `nn.Sequential` (nested ones unrolled, `nn.Identity` passed over) of an optional `nn.Flatten`,
    then `nn.Linear`, ReLU, Tanh or Sigmoid (one kind throughout, or none at all) and an optional `nn.Dropout`, and so
    on to a last `nn.Linear`; cross entropy of class codes, or mean squared error of one output; "adam"; one dtype,
    float32 or float64, on the CPU; no clipping. Anything else trains on another tier, to the same result.

    Args:
        training: What would be trained.
        variants: With which settings; they matter only where the network's dropouts differ among themselves.

    Returns:
        What was recognised, or the reason why not.
    """
    try:
        _check_training(training)
        with default_generator_kept():
            torch.manual_seed(named_seed(variants[0].seed, "build"))
            module = training.build()
        return _read(module, training, variants)
    except _NotPlainError as reason:
        return str(reason)


def _check_training(training: Training) -> None:
    if training.optimizer != "adam":
        raise _NotPlainError(f"the optimizer is {_named(training.optimizer)}, not 'adam'")
    if training.clip_norm is not None:
        raise _NotPlainError("gradients are clipped")
    if torch.device(training.device).type != "cpu":
        raise _NotPlainError(f"it trains on {training.device}")
    inputs = training.examples.inputs
    if not isinstance(inputs, Tensor):
        raise _NotPlainError(f"the network takes a {type(inputs).__name__} of tensors")
    if inputs.dtype not in (torch.float32, torch.float64) or inputs.dim() < 2:
        raise _NotPlainError(f"inputs are {inputs.dim()}-dimensional {inputs.dtype}, not rows of float32 or float64")


def _named(thing: object) -> str:
    return repr(thing) if isinstance(thing, str) else f"a {getattr(thing, '__name__', type(thing).__name__)}"


def _read(module: nn.Module, training: Training, variants: tuple[SweepVariant, ...]) -> Recognised:
    leaves = list(_leaves(module))
    width = _input_width(leaves, training.examples.inputs)
    layers, activations, rates = _stack(leaves, training.examples.inputs.dtype)
    if layers[0][1].in_features != width:
        raise _NotPlainError(f"the first layer takes {layers[0][1].in_features} numbers, an example has {width}")
    sizes = [layers[0][1].in_features, *(layer.out_features for _, layer in layers)]
    built = {rate for rate in rates if rate is not None}
    if len(built) > 1 and any(variant.setting.dropout is None for variant in variants):
        raise _NotPlainError("its dropout rates differ from layer to layer")
    return Recognised(
        layout=Layout(width, tuple(sizes[1:-1]), sizes[-1]),
        activation=activations.pop() if activations else "identity",
        task=_task(training, sizes[-1]),
        layers=tuple(name for name, _ in layers),
        dropped=tuple(rate is not None for rate in rates),
        dropout=built.pop() if built else 0.0,
    )


def _leaves(module: nn.Module, prefix: str = "") -> Iterator[tuple[str, nn.Module]]:
    """The layers of nested Sequentials in order of use, with their names."""
    name = prefix.removesuffix(".")
    if any((module._forward_hooks, module._forward_pre_hooks, module._backward_hooks, module._backward_pre_hooks)):
        raise _NotPlainError(f"{name or 'the network'} carries hooks")
    if isinstance(module, nn.Sequential) and type(module).forward is nn.Sequential.forward:
        if module._parameters or module._buffers:
            raise _NotPlainError(f"{name or 'the network'} has tensors of its own")
        for child_name, child in module._modules.items():  # not `named_children`, which leaves out second uses
            if child is not None:
                yield from _leaves(child, f"{prefix}{child_name}.")
    elif not isinstance(module, nn.Identity):
        yield name, module


def linear(module: nn.Module, name: str) -> nn.Linear:
    """The Linear layer of a name."""
    layer = module.get_submodule(name)
    assert isinstance(layer, nn.Linear)  # noqa: S101 - tells the type checker what `recognise` has seen
    return layer


def _input_width(leaves: list[tuple[str, nn.Module]], inputs: Tensor) -> int:
    """Numbers per example; takes a leading Flatten off the leaves."""
    if leaves and type(leaves[0][1]) is nn.Flatten:
        flatten = leaves.pop(0)[1]
        if flatten.start_dim != 1 or flatten.end_dim not in (-1, inputs.dim() - 1):
            raise _NotPlainError("its Flatten keeps more than the batch dimension")
    elif inputs.dim() != 2:
        raise _NotPlainError(f"inputs have {inputs.dim()} dimensions and nothing flattens them")
    return inputs[0].numel()


def _stack(
    leaves: list[tuple[str, nn.Module]], dtype: torch.dtype
) -> tuple[list[tuple[str, nn.Linear]], set[Activation], list[float | None]]:
    """Linear layers, the kind of activation between them (empty: none), p after each hidden layer (None: no site)."""
    layers: list[tuple[str, nn.Linear]] = []
    activations: list[Activation | None] = []
    rates: list[float | None] = []
    for name, leaf in leaves:
        kind = type(leaf)
        if kind is nn.Linear:
            layers.append((name, _checked(name, leaf, dtype)))
            activations.append(None)
            rates.append(None)
        elif not layers:
            raise _NotPlainError(f"it starts with {kind.__name__}")
        elif kind in _ACTIVATIONS and activations[-1] is None and rates[-1] is None:
            activations[-1] = _ACTIVATIONS[kind]
        elif type(leaf) is nn.Dropout and rates[-1] is None and leaf.p < 1:
            rates[-1] = leaf.p
        else:
            raise _NotPlainError(f"{name} is a {kind.__name__}, which the batched kernels do not have there")
    if not layers or activations.pop() is not None or rates.pop() is not None:
        raise _NotPlainError("it does not end in a Linear layer")
    tensors = [id(tensor) for _, layer in layers for tensor in (layer.weight, layer.bias)]
    if len(set(tensors)) < len(tensors):
        raise _NotPlainError("a layer is used twice")
    kinds = set(activations)
    if len(kinds) > 1:
        raise _NotPlainError("its activations differ from layer to layer")
    return layers, {kind for kind in kinds if kind is not None}, rates


def _checked(name: str, layer: nn.Module, dtype: torch.dtype) -> nn.Linear:
    assert isinstance(layer, nn.Linear)  # noqa: S101 - tells the type checker what its caller has seen
    if layer.bias is None:
        raise _NotPlainError(f"{name} has no bias")
    for parameter in (layer.weight, layer.bias):
        if not parameter.requires_grad:
            raise _NotPlainError(f"{name} is frozen")
        if parameter.dtype != dtype or parameter.device.type != "cpu":
            raise _NotPlainError(f"{name} is {parameter.dtype} on {parameter.device}")
    return layer


def _task(training: Training, num_outputs: int) -> Task:
    loss_fn, targets = training.loss_fn, training.examples.targets
    if not isinstance(targets, Tensor):
        raise _NotPlainError(f"targets are a {type(targets).__name__} of tensors")
    if loss_fn is functional.cross_entropy or _is_plain_cross_entropy(loss_fn):
        codes = targets.dtype == torch.int64 and targets.dim() == 1
        if not codes or num_outputs < 2 or int(targets.min()) < 0 or int(targets.max()) >= num_outputs:
            raise _NotPlainError(f"targets are not class codes in 0 … {num_outputs - 1}")
        return "classification"
    if loss_fn is functional.mse_loss or (type(loss_fn) is nn.MSELoss and loss_fn.reduction == "mean"):
        if num_outputs != 1 or targets.dtype != training.examples.inputs.dtype or targets.shape[1:] != (1,):
            raise _NotPlainError("the squared error is not that of one output and targets of one column [n, 1]")
        return "regression"
    raise _NotPlainError(f"the loss is {_named(loss_fn)}, neither plain cross entropy nor mean squared error")


def _is_plain_cross_entropy(loss_fn: object) -> bool:
    return (
        type(loss_fn) is nn.CrossEntropyLoss
        and loss_fn.weight is None
        and loss_fn.ignore_index == IGNORED_CLASS
        and loss_fn.reduction == "mean"
        and loss_fn.label_smoothing == 0.0
    )
