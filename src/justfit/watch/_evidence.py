"""From what a watched loop left to the record that rules judge."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import nn

from justfit.records import (
    FlightFrame,
    History,
    LayerTrace,
    OptimizerTrace,
    WatchEvidence,
)
from justfit.watch._layers import Layer, LayerTable
from justfit.watch._loop import Loop
from justfit.watch._sampler import Sampler


def read_evidence(
    module: nn.Module,
    loop: Loop,
    table: LayerTable,
    history: History,
    *,
    notes: Iterable[str],
) -> WatchEvidence:
    """Put together what was measured so far; nothing of it points back into the loop."""
    owner = {index: sampler for sampler in loop.samplers for index in sampler.layers}
    parameters = list(module.parameters())
    floating = next((p.dtype for p in parameters if p.is_floating_point()), torch.float32)
    return WatchEvidence(
        module=type(_innermost(module)).__name__,
        num_parameters=sum(p.numel() for p in parameters),
        unit_roundoff=torch.finfo(floating).eps,
        optimizers=tuple(_optimizer(sampler) for sampler in loop.samplers),
        layers=tuple(_layer(layer, owner.get(layer.index)) for layer in table.in_order()),
        losses=loop.losses.bins(),
        history=history,
        notes=tuple(notes),
    )


def read_frames(loop: Loop, table: LayerTable) -> tuple[FlightFrame, ...]:
    """Return the last steps, oldest first."""
    leader = loop.samplers[loop.leader()]
    order = [layer.index for layer in table.in_order()]
    frames = []
    for frame in loop.frames:
        norms = dict(zip(leader.layers, frame.layers, strict=False))
        frames.append(
            FlightFrame(
                step=frame.step,
                train_loss=float(frame.loss),
                gradient_norm=frame.gradient_norm,
                batch=frame.batch,
                examples=frame.examples,
                layers=tuple(norms.get(index, math.nan) for index in order) if norms else (),
            )
        )
    return tuple(frames)


def _optimizer(sampler: Sampler) -> OptimizerTrace:
    return OptimizerTrace(
        name=sampler.name,
        kind="" if sampler.optimizer is None else type(sampler.optimizer).__name__,
        steps=tuple(sampler.series.steps),
        learning_rate=tuple(sampler.series.learning_rates),
        num_steps=sampler.num_steps,
        num_skipped=sampler.num_skipped,
        last_learning_rate=_rate(sampler),
    )


def _rate(sampler: Sampler) -> float:
    """The learning rate as it is now; a schedule may have moved it since the last sample."""
    groups = getattr(sampler.optimizer, "param_groups", None)
    return float(groups[0].get("lr", math.nan)) if groups else math.nan


def _layer(layer: Layer, sampler: Sampler | None) -> LayerTrace:
    return LayerTrace(
        name=layer.name,
        kind=layer.kind,
        activation=layer.activation,
        source=layer.source,
        num_parameters=sum(p.numel() for p in layer.parameters.values()),
        num_trainable=sum(p.numel() for p in layer.parameters.values() if p.requires_grad),
        optimizer=-1 if sampler is None else sampler.index,
        has_units=layer.has_units,
        normalised=layer.normalised,
        is_output=layer.is_output,
        **({"gradient_norm": _left_gradient(layer)} if sampler is None else sampler.series.of_layer(layer.index)),
    )


def _left_gradient(layer: Layer) -> tuple[float, ...]:
    """Norm of the gradients that lie in a layer no optimizer holds; none where backward never came there."""
    norms = [
        p.grad.detach().float().norm() for p in layer.parameters.values() if p.requires_grad and p.grad is not None
    ]
    return (float(sum(norm.item() ** 2 for norm in norms) ** 0.5),) if norms else ()


def _innermost(module: nn.Module) -> nn.Module:
    for name in ("module", "_orig_mod", "_forward_module"):
        inner = module._modules.get(name)
        if inner is not None and type(module).__module__.startswith(("torch.", "lightning", "accelerate")):
            return _innermost(inner)
    return module
