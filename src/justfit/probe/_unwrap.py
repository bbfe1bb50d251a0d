"""Get at the network itself: out of its wrappers, run eagerly, refused where it cannot be seen."""

from __future__ import annotations

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
    for name, part in bare.named_modules():
        _refuse_kind(name or "the module", part)
    for name, tensor in (*bare.named_parameters(), *bare.named_buffers()):
        _refuse_tensor(name, tensor)
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
        for part in list(module.modules()):
            _bare_children(part, stack)
        for part in list(module.modules()):
            compiled = part.__dict__.get("_compiled_call_impl")
            if compiled is not None:
                stack.callback(setattr, part, "_compiled_call_impl", compiled)
                part._compiled_call_impl = None
        yield


def _bare_children(part: nn.Module, stack: ExitStack) -> None:
    for name, child in part._modules.items():
        if child is not None and (bare := _peel(child)) is not child:
            stack.callback(part._modules.__setitem__, name, child)
            part._modules[name] = bare  # an existing key: the dict keeps its size and order


def _peel(module: nn.Module) -> nn.Module:
    while True:
        if isinstance(module, DataParallel | DistributedDataParallel):
            module = module.module
        elif _is_compiled(module):
            module = module._modules["_orig_mod"]  # type: ignore[assignment]
        else:
            return module


def _is_compiled(module: nn.Module) -> bool:
    return any(
        kind.__name__ == "OptimizedModule" and kind.__module__.startswith("torch.") for kind in type(module).__mro__
    )


def _refuse_kind(name: str, part: nn.Module) -> None:
    if isinstance(part, torch.jit.ScriptModule):
        raise UnsupportedModuleError(
            "The network must be Python code, so that its operations can be seen one by one.",
            found=f"a TorchScript program at `{name}`",
            way_out="Pass the module it was made from.",
        )
    if {kind.__name__ for kind in type(part).__mro__} & set(SHARDED):
        raise _sharded(name, type(part).__name__)
    if _is_quantized(part):
        raise _quantized(name, f"a {type(part).__module__}.{type(part).__name__}")


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


def _is_quantized(part: nn.Module) -> bool:
    package = type(part).__module__.split(".")
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
