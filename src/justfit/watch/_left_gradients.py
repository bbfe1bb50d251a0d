"""What the gradients that a backward pass left behind say about where it went wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from torch import nn

from justfit.watch._layers import bare_name
from justfit.watch._reading import gradient_of, norms


class LeftGradients(NamedTuple):
    """Which layers' gradients are finite.

    Attributes:
        finite: By layer, in order of execution as far as it is known, else of definition; layers without are left out.
        has_nan: By layer, of those that are not finite.
    """

    finite: dict[str, bool]
    has_nan: dict[str, bool]

    @property
    def nearest_broken(self) -> str | None:
        """The layer nearest the output whose gradient is not finite; None if all are."""
        return next((layer for layer in reversed(self.finite) if not self.finite[layer]), None)

    @property
    def all_broken(self) -> bool:
        """No layer's gradient is finite."""
        return bool(self.finite) and not any(self.finite.values())

    @property
    def first_behind(self) -> str | None:
        """The layer whose gradient is still finite, right behind the nearest broken one; None for none."""
        behind = None
        for layer in reversed(self.finite):
            if not self.finite[layer]:
                return behind
            behind = layer
        return None


def read_left_gradients(module: nn.Module, order: Sequence[str] = ()) -> LeftGradients:
    """Look at the gradient of every parameter.

    Args:
        module: The network.
        order: Layers in order of execution; those that it lacks come where their module is defined.
    """
    finite: dict[str, bool] = {}
    has_nan: dict[str, bool] = {}
    for path, part in module.named_modules():
        gradients = [gradient_of(p) for p in part.parameters(recurse=False) if p.grad is not None]
        there = [gradient for gradient in gradients if gradient is not None and gradient.numel()]
        if there:
            layer = bare_name(path).split(".parametrizations.")[0]
            sizes = norms(there, there[0].device)
            bad = [g for g, size in zip(there, sizes, strict=True) if not bool(size.isfinite())]
            bad = [gradient for gradient in bad if not bool(gradient.isfinite().all())]  # the square may overflow
            finite[layer] = finite.get(layer, True) and not bad
            if bad:
                has_nan[layer] = any(bool(gradient.isnan().any()) for gradient in bad)
    known = [layer for layer in order if layer in finite]
    if known:
        finite = {layer: finite[layer] for layer in known}
    return LeftGradients(finite, has_nan)
