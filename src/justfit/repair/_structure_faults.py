"""What a network is built of and should not be: hidden layers without an activation, a normalised output."""

from __future__ import annotations

import copy
from typing import Any

from torch import nn

from justfit.cures import Applied, insert_activations_, replace_activations_
from justfit.records import Change

NO_ACTIVATION = "hidden layers follow each other without an activation"
NORMALISED_OUTPUT = "a normalisation stands at the output"
# Value of `Alteration.normalization` that takes it off the output.
OFF = "none at the output"


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
    """Put an activation where two layers follow each other without one, or with an `nn.Identity` in its place."""
    inserted = insert_activations_(module, name)
    identities = [path for path, part in module.named_modules() if isinstance(part, nn.Identity)]
    if inserted.changes or not identities:
        return inserted
    return replace_activations_(module, name, only=identities, inputs=inputs)


def output_normalization(module: nn.Module) -> str | None:
    """Path of a normalisation that is the last layer; None where the last one is none."""
    leaves = [
        (path, part)
        for path, part in module.named_modules()
        if not any(part.children()) and not isinstance(part, nn.Identity | nn.Dropout | nn.Flatten)
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
    parent, _, name = path.rpartition(".")
    setattr(module.get_submodule(parent), name, nn.Identity())
    change = Change(
        kind="normalization",
        where=path,
        before=f"nn.{before}",
        after="nothing",
        code="nn.Identity(),",
        why="A normalised output cannot take the size that the loss asks for.",
    )
    return Applied(changes=(change,))
