"""C11: the standard network beside a thinned one, drawn from a real mask of a trained network."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from justfit import cures
from justfit.lab._estimate import exactly, rounded
from justfit.lab._judge import Found
from justfit.lab._penalty import SPACING, batches
from justfit.lab._samples import Sample, loss
from justfit.lab._workbench import Workbench
from justfit.records import LabFigure, Wiring
from justfit.sweep import Layout, build_module

HIDDEN = (10, 8)
P = 0.5
EPOCHS = 15
MOST_DRAWN = 10  # units of a layer


def draw_thinned(bench: Workbench) -> Found:
    """Train with dropout, keep one mask, and build the smaller network that it leaves."""
    sample = bench.sample
    module = _trained(sample, bench.seed)
    row = sample.problem.training_rows(0)[:1]
    inputs, targets = sample.problem.inputs[row].double(), sample.problem.targets[row]
    masks, outputs = _pass_with_mask(module, inputs, bench.seed)
    module.zero_grad()
    loss(outputs, targets, sample.problem.task).backward()  # type: ignore[no-untyped-call]  # torch has no types here
    leaked = _gradient_of_dropped(module, masks)
    misfit = float((_smaller(module, masks, inputs) - outputs).detach().abs().max() / outputs.detach().abs().max())
    every, kept = _num_connections(module, None), _num_connections(module, masks)
    return Found(
        title=f"One mask leaves {kept:,} of {every:,} connections; what is left is a network of its own",
        measurements=(
            exactly(
                "entries of ∂L/∂w that are not 0 on connections of dropped units",
                float(leaked),
                0.0,
                "no signal, no gradient",
            ),
            rounded(
                "output against that of the smaller network without the dropped units, as a share",
                misfit,
                1e3 * SPACING,
                "rounding in float64 (both sum in another order)",
            ),
            exactly(
                "connections left",
                float(kept),
                float(_by_counting(module, masks)),
                "kept units of neighbouring layers, multiplied",
            ),
        ),
        figure=_figure(sample, masks),
        where=f"{sample.name}: a network with hidden layers of {HIDDEN[0]} and {HIDDEN[1]} units, trained with "
        f"dropout {P:g}; one example, one step",
    )


def _trained(sample: Sample, seed: int) -> nn.Sequential:
    problem = sample.problem
    layout = Layout(problem.inputs.shape[1], HIDDEN, problem.num_outputs)
    layers = build_module(layout, "tanh", 0.0, torch.float64)
    module = nn.Sequential(
        *(part for layer in layers for part in ((layer, cures.Dropout(P)) if isinstance(layer, nn.Tanh) else (layer,)))
    )
    cures.initialize_(module, scheme="xavier", seed=seed)
    optimizer = torch.optim.Adam(module.parameters(), lr=5e-3)
    torch.manual_seed(seed)
    for batch, goals in batches(sample, seed, EPOCHS):
        optimizer.zero_grad()
        loss(module(batch), goals, problem.task).backward()  # type: ignore[no-untyped-call]  # torch has no types here
        optimizer.step()
    return module


def _pass_with_mask(module: nn.Sequential, inputs: Tensor, seed: int) -> tuple[list[Tensor], Tensor]:
    """One step in train mode; the masks are read off what dropout returned (tanh is never exactly 0 here)."""
    masks: list[Tensor] = []
    hooks = [
        layer.register_forward_hook(lambda _m, _i, output: masks.append((output[0] != 0).detach()))
        for layer in module
        if isinstance(layer, cures.Dropout)
    ]
    torch.manual_seed(seed)
    outputs = module.train()(inputs)
    for hook in hooks:
        hook.remove()
    return masks, outputs


def _linears(module: nn.Sequential) -> list[nn.Linear]:
    return [layer for layer in module if isinstance(layer, nn.Linear)]


def _ends(linear: nn.Linear, masks: list[Tensor] | None, index: int) -> tuple[Tensor, Tensor]:
    """Which outputs and inputs of layer `index` take part."""
    rows, columns = torch.ones(linear.out_features, dtype=torch.bool), torch.ones(linear.in_features, dtype=torch.bool)
    if masks is not None:
        rows = masks[index] if index < len(masks) else rows
        columns = masks[index - 1] if index > 0 else columns
    return rows, columns


def _gradient_of_dropped(module: nn.Sequential, masks: list[Tensor]) -> int:
    leaked = 0
    for index, linear in enumerate(_linears(module)):
        rows, columns = _ends(linear, masks, index)
        assert linear.weight.grad is not None  # noqa: S101 - after backward every weight has one
        leaked += int((linear.weight.grad[~(rows[:, None] & columns)] != 0).sum())
    return leaked


@torch.no_grad()
def _smaller(module: nn.Sequential, masks: list[Tensor], inputs: Tensor) -> Tensor:
    """Run the network that is left when dropped units are cut out, the others' output times 1/(1 − p)."""
    values = inputs
    for index, linear in enumerate(_linears(module)):
        rows, columns = _ends(linear, masks, index)
        values = values @ linear.weight[rows][:, columns].T + linear.bias[rows]
        if index < len(masks):
            values = values.tanh() / (1.0 - P)
    return values


def _num_connections(module: nn.Sequential, masks: list[Tensor] | None) -> int:
    """Count weights between two units that take part."""
    ends = [_ends(linear, masks, index) for index, linear in enumerate(_linears(module))]
    return sum(int((rows[:, None] & columns).sum()) for rows, columns in ends)


def _by_counting(module: nn.Sequential, masks: list[Tensor]) -> int:
    linears = _linears(module)
    widths = [linears[0].in_features, *(int(mask.sum()) for mask in masks), linears[-1].out_features]
    return sum(a * b for a, b in pairwise(widths))


def _figure(sample: Sample, masks: list[Tensor]) -> LabFigure:
    num_inputs, num_outputs = sample.problem.inputs.shape[1], sample.problem.num_outputs
    drawn = [min(num_inputs, MOST_DRAWN), *HIDDEN, min(num_outputs, MOST_DRAWN)]
    layers = ("inputs", "hidden 1", "hidden 2", "outputs")
    thinned = [[True] * drawn[0], *(mask.tolist() for mask in masks), [True] * drawn[-1]]
    hidden_ones = [
        f"{count - MOST_DRAWN} more {name}"
        for count, name in ((num_inputs, "inputs"), (num_outputs, "outputs"))
        if count > MOST_DRAWN
    ]
    notes = f"{' and '.join(hidden_ones)} are not drawn" if hidden_ones else ""
    return LabFigure(
        title="The standard network, and the one that a real mask leaves",
        caption=f"Filled units take part, crossed ones are dropped with all their connections. {notes}.".replace(
            " .", ""
        ),
        wirings=(
            Wiring(title="Standard", layers=layers, kept=tuple((True,) * count for count in drawn), notes=notes),
            Wiring(title="Thinned", layers=layers, kept=tuple(tuple(layer) for layer in thinned), notes=notes),
        ),
    )
