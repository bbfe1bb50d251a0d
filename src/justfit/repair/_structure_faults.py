"""What a network is built of and should not be: hidden layers without an activation, a normalised output."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn

from justfit.cures import Applied, insert_activations_
from justfit.records import Change
from justfit.repair._yardstick import prediction_of

NO_ACTIVATION = "hidden layers follow each other without an activation"
NORMALISED_OUTPUT = "a normalisation stands at the output"
# Value of `Alteration.normalization` that takes it off the output.
OFF = "none at the output"
# Of an affine map in single precision, in units of the outputs' spread; of anything that bends it is near 1.
ROUNDING = 1e-3


def structure_faults(module: nn.Module, inputs: Any) -> dict[str, str]:
    """Look for what is wrong by construction.

    Args:
        module: A network; left as it is.
        inputs: One batch.

    Returns:
        Kind of change that would mend it → the fault in words.
    """
    found = {}
    try:
        if insert_missing_activations(copy.deepcopy(module), "relu", inputs).changes:
            found["activation"] = NO_ACTIVATION
    except Exception:  # a network that cannot be run as it is has been named already
        return found
    if output_normalization(module) is not None:
        found["normalization"] = NORMALISED_OUTPUT
    return found


def insert_missing_activations(module: nn.Module, name: str, inputs: Any) -> Applied:
    """Put an activation where two layers follow each other without one.

    Elsewhere than in an `nn.Sequential` that is known only of a network that is affine as a whole, and where an
    `nn.Identity` holds the place.
    """
    inserted = insert_activations_(module, name)
    if inserted.changes or not is_affine(module, inputs):
        return inserted
    changes, edits = [], []
    for path in _placeholders(module, inputs):
        edits.append(_Swap(module, path, nn.ReLU()))
        changes.append(
            Change(
                kind="added_activation",
                where=path,
                before="nn.Identity()",
                after="nn.ReLU()",
                code="nn.ReLU()",
                why="Layers without an activation between them are one layer.",
            )
        )
    return Applied(changes=tuple(changes), _edits=list(edits))


class _Swap:
    """A module that takes another's place, in its mode."""

    def __init__(self, root: nn.Module, place: str, new: nn.Module) -> None:
        self.place, self._new = place, new
        parent, _, self._key = place.rpartition(".")
        self._parent = root.get_submodule(parent)
        self._old = root.get_submodule(place)
        setattr(self._parent, self._key, new.train(self._old.training))

    def is_intact(self) -> bool:
        """Tell whether the new one is still there."""
        return getattr(self._parent, self._key) is self._new

    def undo(self) -> None:
        """Put the old one back."""
        setattr(self._parent, self._key, self._old)


def is_affine(module: nn.Module, inputs: Any) -> bool:
    """Whether f(a + b − c) = f(a) + f(b) − f(c) on real examples, to rounding: the network bends nowhere."""
    if not isinstance(inputs, Tensor) or not inputs.is_floating_point() or len(inputs) < 3:
        return False
    third = len(inputs) // 3
    a, b, c = (inputs[k * third : (k + 1) * third] for k in range(3))
    was_training = module.training
    module.eval()
    try:
        with torch.no_grad():
            parts = [prediction_of(module(part)) for part in (a + b - c, a, b, c)]
    finally:
        module.train(was_training)
    if any(part is None for part in parts):
        return False
    whole, first, second, last = (part.double() for part in parts if part is not None)
    size = float(first.std()) if first.numel() > 1 else 0.0
    return size > 0 and float((whole - first - second + last).abs().max()) < ROUNDING * size


def _placeholders(module: nn.Module, inputs: Any) -> list[str]:
    """Paths of the last `nn.Identity` that runs between each two layers with weights."""
    called: list[str] = []
    names = {part: path for path, part in module.named_modules() if next(part.children(), None) is None}
    handles = [part.register_forward_hook(lambda one, _i, _o: called.append(names[one])) for part in names]
    try:
        with torch.no_grad():
            module(inputs)
    finally:
        for handle in handles:
            handle.remove()
    found, seen, waiting = [], False, ""
    for path in called:
        part = module.get_submodule(path)
        if isinstance(part, nn.Identity):
            waiting = path
        elif isinstance(part, nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d):
            found += [waiting] if seen and waiting else []
            seen, waiting = True, ""
    return found


def output_normalization(module: nn.Module) -> str | None:
    """Path of a normalisation that is the last layer; None where the last one is none."""
    leaves: list[tuple[str, nn.Module]] = [
        (path, part)
        for path, part in module.named_modules()
        if next(part.children(), None) is None and not isinstance(part, nn.Identity | nn.Dropout | nn.Flatten)
    ]
    if not leaves or "Norm" not in type(leaves[-1][1]).__name__:
        return None
    return leaves[-1][0]


def remove_output_normalization_(module: nn.Module) -> Applied:
    """Put an `nn.Identity` in the place of a normalisation at the output."""
    path = output_normalization(module)
    if not path:
        return Applied()
    before = module.get_submodule(path)
    edit = _Swap(module, path, nn.Identity())
    change = Change(
        kind="normalization",
        where=path,
        before=f"nn.{before}",
        after="nothing",
        code="nn.Identity(),",
        why="A normalised output cannot take the size that the loss asks for.",
    )
    return Applied(changes=(change,), _edits=[edit])
