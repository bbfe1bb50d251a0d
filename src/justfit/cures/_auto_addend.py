"""Products that add to the signal in the same operation: `addmm(x, f(x), W)` is a residual branch."""

from __future__ import annotations

import dataclasses

from torch import Tensor

from justfit.probe import Node, Structure, WeightedCall

FUSED_SUMS = frozenset({"addmm", "baddbmm"})


def added_signal(call: WeightedCall) -> Node | None:
    """Find the node of the signal that a product is added to; None where a bias or nothing is added."""
    if call.operation not in FUSED_SUMS or call.bias is None or len(call.node.parents) < 2:
        return None
    return call.node.parents[0]


def split_sums(structure: Structure) -> Structure:
    """Describe each fused sum as what it computes: the product ends a residual branch, and the signal goes by it."""
    streams = [added_signal(use.call) for use in structure.uses]
    if not any(streams):
        return structure
    uses = tuple(
        use if stream is None else dataclasses.replace(use, skip=stream, in_branch=True)
        for use, stream in zip(structure.uses, streams, strict=True)
    )
    return Structure(uses=uses, num_sums=structure.num_sums + sum(stream is not None for stream in streams))


def addend(call: WeightedCall, output: Tensor, beta: float) -> Tensor | None:
    """Return what was added to the product, ready to be subtracted; None for nothing or zeros.

    Args:
        call: The use of the weight.
        output: Its output.
        beta: The factor of what `addmm` adds.
    """
    bias = call.bias
    if bias is None or beta == 0.0 or not bool(bias.any()):
        return None
    if call.operation.startswith("conv"):
        bias = bias.reshape(-1, *[1] * (call.weight.dim() - 2))
    return (bias if beta == 1.0 else bias * beta).to(output.dtype)
