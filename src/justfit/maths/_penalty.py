"""The L2 penalty of the lecture, as a number that can be added to any loss.

Notation: w all weights, λ = `l2`, n = `num_examples`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from numbers import Integral, Real

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.nn.utils import parametrize

from justfit.errors import ArgumentError, UnsupportedModuleError

NORMALIZATION = (
    nn.modules.batchnorm._NormBase,  # BatchNorm, SyncBatchNorm and InstanceNorm of every dimension
    nn.LayerNorm,
    nn.GroupNorm,
    nn.RMSNorm,
)


def l2_penalty(
    module_or_parameters: nn.Module | Iterable[Tensor],
    l2: float,
    num_examples: int,
    *,
    include_biases: bool = False,
    include_normalization: bool = False,
) -> Tensor:
    r"""Compute the L2 term that turns the mean loss into the regularized objective.

    .. math:: J = L(w, b) + \frac{\lambda}{2n}\lVert w\rVert_2^2, \qquad
              \frac{\partial}{\partial w}\,\frac{\lambda}{2n}\lVert w\rVert_2^2 = \frac{\lambda}{n}\,w

    L is any loss that is a *mean* over examples. n is the number of training examples, not of the batch, so
    that the objective does not depend on the batch size. Plain SGD with `weight_decay=l2 / num_examples` takes
    the same steps; Adam with this term (coupled) and AdamW (decoupled) do not.

    Args:
        module_or_parameters: A module, or a tensor, or an iterable of tensors; see `sum_squares` for what counts.
        l2: λ, at least 0.
        num_examples: n, at least 1.
        include_biases: Count a module's biases too.
        include_normalization: Count a module's normalisation weights too.

    Returns:
        A 0-dim tensor on the weights' device and of their dtype, differentiable.

    Raises:
        ArgumentError: `l2` or `num_examples` lies outside its range, or there is nothing to penalize.
        UnsupportedModuleError: A weight has no values yet, or is recomputed by a hook.

    Example:
        >>> layer = nn.Linear(2, 1)
        >>> _ = layer.weight.data.copy_(torch.tensor([[3.0, 4.0]]))
        >>> l2_penalty(layer, l2=0.1, num_examples=10).item()  # 0.1 / 20 · 25
        0.125

    References:
        The lecture's eq. 1 and eq. 2. Krogh, Hertz, "A Simple Weight Decay Can Improve Generalization", 1991.
    """
    if not (isinstance(l2, Real) and math.isfinite(l2) and l2 >= 0):
        raise ArgumentError(
            "`l2` must be a finite number that is at least 0.",
            found=f"`l2={l2!r}`",
            way_out="It is λ of the term λ/(2n)·Σw²; 0 switches it off.",
        )
    if not (isinstance(num_examples, Integral) and num_examples >= 1):
        raise ArgumentError(
            "`num_examples` must be a whole number that is at least 1.",
            found=f"`num_examples={num_examples!r}`",
            way_out="It is the number of training examples, not the batch size.",
        )
    weights = _weights(module_or_parameters, include_biases, include_normalization)
    return (l2 / (2.0 * num_examples) * _sum_squares(weights)).to(_common_dtype(weights))


def sum_squares(
    module_or_parameters: nn.Module | Iterable[Tensor],
    *,
    include_biases: bool = False,
    include_normalization: bool = False,
) -> Tensor:
    r"""Compute the squared norm of all weights.

    .. math:: \lVert w\rVert_2^2 = \sum_i w_i^2 = w^\top w

    Of a module count all parameters (embeddings and frozen ones too: freezing a layer must not make the value
    jump, and it has no gradient anyway) except biases (parameters named "bias", "bias_…" or "…_bias") and those of
    BatchNorm, InstanceNorm, LayerNorm, GroupNorm, RMSNorm and of other classes whose name ends in "Norm". A
    parameter used in several places counts once. A weight behind `torch.nn.utils.parametrizations` counts as the
    weight the layer computes with, not as the parameters behind it. Of an iterable all given tensors count.

    Args:
        module_or_parameters: A module, or a tensor, or an iterable of floating-point tensors.
        include_biases: Count a module's biases too.
        include_normalization: Count a module's normalisation weights too.

    Returns:
        A 0-dim differentiable tensor on the first weight's device, in float32 or better: half precision would
        overflow at 65504.

    Raises:
        ArgumentError: There is nothing to count, or something that is not a floating-point tensor.
        UnsupportedModuleError: A weight has no values yet, or is recomputed by a hook.

    Example:
        >>> sum_squares([torch.tensor([1.0, 2.0]), torch.tensor([[2.0]])]).item()
        9.0

    References:
        The lecture's eq. 2.
    """
    return _sum_squares(_weights(module_or_parameters, include_biases, include_normalization))


def _sum_squares(weights: list[Tensor]) -> Tensor:
    dtype = torch.promote_types(_common_dtype(weights), torch.float32)
    # view_as_real: |w|² of a complex weight is the sum over its two parts
    reals = (torch.view_as_real(weight) if weight.is_complex() else weight for weight in weights)
    return torch.stack([real.to(dtype).square().sum().to(weights[0].device) for real in reals]).sum()


def _common_dtype(weights: list[Tensor]) -> torch.dtype:
    dtype = weights[0].dtype
    for weight in weights[1:]:
        dtype = torch.promote_types(dtype, weight.dtype)
    return dtype.to_real()


def _weights(source: nn.Module | Iterable[Tensor], biases: bool, normalization: bool) -> list[Tensor]:
    if isinstance(source, nn.Module):
        found: Iterable[object] = _module_weights(source, biases, normalization)
    else:
        found = [source] if isinstance(source, Tensor) else source
    weights = list({id(weight): _checked(weight) for weight in found}.values())
    if not weights:
        raise ArgumentError(
            "There must be at least one weight to penalize.",
            found="none",
            way_out="Biases and normalisation weights count with `include_biases` and `include_normalization`; "
            "an iterator such as `parameters()` is empty after its first use.",
        )
    return weights


def _module_weights(root: nn.Module, biases: bool, normalization: bool) -> Iterator[Tensor]:
    for name, module in root.named_modules():
        if isinstance(module, parametrize.ParametrizationList):
            continue  # counted as the weight it makes, by the layer it belongs to
        if not normalization and _is_normalization(module):
            continue
        if any(hasattr(hook, "compute_weight") for hook in module._forward_pre_hooks.values()):
            raise UnsupportedModuleError(
                "A weight must be a parameter or made by `torch.nn.utils.parametrizations`.",
                found=f"a hook that recomputes the weight of `{name}`",
                way_out="Use `torch.nn.utils.parametrizations.weight_norm` in place of `torch.nn.utils.weight_norm`.",
            )
        tensors: dict[str, Tensor | None] = dict(module._parameters)
        if parametrize.is_parametrized(module):
            tensors |= {key: getattr(module, key) for key in module.parametrizations}
        for key, tensor in tensors.items():
            if tensor is not None and (biases or not _is_bias(key)):
                yield tensor


def _is_bias(name: str) -> bool:
    return name == "bias" or name.startswith("bias_") or name.endswith("_bias")


def _is_normalization(module: nn.Module) -> bool:
    foreign = type(module).__name__.rstrip("123d").endswith("Norm")  # LlamaRMSNorm, FrozenBatchNorm2d, …
    return isinstance(module, NORMALIZATION) or (foreign and not isinstance(module, nn.Linear))


def _checked(weight: object) -> Tensor:
    if isinstance(weight, Tensor) and is_lazy(weight):
        raise UnsupportedModuleError(
            "Every weight must have values before its norm can be taken.",
            found="an uninitialized parameter of a lazy layer",
            way_out="Run one batch through the network first.",
        )
    if not isinstance(weight, Tensor) or not (weight.is_floating_point() or weight.is_complex()):
        raise ArgumentError(
            "`module_or_parameters` must be a module or an iterable of floating-point tensors.",
            found=f"a tensor of {weight.dtype}" if isinstance(weight, Tensor) else f"a {type(weight).__name__}",
            way_out="Pass `model`, or `model.parameters()` (not `named_parameters()`).",
        )
    return weight
