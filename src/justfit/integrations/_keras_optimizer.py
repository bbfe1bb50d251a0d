"""The steps of an optimizer of Keras, which is no optimizer of torch and has no hooks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from justfit.watch import Run


class StepWatcher:
    """Tells a watch of the losses, gradients and steps of one optimizer.

    Keras averages micro-batches, unscales, clips and decays inside of `apply`. `_clip_gradients` is called in each
    `apply` that changes weights, with exactly the gradients of the step, and before anything is changed; so the step
    begins there, and ends when `apply` does.

    Args:
        optimizer: The optimizer; one that scales losses is looked through.
    """

    def __init__(self, optimizer: Any) -> None:
        self._outer = optimizer
        self._inner = getattr(optimizer, "inner_optimizer", optimizer)
        self._run: Run | None = None
        self._parameters: list[nn.Parameter] = []
        self._began = False
        self._originals: list[tuple[Any, str]] = []

    def stand_in(self, parameters: Sequence[nn.Parameter]) -> torch.optim.Optimizer:
        """Make an optimizer of torch that only holds the parameters and the learning rate, for the record."""
        kind: type[torch.optim.Optimizer] = type(type(self._inner).__name__, (torch.optim.Optimizer,), {})
        self._stand_in = kind(list(parameters), {"lr": self._learning_rate()})
        return self._stand_in

    def attach(self, run: Run) -> None:
        """Wrap the methods, on this one optimizer."""
        self._run = run
        self._wrap(self._inner, "apply", self._apply)
        self._wrap(self._inner, "_clip_gradients", self._clip)
        self._wrap(self._outer, "scale_loss", self._scale_loss)

    def detach(self) -> None:
        """Take the wrappers away."""
        for owner, name in self._originals:
            del owner.__dict__[name]
        self._originals.clear()

    def _wrap(self, owner: Any, name: str, around: Callable[..., Any]) -> None:
        original = getattr(owner, name)

        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return around(original, *args, **kwargs)

        owner.__dict__[name] = wrapper  # past the tracking of attributes that Keras does
        self._originals.append((owner, name))

    def _apply(self, original: Callable[..., Any], grads: Any, trainable_variables: Any = None) -> Any:
        variables = self._inner._trainable_variables if trainable_variables is None else list(trainable_variables)
        pairs = zip(grads, variables, strict=False)
        self._parameters = [variable.value for gradient, variable in pairs if gradient is not None]
        self._began = False
        done = original(grads, trainable_variables)
        if self._began and self._run is not None:
            self._run.after_step()
        return done

    def _clip(self, original: Callable[..., Any], grads: list[Tensor]) -> list[Tensor]:
        clipped: list[Tensor] = original(grads)
        run = self._run
        if run is not None:
            self._began = True
            if run.reads_next_step and len(grads) == len(self._parameters):
                self._stand_in.param_groups[0]["lr"] = self._learning_rate()
                self._show(grads, run.read_gradients)
                self._show(clipped, run.before_step)
            else:
                run.before_step()
        return clipped

    def _show(self, gradients: Sequence[Tensor], look: Callable[[], None]) -> None:
        """Let the watch find these gradients where it looks for them, and put back what was there."""
        before = [parameter.grad for parameter in self._parameters]
        try:
            for parameter, gradient in zip(self._parameters, gradients, strict=True):
                parameter.grad = gradient.detach()
            look()
        finally:
            for parameter, own in zip(self._parameters, before, strict=True):
                parameter.grad = own

    def _scale_loss(self, original: Callable[[Tensor], Tensor], loss: Tensor) -> Tensor:
        if self._run is not None:
            self._run.log_loss(loss)
        return original(loss)

    def _learning_rate(self) -> float:
        rate = self._inner.learning_rate
        return float(rate.value if hasattr(rate, "value") else rate)
