"""Names of operations in the graph that autograd keeps, and which of them use a weight: the one table of them."""

from __future__ import annotations

import re
from typing import Any

MAX_NODES = 20_000  # of a graph that are looked at, nearest to the loss first
WEIGHTED = frozenset(
    {
        *("Addmm", "Mm", "Convolution", "Bmm", "Embedding", "EmbeddingBag", "Baddbmm", "Mv", "Addmv", "MkldnnLinear"),
        *("MkldnnRnnLayer", "CudnnRnn", "MiopenRnn", "CudnnConvolution", "ConvolutionOverrideable", "Linear"),
    }
)
NORMS = frozenset(
    {
        *("NativeBatchNorm", "CudnnBatchNorm", "MiopenBatchNorm", "NativeLayerNorm", "NativeGroupNorm"),
        *("FusedRmsNorm", "FusedRMSNorm", "BatchNormImplIndex", "InstanceNorm"),
    }
)
INPUTS = ("mat1", "input", "self")  # under which names a weighted operation saves what it reads


def in_small_letters(kind: str) -> str:
    """Write a kind of operation as torch's functions are written.

    >>> in_small_letters("NllLoss"), in_small_letters("Convolution")
    ('nll_loss', 'convolution')
    """
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", kind).lower()


def name_of(node: Any) -> str:
    """Name the operation of a node of the graph: `NllLossBackward0` is `nll_loss`."""
    return in_small_letters(re.sub(r"Backward\d*$", "", node.name().rsplit(":", 1)[-1]))


WITH_WEIGHTS = frozenset(map(in_small_letters, WEIGHTED | NORMS))  # as `name_of` names them
