"""Dropout with one probability, or with one per unit (lecture C9, C10).

Shapes: the last dimension of the input holds the U units; all others count as examples.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Real

import torch
from torch import Tensor, nn

from justfit.errors import ArgumentError


class Dropout(nn.Module):
    r"""Drop each unit with its probability, independently per example and step; keep the expected activation.

    .. math:: \tilde a_u = \frac{m_u}{1 - p_u}\,a_u, \qquad m_u \sim \text{Bernoulli}(1 - p_u), \qquad
              E[\tilde a_u] = a_u

    In eval mode it returns its input, the same tensor object. With one probability per unit, `p` is a buffer: it moves
    with the module, is stored in the state dict, and follows `module.to(dtype)` (in bfloat16 a `p` above 0.998
    becomes 1, and the unit is always off).

    Args:
        p: Probability of *dropping*, in [0, 1): one number for all units, or a sequence or 1-D tensor with one per
            unit. With 0 the input passes unchanged in training too.
        inplace: Overwrite the input in training.

    Raises:
        ArgumentError: A probability lies outside [0, 1) or is NaN, or `p` is neither a number nor one per unit. At the
            call: the last dimension of the input is not the number of probabilities, or it has no floating-point type.

    Example:
        >>> dropout = Dropout([0.0, 0.5])
        >>> x = torch.ones(4, 2)
        >>> dropout.eval()(x) is x
        True
        >>> bool((dropout.train()(x)[:, 0] == 1).all())
        True
        >>> sorted(dropout.state_dict())
        ['p']

    References:
        Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov, "Dropout: A Simple Way to Prevent Neural Networks
        from Overfitting", 2014, section 4 and section 10 (inverted scaling).
    """

    p: float | Tensor

    def __init__(self, p: float | Sequence[float] | Tensor = 0.5, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace
        checked = _probabilities(p)
        if isinstance(checked, Tensor):
            self.register_buffer("p", checked)
        else:
            self.p = checked

    def forward(self, activations: Tensor) -> Tensor:
        """Return the thinned activations; in eval mode the activations themselves."""
        if not self.training or (not isinstance(self.p, Tensor) and self.p == 0.0):
            return activations
        if not (activations.is_floating_point() or activations.is_complex()):
            raise ArgumentError(
                "Activations must have a floating-point dtype to be scaled by 1/(1 − p).",
                found=f"{activations.dtype}",
                way_out="Put dropout behind a layer, not on integer inputs.",
            )
        if not isinstance(self.p, Tensor):
            return nn.functional.dropout(activations, self.p, training=True, inplace=self.inplace)
        return self._thin(activations, self.p)

    def extra_repr(self) -> str:
        """Show p, of many units their number and range."""
        text = f"p={self.p}"
        if isinstance(self.p, Tensor):
            text = f"p=[{float(self.p.min()):.3g} … {float(self.p.max()):.3g}], {len(self.p)} units"
        return text + (", inplace=True" if self.inplace else "")

    def _thin(self, activations: Tensor, p_U: Tensor) -> Tensor:
        if activations.dim() == 0 or activations.shape[-1] != p_U.shape[0]:
            raise ArgumentError(
                "The last dimension of the activations must hold one unit per probability.",
                found=f"shape {tuple(activations.shape)} for {p_U.shape[0]} probabilities",
                way_out="Of a convolution the channels stand first: move them last, or use one probability for all.",
            )
        # float32 whatever the activations are: bfloat16 draws know 256 values, too coarse for a small p
        p_U = p_U.float()
        kept = torch.rand(activations.shape, dtype=torch.float32, device=activations.device) >= p_U
        factor = torch.where(kept, 1.0 / (1.0 - p_U), 0.0).to(activations.dtype)
        return activations.mul_(factor) if self.inplace else activations * factor


def _probabilities(p: float | Sequence[float] | Tensor) -> float | Tensor:
    if isinstance(p, Real) and not isinstance(p, bool):
        check_range([float(p)])
        return float(p)
    if not isinstance(p, Tensor | Sequence) or isinstance(p, str | bytes):
        raise ArgumentError(
            "`p` must be a number, or a sequence or 1-D tensor with one number per unit.",
            found=f"`p={p!r}`",
            way_out="For all units alike pass one number, such as 0.5.",
        )
    try:
        per_unit = torch.as_tensor(p, dtype=torch.float32).detach().clone()
    except (TypeError, ValueError) as error:
        raise ArgumentError(
            "`p` must hold plain numbers.", found=str(error), way_out="Pass one probability per unit."
        ) from error
    if per_unit.dim() != 1 or per_unit.numel() == 0:
        raise ArgumentError(
            "`p` must be one-dimensional and name at least one unit.",
            found=f"shape {tuple(per_unit.shape)}",
            way_out="Pass one probability per unit of the last dimension; for all units alike a plain number.",
        )
    check_range(per_unit.tolist())
    return per_unit


def check_range(probabilities: list[float]) -> None:
    """Refuse what is no probability of dropping.

    Raises:
        ArgumentError: One lies outside [0, 1), is NaN, or is no number.
    """
    for unit, p in enumerate(probabilities):
        if isinstance(p, bool) or not isinstance(p, Real) or math.isnan(p) or not 0.0 <= p < 1.0:
            raise ArgumentError(
                "`p` must lie in [0, 1).",
                found=f"`p={p}`" + (f" for unit {unit}" if len(probabilities) > 1 else ""),
                way_out="It is the probability of dropping a unit, not of keeping it; 1 would leave nothing.",
            )
