"""Normalisation behind hidden layers that have none."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Literal

from torch import nn

from justfit.cures._activation_kinds import match_module
from justfit.cures._chains import inside_composites, next_key, places_of, runs_in_order
from justfit.cures._change import Applied, Change, Edit, editing
from justfit.cures._code import as_attribute, extended, written
from justfit.cures._edits import Hooked, Inserted, RunBehind, free_key
from justfit.cures._initialization_layers import LAYERS
from justfit.cures._trace import Trace, batch_of, layer_path, trace
from justfit.errors import ArgumentError
from justfit.probe import Batch, WeightUse, eager, find_source, read_structure, untouched, unwrap

NormalizationKind = Literal["layer", "batch"]
COMPETING = ("softmax", "log_softmax")  # what feeds these is compared, not bent
BATCH_NORMS = {1: nn.BatchNorm1d, 2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
WHY = "Each layer gets inputs of the same size whatever the weights before it do, so signals keep their scale in depth."


def insert_normalization_(
    module: nn.Module,
    *inputs: Any,
    kind: NormalizationKind = "layer",
    only: Collection[str] | None = None,
    **keyword_inputs: Any,
) -> Applied:
    r"""Insert a normalisation between each hidden layer and its activation, in place.

    .. math:: \hat z_u = \gamma_u \frac{z_u - \mu}{\sqrt{\sigma^2 + \varepsilon}} + \beta_u

    with μ and σ over the units of one example ("layer": `nn.LayerNorm` behind Linear layers, `nn.GroupNorm(1, C)`
    behind convolutions), or of one unit over the batch ("batch"); γ starts at 1, β at 0.

    One forward pass on `*inputs` tells which layers have an activation behind them and no normalisation between. The
    output layer, layers of gates and recurrences, and torch's own composites (attention, transformer layers) are left
    alone. In an `nn.Sequential` the normalisation becomes a child of its own behind the layer. Elsewhere it becomes a
    child of the layer, `fc1.norm`, that a forward hook runs: so `fc1.weight` keeps its name, and code that reads it
    works on. Either way all other names in the state dict stay; written by hand as in `code`, the new names differ.

    It keeps the size of the signal, not its rank: in a plain chain of 30 ReLU layers examples still become alike, and
    `initialize_(scheme="auto")` helps where this does not (`docs/design/0013-structural-cures.md`).

    Args:
        module: Changed in place.
        *inputs: One batch, as the module takes it.
        kind: "layer" or "batch". Batch normalisation needs batches of more than one example, and after a Linear layer
            outputs of two dimensions.
        only: Paths of the layers to normalise; None for all hidden ones.
        **keyword_inputs: For the module, by name.

    Returns:
        What was inserted and what was left alone, with `undo()`.

    Raises:
        ArgumentError: No batch was given, or an argument lies outside its contract; nothing is changed.
        UnsupportedModuleError: The module cannot be run as it is.

    Example:
        >>> import torch
        >>> network = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 1))
        >>> applied = insert_normalization_(network, torch.randn(4, 8))
        >>> [(change.where, change.code) for change in applied.changes]
        [('0', 'nn.Linear(in_features=8, out_features=16), nn.LayerNorm(16),')]
        >>> sorted(network.state_dict())
        ['0.bias', '0.weight', '0_norm.bias', '0_norm.weight', '2.bias', '2.weight']
        >>> applied.undo()

    References:
        Ba, Kiros, Hinton, "Layer Normalization", 2016, eq. 4. Ioffe, Szegedy, "Batch Normalization", 2015,
        algorithm 1. Wu, He, "Group Normalization", 2018, section 3.
    """
    if kind not in ("layer", "batch"):
        raise ArgumentError(
            '`kind` must be "layer" or "batch".', found=f"`kind={kind!r}`", way_out='Take "layer" if in doubt.'
        )
    bare = unwrap(module)
    found = _Network(bare, batch_of(inputs, keyword_inputs))
    if only is not None:
        _check_only(only, found)
    changes, untouched = [], []
    with editing() as edits:
        for path, uses in found.uses.items():
            if only is not None and path not in only:
                continue
            obstacle = found.obstacle(path, uses)
            norm = None if obstacle else _norm(found.layer(path), kind, found.trace.output_dims[path])
            if norm is None:
                words = f"its outputs have {found.trace.output_dims.get(path)} dimensions, batch normalisation takes 2"
                untouched.append((path, obstacle or words))
                continue
            changes.append(_insert(found, path, match_module(norm, bare, found.layer(path)), edits))
    return Applied(changes=tuple(changes), untouched=tuple(untouched), _edits=edits)


class _Network:
    """A network, and what one run showed of it."""

    def __init__(self, root: nn.Module, batch: Batch) -> None:
        self.root = root
        self.trace: Trace = trace(root, batch)
        with untouched(root), eager(root):
            structure = read_structure(root, batch)
        self.uses: dict[str, list[WeightUse]] = {}
        for use in structure.uses:
            self.uses.setdefault(layer_path(use.call.owner.parameter), []).append(use)
        self.places = places_of(root)
        self._composed = inside_composites(root)
        self._special = {call.layer: call.role for call in self.trace.activations if call.role != "hidden"}

    def layer(self, path: str) -> nn.Module:
        return self.root.get_submodule(path)

    def obstacle(self, path: str, uses: list[WeightUse]) -> str:
        layer = self.layer(path)
        if not isinstance(layer, LAYERS) or id(layer) in self._composed:
            return f"it belongs to {type(layer).__name__}, which is no linear or convolution layer that is called"
        if id(layer) not in self.trace.called:
            return "its weight is used without calling it"
        if any(use.normalised for use in uses):
            return "it is normalised already"
        if any(use.is_output for use in uses):
            return "it is the output layer"
        if any(use.activation is None or use.activation in COMPETING for use in uses):
            return "no activation reads its output"
        role = self._special.get(path, "hidden")
        return "" if role == "hidden" else f"the activation behind it is no hidden one but {role}"


def _norm(layer: nn.Module, kind: NormalizationKind, output_dims: int) -> nn.Module | None:
    """Make the normalisation for a layer's outputs; None if there is none of this kind for them."""
    if isinstance(layer, nn.Linear):
        if kind == "layer":
            return nn.LayerNorm(layer.out_features)
        return nn.BatchNorm1d(layer.out_features) if output_dims == 2 else None
    channels = int(layer.out_channels)  # type: ignore[arg-type]  # all other LAYERS are convolutions
    return nn.GroupNorm(1, channels) if kind == "layer" else BATCH_NORMS[len(layer.kernel_size)](channels)  # type: ignore[arg-type]  # the same


def _insert(found: _Network, path: str, norm: nn.Module, edits: list[Edit]) -> Change:
    layer, root = found.layer(path), found.root
    source = find_source(root, path) or ""
    slots = found.places.get(id(layer), [])
    slot = slots[0] if len(slots) == len(found.uses[path]) == 1 else None
    if slot is not None and runs_in_order(slot.parent) and id(slot.parent) in found.trace.called:
        edits.append(Inserted(slot.parent, free_key(slot.parent, f"{slot.key}_norm"), norm, next_key(slot)))
        code = extended(source, layer, written(norm))
    else:
        key = free_key(layer, "norm")
        edits.append(Hooked(layer, {key: norm}, lambda owner: owner.register_forward_hook(RunBehind(key))))
        code = as_attribute(path, "norm", written(norm))
    return Change(
        kind="normalization",
        where=path,
        source=source,
        before=written(layer),
        after=f"{written(layer)}, then {written(norm)}",
        code=code,
        why=WHY,
    )


def _check_only(only: Collection[str], found: _Network) -> None:
    unknown = [only] if isinstance(only, str) else [path for path in only if path not in found.uses]
    if unknown:
        raise ArgumentError(
            "`only` must be a collection of paths of layers that the forward pass uses.",
            found=f"`{unknown[0]}`",
            way_out=f"Known are {', '.join(found.uses)}.",
        )
