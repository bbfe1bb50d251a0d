"""Every dropout of a network at a chosen p, without touching the network.

A `TorchFunctionMode` sees each call of a dropout function, whichever module makes it, and answers with its own mask:
one uniform number per unit (per channel in the feature dropouts) from torch's default generator, kept where it is ≥ p.
So one seed gives nested masks across p, and the same masks under `torch.func.vmap` and in a plain loop.

Reached are `dropout`, `dropout1d` … `dropout3d`, `alpha_dropout`, `feature_alpha_dropout`, the attention weights of
`scaled_dot_product_attention` and `multi_head_attention_forward`, and what lies between the layers of an RNN, GRU or
LSTM. Attention is a site only where it was built with p > 0, since it is called with p = 0 where none is meant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import FunctionType
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from justfit.sweep._attention import attention
from justfit.sweep._recurrent import RECURRENT, recurrent, recurrent_by_formula

# α' = −λα of SELU (Klambauer et al., 2017): what alpha dropout puts in place of a dropped unit.
_ALPHA = 1.7580993408473766
_VARIABLE = torch._C._VariableFunctions
# For each, how many dimensions one example has that comes without a batch dimension.
_CHANNELS: dict[Callable[..., Any], int] = {
    functional.dropout1d: 2,
    functional.dropout2d: 0,  # torch takes three dimensions as a batch of one-dimensional maps
    functional.dropout3d: 4,
    _VARIABLE.feature_dropout: 0,
    _VARIABLE.feature_dropout_: 0,
}
_ALPHA_CHANNELS = (functional.feature_alpha_dropout, _VARIABLE.feature_alpha_dropout, _VARIABLE.feature_alpha_dropout_)


# Arguments of `scaled_dot_product_attention` after query, key and value, in order.
_ATTENTION: dict[str, Any] = {
    "attn_mask": None,
    "dropout_p": 0.0,
    "is_causal": False,
    "scale": None,
    "enable_gqa": False,
}


class DropoutMode(TorchFunctionMode):
    """Replace p in every dropout call made in training mode.

    Args:
        p: A number, a 0-dim tensor (one variant under vmap), or None to leave every p as the network has it.
        stacked: Compute attention and recurrent layers by their formulas: the fused kernels cannot be stacked.

    Attributes:
        num_reached: Calls of dropout in training mode that were answered so far.
    """

    def __init__(self, p: float | Tensor | None, *, stacked: bool = False) -> None:
        super().__init__()
        self.p = p
        self.num_reached = 0
        self._stacked = stacked

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        answer = _ANSWERS.get(func)
        if answer is None:
            return func(*args, **kwargs) if kwargs else func(*args)
        return answer(self, func, args, kwargs or {})

    def _rate(self, built: float) -> float | Tensor:
        self.num_reached += 1
        return built if self.p is None else self.p

    def _drop(self, input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:  # noqa: A002 - torch's own name
        if not training:
            return input
        mask = _scaled_mask(_one_per_unit(input), self._rate(p), input.dtype)
        return input.mul_(mask) if inplace else input * mask

    def _drop_channels(
        self,
        func: Callable[..., Any],
        input: Tensor,  # noqa: A002 - torch's own name
        p: float = 0.5,
        training: bool = True,
        inplace: bool = False,
    ) -> Tensor:
        if not training:
            return input
        alone = input.dim() == _CHANNELS[func]  # one example without a batch dimension
        uniform = _one_per_channel(input.unsqueeze(0))[0] if alone else _one_per_channel(input)
        mask = _scaled_mask(uniform, self._rate(p), input.dtype)
        return input.mul_(mask) if inplace else input * mask

    def _drop_alpha(
        self,
        input: Tensor,  # noqa: A002 - torch's own name
        p: float = 0.5,
        training: bool = False,
        inplace: bool = False,
        *,
        channels: bool,
    ) -> Tensor:
        if not training:
            return input
        rate = self._rate(p)
        if not isinstance(rate, Tensor) and rate >= 1:
            return input * 0
        kept = ((_one_per_channel(input) if channels else _one_per_unit(input)) >= rate).to(input.dtype)
        scale = ((_ALPHA**2 * rate + 1) * (1 - rate)) ** -0.5
        dropped = input * (kept * scale) + (kept - (1 - rate)) * (_ALPHA * scale)
        return input.copy_(dropped) if inplace else dropped

    def _attend(self, query: Tensor, key: Tensor, value: Tensor, *rest: Any, **given: Any) -> Tensor:
        named = _ATTENTION | dict(zip(_ATTENTION, rest, strict=False)) | given
        p = named.pop("dropout_p")
        if p > 0 or self._stacked:
            mask = named.pop("attn_mask")
            return attention(
                query, key, value, mask, drop=(lambda weights: self._drop(weights, p)) if p > 0 else None, **named
            )
        return functional.scaled_dot_product_attention(query, key, value, **named)

    def _attend_heads(self, *args: Any, **kwargs: Any) -> Any:
        with self:
            return _seen_inside(*args, **kwargs)

    def _recur(self, func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if self._stacked and not kwargs and isinstance(args[3], bool):  # not a packed sequence
            return recurrent_by_formula(func, self._drop, args)
        return recurrent(func, self._drop, args, kwargs)


def _scaled_mask(uniform: Tensor, rate: float | Tensor, dtype: torch.dtype) -> Tensor:
    """1/(1 − p) where a unit is kept, 0 where it is dropped."""
    if not isinstance(rate, Tensor) and rate >= 1:
        return torch.zeros_like(uniform)
    if isinstance(rate, Tensor):
        return (uniform >= rate).to(dtype) * (1.0 / (1.0 - rate))
    return uniform.ge_(rate).mul_(1.0 / (1.0 - rate))


def _one_per_unit(input: Tensor) -> Tensor:  # noqa: A002 - torch's own name
    # not `rand_like`, whose numbers go where the strides say: those of a stack are others
    return torch.rand(input.shape, dtype=input.dtype, device=input.device)


def _one_per_channel(input: Tensor) -> Tensor:  # noqa: A002 - torch's own name
    shape = (*input.shape[:2], *[1] * (input.dim() - 2))
    return torch.rand(shape, dtype=input.dtype, device=input.device)


# The body of the function with its first lines (which would call the mode again, for ever) answered "no": so the
# mode sees what is called inside. A copy; torch's own function stays as it is.
_seen_inside = FunctionType(
    functional.multi_head_attention_forward.__code__,
    vars(functional) | {"has_torch_function": lambda _tensors: False},
    "multi_head_attention_forward",
    functional.multi_head_attention_forward.__defaults__,
)
_seen_inside.__kwdefaults__ = functional.multi_head_attention_forward.__kwdefaults__

_Answer = Callable[[DropoutMode, Callable[..., Any], tuple[Any, ...], Mapping[str, Any]], Any]
_ANSWERS: dict[Callable[..., Any], _Answer] = {
    functional.scaled_dot_product_attention: lambda mode, _, args, kwargs: mode._attend(*args, **kwargs),
    functional.multi_head_attention_forward: lambda mode, _, args, kwargs: mode._attend_heads(*args, **kwargs),
    **dict.fromkeys(
        (functional.dropout, _VARIABLE.dropout, _VARIABLE.dropout_),
        lambda mode, _, args, kwargs: mode._drop(*args, **kwargs),
    ),
    **dict.fromkeys(_CHANNELS, lambda mode, func, args, kwargs: mode._drop_channels(func, *args, **kwargs)),
    **dict.fromkeys(
        (functional.alpha_dropout, _VARIABLE.alpha_dropout, _VARIABLE.alpha_dropout_),
        lambda mode, _, args, kwargs: mode._drop_alpha(*args, channels=False, **kwargs),
    ),
    **dict.fromkeys(_ALPHA_CHANNELS, lambda mode, _, args, kwargs: mode._drop_alpha(*args, channels=True, **kwargs)),
    **dict.fromkeys(RECURRENT, lambda mode, func, args, kwargs: mode._recur(func, *args, **kwargs)),
}
