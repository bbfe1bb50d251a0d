"""Everything of a module and the process that a look at it must not change, as plain data that compares with `==`."""

import random

import numpy as np
import torch
from torch import nn

HOOKS = ("_backward_hooks", "_post_accumulate_grad_hooks")
SWITCHES = (
    torch.is_grad_enabled,
    torch.get_default_dtype,
    torch.get_default_device,
    torch.get_deterministic_debug_mode,
    torch.get_float32_matmul_precision,
    torch.backends.mha.get_fastpath_enabled,
    torch.is_autocast_cache_enabled,
    torch.is_anomaly_enabled,
)


def fingerprint(module: nn.Module) -> dict:
    """Describe a module with all it holds: bits, identities, gradients, modes, hooks, attributes; and the process."""
    parts = {}
    for name, part in module.named_modules(remove_duplicate=False):
        held = {key: _describe(value, 0) for key, value in part.__dict__.items()}
        parts[name] = (id(part), type(part), list(held), held)
    return {"parts": parts, "process": process()}


def process() -> dict:
    """Describe random states and switches."""
    legacy = np.random.get_state()  # noqa: NPY002 - the user's global state
    return {
        "torch": torch.get_rng_state().numpy().tobytes(),
        "cuda": [s.numpy().tobytes() for s in torch.cuda.get_rng_state_all()] if torch.cuda.is_initialized() else [],
        "numpy": (legacy[1].tobytes(), *legacy[2:]),
        "python": random.getstate(),
        "switches": [get() for get in SWITCHES],
        "autocast": [(torch.is_autocast_enabled(d), torch.get_autocast_dtype(d)) for d in ("cpu", "cuda")],
        "warnings": list(__import__("warnings").filters),
    }


def bits(tensor: torch.Tensor) -> tuple:
    """Describe the values of a tensor bit for bit, NaN payloads and signs of zero included."""
    if tensor.layout is not torch.strided:
        return bits(tensor.coalesce().indices()), bits(tensor.coalesce().values())
    copy = tensor.detach().cpu().contiguous().clone()  # numpy forbids the memory it looks at to be resized
    raw = copy.flatten().view(torch.uint8).numpy().tobytes()
    return tensor.dtype, tensor.device, tuple(tensor.shape), tensor.stride(), raw


def _describe(value, depth):
    if isinstance(value, torch.Tensor):
        grad = value.grad if value.is_leaf else None
        return (
            *(id(value), bits(value), value.data_ptr(), value.requires_grad, value.is_leaf),
            None if grad is None else (id(grad), bits(grad)),
            *(_hooks(getattr(value, name, None)) for name in HOOKS),
            {key: _describe(held, depth + 1) for key, held in value.__dict__.items()},
        )
    if isinstance(value, np.ndarray):
        return id(value), value.tobytes()
    if isinstance(value, torch.Generator):
        return id(value), value.get_state().numpy().tobytes()
    if depth < 5 and isinstance(value, dict):
        return id(value), [(id(key), _describe(held, depth + 1)) for key, held in value.items()]
    if depth < 5 and isinstance(value, list | tuple | set):
        return id(value), [_describe(held, depth + 1) for held in value]
    if depth < 5 and not isinstance(value, nn.Module | type) and hasattr(value, "__dict__") and not callable(value):
        return id(value), _describe(value.__dict__, depth + 1)
    return id(value), repr(value) if isinstance(value, bool | int | float | str) else None


def _hooks(held):
    return None if held is None else (id(held), [(key, id(hook)) for key, hook in held.items()])
