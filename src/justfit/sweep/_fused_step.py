"""The step of a named optimizer without looking everything up again; for small networks half of it is that.

The numbers are the optimizer's own: the same functions of torch on the same tensors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.adam import adam
from torch.optim.sgd import sgd

_Step = Callable[[list[Tensor]], None]
# Arguments of the two functions: what a group holds by the same name, and lists of what is kept for each parameter.
_ADAM = (
    ("amsgrad", "weight_decay", "eps", "maximize", "decoupled_weight_decay"),
    {
        "exp_avgs": "exp_avg",
        "exp_avg_sqs": "exp_avg_sq",
        "max_exp_avg_sqs": "max_exp_avg_sq",
        "state_steps": "step",
    },
)
_SGD = (
    ("weight_decay", "momentum", "dampening", "nesterov", "maximize"),
    {"momentum_buffer_list": "momentum_buffer"},
)


class FusedStep:
    """Step and forget gradients.

    Args:
        optimizer: Any.
        parameters: All that it moves.
        is_named: Whether it is one that `named_optimizers` made: nobody else holds it, hooks into it or changes it.
            Only then, and where it is fused, the fast way is taken.
    """

    def __init__(self, optimizer: torch.optim.Optimizer, parameters: Sequence[nn.Parameter], *, is_named: bool) -> None:
        self._optimizer, self._parameters = optimizer, parameters
        self._is_known = is_named and bool(optimizer.param_groups[0].get("fused"))
        self._step: _Step | None = None

    def forget_gradients(self) -> None:
        """Set them to None."""
        if self._is_known:
            for parameter in self._parameters:
                parameter.grad = None
        else:
            self._optimizer.zero_grad()

    def __call__(self) -> None:
        """Take the step."""
        gradients = [p.grad for p in self._parameters if p.grad is not None] if self._is_known else []
        if len(gradients) != len(self._parameters) or not self._is_known or self._is_watched():
            self._optimizer.step()
        elif self._step is None:  # the optimizer's first one makes its state
            self._optimizer.step()
            self._step = self._prepared()
        else:
            self._step(gradients)

    def _is_watched(self) -> bool:
        """Hooks that run at each step of the optimizer, as those of `justfit.watch`, must see each."""
        return bool(self._optimizer._optimizer_step_pre_hooks or self._optimizer._optimizer_step_post_hooks)

    def _prepared(self) -> _Step:
        group = self._optimizer.param_groups[0]
        values = [parameter.detach() for parameter in self._parameters]
        state = [self._optimizer.state[parameter] for parameter in self._parameters]
        names, lists = _ADAM if "betas" in group else _SGD
        function: Any = adam if "betas" in group else sgd
        kept = {name: group[name] for name in names}
        if "betas" in group:
            kept["beta1"], kept["beta2"] = group["betas"]
        kept |= {to: [of[key] for of in state if of.get(key) is not None] for to, key in lists.items()}
        return lambda gradients: function(values, gradients, fused=True, lr=group["lr"], **kept)
