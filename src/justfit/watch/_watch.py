"""Begin to watch a training loop."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, Literal

from torch import nn
from torch.nn.parameter import is_lazy
from torch.optim import Optimizer

from justfit.errors import ArgumentError, UnsupportedModuleError
from justfit.records import Finding
from justfit.watch._run import Run
from justfit.watch._settings import Settings
from justfit.watch._sinks import Sink


def watch(
    module: nn.Module,
    optimizer: Any = None,
    *,
    scaler: Any = None,
    overhead: float = 0.01,
    every: int | None = None,
    frames: int = 256,
    activations: bool = True,
    replay: bool = True,
    out: str | os.PathLike[str] | None = None,
    flush_seconds: float = 10.0,
    sinks: Sequence[Sink] = (),
    live: bool | None = None,
    on_finding: Callable[[Finding], None] | None = None,
    loss_from_backward: bool = True,
    micro_batch_losses: Literal["mean", "sum"] | None = None,
) -> Run:
    """Watch a training run in any loop, for about a hundredth of its time.

    The weights come out bit for bit as they would unwatched; no random numbers are drawn. Everything is taken away
    again on leaving the block, whether the loop ends or fails.

    Args:
        module: The network.
        optimizer: The optimizer, several of them, or a wrapper that has one as `.optimizer`; None if the loop calls
            `run.before_step()` and `run.after_step()` around each update.
        scaler: The `GradScaler` of a mixed-precision loop, so that losses and gradients are read unscaled; Accelerate's
            optimizer has it with it.
        overhead: Share of the loop's own time that watching may take, in (0, 1].
        every: Sample every so many steps, whatever it costs; None lets the budget decide.
        frames: How many of the last steps the record holds.
        activations: Read the sizes of activations, and dead and saturated units, on sampled steps.
        replay: Keep hold of the last batch (no copy), so that a first NaN can be traced to its operation.
        out: Folder for `record.json` and `findings.jsonl`, and for `report.html` once the run is closed.
        flush_seconds: Write the record at most this often, in seconds; and always at the end.
        sinks: Where numbers go as they arise, such as those of `justfit.integrations`.
        live: Show a live view in the terminal; None where standard error is one.
        on_finding: Called with each new finding.
        loss_from_backward: Take what backward is called on as the loss; `run.log_loss` goes before it.
        micro_batch_losses: How the losses of several backward passes before one step make its loss: their `mean`, or
            their `sum` where the loop divides each by their number. None: the sum under Accelerate, else the mean.

    Returns:
        The run: a context manager, not started yet.

    Raises:
        ArgumentError: `module` is no `nn.Module`, `optimizer` no optimizer, or a number lies outside its range.
        UnsupportedModuleError: A parameter has no values yet.
        OutputError: `out` cannot be made.

    Example:
        >>> import torch
        >>> network = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 1))
        >>> optimizer = torch.optim.Adam(network.parameters())
        >>> with watch(network, optimizer) as run:
        ...     for _ in range(5):
        ...         optimizer.zero_grad()
        ...         network(torch.ones(2, 4)).square().mean().backward()
        ...         optimizer.step()
        >>> [layer.name for layer in run.record.evidence.layers]
        ['0', '2']
    """
    if not isinstance(module, nn.Module):
        raise ArgumentError(
            "`module` must be an `nn.Module`.",
            found=f"a {type(module).__name__}",
            way_out="Pass the network that is trained; several as one, `nn.ModuleList([generator, discriminator])`.",
        )
    lazy = next((name for name, parameter in module.named_parameters() if is_lazy(parameter)), None)
    if lazy is not None:
        raise UnsupportedModuleError(
            "Every parameter must have values.",
            found=f"`{lazy}`, which is uninitialized",
            way_out="Run one batch first.",
        )
    settings = Settings(
        scaler=_scaler_of(optimizer) if scaler is None else scaler,
        overhead=overhead,
        every=every,
        frames=frames,
        activations=activations,
        replay=replay,
        out=out,
        flush_seconds=flush_seconds,
        sinks=tuple(sinks),
        live=live,
        on_finding=on_finding,
        loss_from_backward=loss_from_backward,
        micro_batch_losses=micro_batch_losses or _usual_losses(optimizer),
    )
    return Run(module, _optimizers_in(optimizer), settings)


def _usual_losses(optimizer: Any) -> Literal["mean", "sum"]:
    """Accelerate divides each loss by the number of those that are accumulated."""
    every = optimizer if isinstance(optimizer, list | tuple) else [optimizer]
    return "sum" if any(type(each).__module__.startswith("accelerate") for each in every) else "mean"


def _scaler_of(optimizer: Any) -> Any:
    every = optimizer if isinstance(optimizer, list | tuple) else [optimizer]
    return next((each.scaler for each in every if getattr(each, "scaler", None) is not None), None)


def _optimizers_in(given: Any) -> list[Optimizer]:
    if given is None:
        return []
    if isinstance(given, list | tuple):
        return [found for each in given for found in _optimizers_in(each)]
    inner = given
    while not isinstance(inner, Optimizer) or type(inner).__module__.startswith("accelerate"):
        inner = getattr(inner, "optimizer", None)
        if inner is None:
            raise ArgumentError(
                "`optimizer` must be a `torch.optim.Optimizer`, several of them, or a wrapper of one.",
                found=f"a {type(given).__name__}",
                way_out="Leave it out, and call `run.before_step()` and `run.after_step()` around each update.",
            )
    return [inner]
