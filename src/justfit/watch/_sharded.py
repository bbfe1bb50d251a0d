"""Names of parameters, also of those that FSDP2 puts together for a pass and that no module registers."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn


def name_of(module: nn.Module, parameter: Tensor) -> str:
    """Find the path of a parameter; empty if it is none of the module's.

    Args:
        module: The network, sharded or not.
        parameter: As the graph of a loss holds it.
    """
    for name, known in module.named_parameters():
        if known is parameter:
            return name
    paths = {id(part): path for path, part in module.named_modules()}
    for held in _gathered(module):
        if getattr(held, "_unsharded_param", None) is parameter:
            info = held._module_info
            path = paths.get(id(info.module), "")
            return f"{path}.{info.param_name}" if path else str(info.param_name)
    return ""


def _gathered(module: nn.Module) -> list[Any]:
    """Return what FSDP2 keeps of each parameter; empty where it is not used or keeps it elsewhere."""
    found: list[Any] = []
    for part in module.modules():
        state = getattr(part, "_get_fsdp_state", None)
        group = getattr(state(), "_fsdp_param_group", None) if callable(state) else None
        found += getattr(group, "fsdp_params", ())
    return found
