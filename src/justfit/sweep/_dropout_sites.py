"""`DropoutMode` for a training step, at less cost: torch's own modules run without being watched call by call.

A mode costs 2 to 6 µs for every torch function that is called under it, a tenth of a small network's step. What torch's
own modules do is known: of them only dropout, attention and stacked recurrent layers ever drop. So while a network is
lent to a step, those are answered where they stand, everything else of torch's own goes by without the mode, and only
foreign code is watched. The numbers are those of the mode alone, bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import MethodType
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules import module as _modules
from torch.overrides import _get_current_function_mode

from justfit.sweep._dropout_mode import DropoutMode

_Call = Callable[..., Any]
_OWN = "torch.nn.modules."
# Outside training these take a fused path that no mode sees, unless a gradient is asked of each of their parameters.
_FUSED_OUTSIDE_TRAINING = (nn.MultiheadAttention, nn.TransformerEncoderLayer, nn.TransformerEncoder)
# What the forward passes of torch's modules do, without a detour through the functions that they call.
_DROPS: dict[type[nn.Module], Callable[[DropoutMode, Any, Tensor], Tensor]] = {
    nn.Dropout: lambda mode, site, given: mode._drop(given, site.p, site.training, site.inplace),
    nn.Dropout1d: lambda mode, site, given: _drop_channels(mode, functional.dropout1d, site, given),
    nn.Dropout2d: lambda mode, site, given: _drop_channels(mode, functional.dropout2d, site, given),
    nn.Dropout3d: lambda mode, site, given: _drop_channels(mode, functional.dropout3d, site, given),
    nn.AlphaDropout: lambda mode, site, given: mode._drop_alpha(given, site.p, site.training, channels=False),
    nn.FeatureAlphaDropout: lambda mode, site, given: mode._drop_alpha(given, site.p, site.training, channels=True),
}


class DropoutSites:
    """A context in which a network in training drops as it does under a `DropoutMode`.

    Args:
        module: The network; as it was, whenever the context is left.
        mode: Which p, and how masks are drawn.
    """

    def __init__(self, module: nn.Module, mode: DropoutMode) -> None:
        self._mode = mode
        roots = list(_own_roots(module))
        self._watched = roots != [module]
        self._lent: dict[nn.Module, _Lent] = {}
        for root in roots:
            if self._watched:
                self._lent[root] = _Lent(root, self._under(False, root.forward))
            for part in root.modules():
                answer = self._answer(part)
                if answer is not None:
                    self._lent[part] = _Lent(part, answer)
        kept = [hooks for root in roots for m in root.modules() for hooks in (m._forward_hooks, m._forward_pre_hooks)]
        self._hooks = [*kept, _modules._global_forward_hooks, _modules._global_forward_pre_hooks]
        self._plain = False

    def __enter__(self) -> None:
        self._plain = any(self._hooks)  # foreign code, put there after the network was looked at
        if self._watched or self._plain:
            self._mode.__enter__()  # type: ignore[no-untyped-call]  # torch has no types here
        if not self._plain:
            for part, lent in self._lent.items():
                part.__dict__["forward"] = lent

    def __exit__(self, *_: object) -> None:
        if not self._plain:
            for part in self._lent:
                part.__dict__.pop("forward", None)
        if self._watched or self._plain:
            self._mode.__exit__(None, None, None)  # type: ignore[no-untyped-call]

    def _under(self, wanted: bool, forward: _Call) -> _Call:
        """Call with the mode on, or off; where another mode is on top, with all of them as they are."""
        mode, top_mode = self._mode, cast("_Call", _get_current_function_mode)

        def on(*args: Any, **kwargs: Any) -> Any:
            if top_mode() is mode:
                return forward(*args, **kwargs)
            with mode:
                return forward(*args, **kwargs)

        def off(*args: Any, **kwargs: Any) -> Any:
            if top_mode() is not mode:
                return forward(*args, **kwargs)
            mode.__exit__(None, None, None)
            try:
                return forward(*args, **kwargs)
            finally:
                mode.__enter__()

        return on if wanted else off

    def _answer(self, module: nn.Module) -> _Call | None:
        """What a module that drops does instead; None for any other."""
        mode, drop = self._mode, _DROPS.get(type(module))
        if drop is not None:
            return self._under(False, lambda input: drop(mode, module, input))  # noqa: A006 - may be given by its name
        stacked = isinstance(module, nn.RNNBase) and module.num_layers > 1 and module.dropout > 0
        heads = isinstance(module, nn.MultiheadAttention)
        return self._under(True, module.forward) if stacked or heads else None


def _drop_channels(mode: DropoutMode, function: _Call, site: Any, given: Tensor) -> Tensor:
    return mode._drop_channels(function, given, site.p, site.training, site.inplace)


class _Lent:
    """A forward pass that a module has for a while; a copy of the module, should anyone make one, has its own."""

    def __init__(self, module: nn.Module, call: _Call) -> None:
        self._module, self._call = module, call

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._call(*args, **kwargs)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        copied = memo.get(id(self._module), self._module)
        return MethodType(type(copied).forward, copied)


def _own_roots(module: nn.Module) -> Iterator[nn.Module]:
    """The largest parts of a network that are torch's own throughout."""
    if all(map(_is_own, module.modules())):
        yield module
    else:
        for child in module.children():
            yield from _own_roots(child)


def _is_own(module: nn.Module) -> bool:
    """Whether all that a module does itself is torch's own code."""
    kind = type(module)
    if not kind.__module__.startswith(_OWN) or not (kind.forward.__module__ or "").startswith(_OWN):
        return False
    if module._forward_hooks or module._forward_pre_hooks or "forward" in vars(module):
        return False
    if isinstance(module, _FUSED_OUTSIDE_TRAINING) and not all(p.requires_grad for p in module.parameters()):
        return False
    return not any(callable(value) and not _is_harmless(value) for value in vars(module).values())


def _is_harmless(function: Any) -> bool:
    """Whether something that a module holds is one of torch's functions, and no dropout."""
    name = getattr(function, "__name__", "")
    return "drop" not in name and function in (getattr(functional, name, None), getattr(torch, name, None))
