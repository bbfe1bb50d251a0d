"""What `scheme="auto"` asks of its batch, and how it runs networks that differentiate in their forward pass."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from justfit.errors import ArgumentError

NEEDS_GRADIENT = "does not require grad"  # how torch words it where a forward pass calls `torch.autograd.grad`


def require_batch(inputs: tuple[Any, ...], keywords: Mapping[str, Any]) -> None:
    """Refuse a batch that measures nothing.

    Masks may hold −∞: a tensor whose other entries are none above zero.

    Raises:
        ArgumentError: No batch was given, it is empty, or it holds NaN or infinity.
    """
    if not inputs and not keywords:
        raise ArgumentError(
            'The scheme "auto" must see a batch, since it measures what flows through the network.',
            found="no inputs",
            way_out='Pass one batch, as the module takes it: `initialize_(module, inputs, scheme="auto")`.',
        )
    tensors = [value for value in tree_leaves((inputs, dict(keywords))) if isinstance(value, Tensor)]
    plain = [tensor for tensor in tensors if tensor.layout == torch.strided and not tensor.is_nested]
    found = ""
    if plain and not plain[0].numel():
        found = f"a tensor of shape {tuple(plain[0].shape)}"
    elif any(_is_broken(tensor) for tensor in plain):
        found = "NaN or infinity"
    if found:
        raise ArgumentError(
            "The batch must hold at least one example of finite numbers.",
            found=found,
            way_out="Pass a batch as training will see it; the network is as it was.",
        )


def _is_broken(tensor: Tensor) -> bool:
    if not (tensor.is_floating_point() or tensor.is_complex()) or bool(tensor.isfinite().all()):
        return False
    return tensor.is_complex() or bool(tensor.isnan().any()) or bool((tensor > 0).any())


@contextmanager
def _gradients(module: nn.Module) -> Iterator[None]:
    """Run every forward pass of the module with gradients; whoever calls it gets the old mode back on leaving."""

    def switch_on(*_: Any) -> None:
        torch.set_grad_enabled(True)

    handle = module.register_forward_pre_hook(switch_on)
    try:
        yield
    finally:
        handle.remove()


def running(module: nn.Module, *, with_gradient: bool) -> Any:
    """Choose how forward passes run: as they are, or with gradients."""
    return _gradients(module) if with_gradient else nullcontext()


def needs_gradient(error: BaseException) -> bool:
    """Tell whether a forward pass failed since it differentiates, and gradients were off."""
    return isinstance(error, RuntimeError) and NEEDS_GRADIENT in str(error)
