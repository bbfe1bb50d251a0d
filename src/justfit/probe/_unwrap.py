"""Get at the network itself: out of its wrappers, run eagerly, refused where it cannot be seen."""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch
from torch import nn
from torch.nn.parallel import DataParallel, DistributedDataParallel
from torch.nn.parameter import is_lazy

from justfit.errors import ArgumentError, UnsupportedModuleError

SHARDED = ("FullyShardedDataParallel", "FSDPModule")
QUANTIZED_PACKAGES = ("bitsandbytes", "torchao", "optimum", "auto_gptq", "gptqmodel", "awq", "hqq")


def unwrap(module: nn.Module) -> nn.Module:
    """Take a network out of `torch.compile`, `DataParallel` and `DistributedDataParallel`, in any order.

    Args:
        module: A network, wrapped or not.

    Returns:
        The network itself; not a copy.

    Raises:
        ArgumentError: It is not an `nn.Module`.
        UnsupportedModuleError: It, or a part of it, is a TorchScript program, sharded or quantized, or a parameter or
            buffer has no values.

    Example:
        >>> network = nn.Linear(2, 1)
        >>> unwrap(nn.DataParallel(network)) is network
        True
    """
    if not isinstance(module, nn.Module):
        raise ArgumentError(
            "`module` must be an `nn.Module`.",
            found=f"the class {module.__name__}" if isinstance(module, type) else f"a {type(module).__name__}",
            way_out="Build the network first, or put the function into the `forward` of a module.",
        )
    bare = _peel(module)
    parts = list(bare.named_modules())
    first: dict[type, str] = {}
    for name, part in parts:
        first.setdefault(type(part), name)
    for kind, name in first.items():
        _refuse_kind(name or "the module", kind)
    for held in ("_parameters", "_buffers"):
        for name, part in parts:
            for key, tensor in part.__dict__[held].items():
                if tensor is not None:
                    _refuse_tensor(f"{name}.{key}" if name else key, tensor)
    return bare


@contextmanager
def eager(module: nn.Module) -> Iterator[None]:
    """Run everything inside a module operation by operation while the block lasts.

    Wrapped parts are replaced by what they wrap (so paths hold no `_orig_mod`), `module.compile()` is set aside, and
    functions under `torch.compile` run as plain Python.

    Args:
        module: What `unwrap` returned.

    Example:
        >>> network = nn.Sequential(nn.DataParallel(nn.Linear(2, 1)))
        >>> with eager(network):
        ...     type(network[0]).__name__
        'Linear'
    """
    with ExitStack() as stack:
        if "torch._dynamo" in sys.modules:  # nothing can be compiled before it is loaded, which takes seconds
            stack.enter_context(torch.compiler.set_stance("force_eager"))
        parts = list(module.modules())
        if sum(_bare_children(part, stack) for part in parts):  # every part, not only up to the first
            parts = list(module.modules())
        for part in parts:
            compiled = part.__dict__.get("_compiled_call_impl")
            if compiled is not None:
                stack.callback(setattr, part, "_compiled_call_impl", compiled)
                part._compiled_call_impl = None
        yield


def _bare_children(part: nn.Module, stack: ExitStack) -> bool:
    found = False
    for name, child in part._modules.items():
        if child is not None and (bare := _peel(child)) is not child:
            stack.callback(part._modules.__setitem__, name, child)
            part._modules[name] = bare  # an existing key: the dict keeps its size and order
            found = True
    return found


def _peel(module: nn.Module) -> nn.Module:
    while True:
        if isinstance(module, DataParallel | DistributedDataParallel):
            module = module.module
        elif _is_compiled(type(module)):  # type: ignore[arg-type]  # classes do hash
            module = module._modules["_orig_mod"]  # type: ignore[assignment]
        else:
            return module


@functools.lru_cache(maxsize=1024)
def _is_compiled(kind: type) -> bool:
    return any(base.__name__ == "OptimizedModule" and base.__module__.startswith("torch.") for base in kind.__mro__)


def _refuse_kind(name: str, kind: type) -> None:
    if issubclass(kind, torch.jit.ScriptModule):
        raise UnsupportedModuleError(
            "The network must be Python code, so that its operations can be seen one by one.",
            found=f"a TorchScript program at `{name}`",
            way_out="Pass the module it was made from.",
        )
    if {base.__name__ for base in kind.__mro__} & set(SHARDED):
        raise _sharded(name, kind.__name__)
    if _is_quantized(kind):
        raise _quantized(name, f"a {kind.__module__}.{kind.__name__}")


def _refuse_tensor(name: str, tensor: torch.Tensor) -> None:
    if is_lazy(tensor) or tensor.is_meta:
        raise UnsupportedModuleError(
            "Every parameter and buffer must have values.",
            found=f"`{name}`, {'which is uninitialized' if is_lazy(tensor) else 'which is on the meta device'}",
            way_out="Run one batch first." if is_lazy(tensor) else "Call `to_empty(device=...)` and initialize it.",
        )
    kind = type(tensor if not isinstance(tensor, nn.Parameter) else tensor.data)
    if kind.__name__ == "DTensor":
        raise _sharded(name, "DTensor")
    if tensor.is_quantized or kind.__module__.split(".")[0] in QUANTIZED_PACKAGES:
        raise _quantized(name, f"a {tensor.dtype} tensor" if tensor.is_quantized else f"a {kind.__name__}")


def _is_quantized(kind: type) -> bool:
    package = kind.__module__.split(".")
    return package[0] in QUANTIZED_PACKAGES or (package[0] == "torch" and "quantized" in package)


def _sharded(name: str, kind: str) -> UnsupportedModuleError:
    return UnsupportedModuleError(
        "The whole network must be in one process.",
        found=f"a part of it at `{name}` ({kind})",
        way_out="Check it before it is sharded, or check the full copy.",
    )


def _quantized(name: str, kind: str) -> UnsupportedModuleError:
    return UnsupportedModuleError(
        "The network must have floating-point weights; signals before training do not ask about integers.",
        found=f"{kind} at `{name}`",
        way_out="Check it before it is quantized.",
    )
