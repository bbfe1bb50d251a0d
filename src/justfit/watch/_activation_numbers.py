"""Numbers of one activation, from what autograd saved of it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from justfit.watch._layers import Layer
from justfit.watch._reading import spread_entries

NUM_ENTRIES = 1 << 14  # of an activation, from which its size and saturation are told; a standard error of about 1 %
_BENDS = {
    "Relu": "relu", "LeakyRelu": "leaky_relu", "Elu": "elu", "Gelu": "gelu", "Silu": "silu", "Mish": "mish",
    "Softplus": "softplus", "Tanh": "tanh", "Sigmoid": "sigmoid", "Hardtanh": "hardtanh", "Hardswish": "hardswish",
    "Hardsigmoid": "hardsigmoid", "LogSigmoid": "logsigmoid", "Threshold": "threshold", "PreluKernel": "prelu",
    "Erf": "erf", "RreluWithNoise": "rrelu",
}  # fmt: skip
FLAT = 0.05  # share of the largest derivative below which an activation counts as saturated
_FLAT_TANH = (1 - FLAT) ** 0.5  # 1 − a² < 5 %
_FLAT_SIGMOID = 0.5 * (1 - FLAT) ** 0.5  # a(1 − a) < 5 % of 1/4, as distance from 1/2


def bend_of(kind: str, node: Any) -> str | None:
    """Name the nonlinearity of a node; None if it is none. Clamping to [0, 6] is `relu6`."""
    if kind in ("Hardtanh", "Clamp"):
        low = getattr(node, "_saved_min_val", getattr(node, "_saved_min", None))
        high = getattr(node, "_saved_max_val", getattr(node, "_saved_max", None))
        if kind == "Clamp" and low != 0:
            return None
        return "relu6" if low == 0 and high is not None else "relu" if low == 0 else "hardtanh"
    return _BENDS.get(kind)


def saved(node: Any, name: str) -> Tensor | None:
    """Return a tensor that autograd saved, if it lies there as it is; None if a hook would have to fetch it."""
    raw = getattr(node, f"_raw_saved_{name}", None)
    if raw is None or getattr(raw, "unpack_hook", raw) is not None:
        return None
    try:
        found = getattr(node, f"_saved_{name}")
    except RuntimeError:  # written to since, or freed
        return None
    return found.detach() if isinstance(found, Tensor) and _has_memory(found) else None


def _has_memory(tensor: Tensor) -> bool:
    """Tell whether the values are there at all: FSDP frees the memory of gathered weights and keeps the tensors."""
    return not tensor.numel() or tensor.layout is not torch.strided or tensor.untyped_storage().nbytes() > 0


Measured = tuple[Tensor, float]  # a number that lies on the device, and by what the host divides it


def rms(values: Tensor) -> Measured:
    """Measure the root mean square of an activation, from `NUM_ENTRIES` entries spread over it."""
    taken = spread_entries(values, NUM_ENTRIES)
    half = taken.dtype in (torch.float16, torch.bfloat16)
    size = torch.linalg.vector_norm(taken, dtype=torch.float32) if half else torch.linalg.vector_norm(taken)
    return size, max(taken.numel(), 1) ** 0.5


def dead_fraction(bend: str, node: Any, layer: Layer) -> Measured | None:
    """Measure the share of units whose derivative is zero on every example; None where that cannot be."""
    if bend == "relu":
        values, floor = _first_saved(node, "result", "self"), 0.0
    elif bend in ("relu6", "threshold", "hardswish"):
        values, floor = saved(node, "self"), {"threshold": getattr(node, "_saved_threshold", 0.0)}.get(bend, 0.0)
        floor = -3.0 if bend == "hardswish" else floor
    else:
        return None
    if values is None or values.dim() < 2 or not values.numel():
        return None
    largest = _largest_of_units(values, is_kernel=_is_kernel(layer))
    return (largest <= floor).sum(), largest.numel()


def saturated_fraction(bend: str, node: Any) -> Measured | None:
    """Measure the share of entries whose derivative is below `FLAT` of the largest; None where that cannot be."""
    if bend not in ("tanh", "sigmoid", "hardtanh", "hardsigmoid", "relu6"):
        return None
    values = saved(node, "result") if bend in ("tanh", "sigmoid") else saved(node, "self")
    if values is None or not values.numel():
        return None
    taken = spread_entries(values, NUM_ENTRIES)
    if bend == "tanh":
        flat = taken.abs() > _FLAT_TANH
    elif bend == "sigmoid":
        flat = (taken - 0.5).abs() > _FLAT_SIGMOID
    elif bend == "hardsigmoid":
        flat = taken.abs() >= 3
    elif bend == "relu6":
        flat = taken >= 6
    else:
        flat = (taken <= node._saved_min_val) | (taken >= node._saved_max_val)
    return flat.sum(), taken.numel()


def _first_saved(node: Any, *names: str) -> Tensor | None:
    return next((tensor for name in names if (tensor := saved(node, name)) is not None), None)


def _is_kernel(layer: Layer) -> bool:
    """The layer's units are channels, dimension 1 of its output."""
    return "Conv" in layer.kind or ("Norm" in layer.kind and not layer.kind.startswith(("LayerNorm", "RMSNorm")))


def _largest_of_units(values: Tensor, *, is_kernel: bool) -> Tensor:
    """Compute the largest value of each unit over examples and positions."""
    if not is_kernel or values.dim() == 2:
        return values.amax(0) if values.dim() == 2 else values.flatten(0, -2).amax(0)
    if values.is_contiguous():
        return values.flatten(2).amax(2).amax(0)  # along memory first
    return values.amax((0, *range(2, values.dim())))
