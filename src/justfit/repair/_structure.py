"""A network whose layers differ: the user's build, and what is done to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from justfit.cures import (
    Applied,
    insert_dropout_,
    insert_normalization_,
    remove_output_activation_,
    replace_activations_,
    standardize_inputs_,
)
from justfit.errors import UnsupportedModuleError
from justfit.repair._alteration import Alteration
from justfit.repair._rescale import rescale_output_
from justfit.repair._structure_faults import OFF, insert_missing_activations, remove_output_normalization_
from justfit.sweep import Examples, call_arguments, take

# Rows that are run through a network to see where its layers stand.
SEEN_ROWS = 64


@dataclass(frozen=True, slots=True)
class AlteredBuild:
    """Builds the user's network and changes it; a function of torch's random state alone, as the user's build is.

    Attributes:
        build: The user's.
        alteration: What is done.
        inputs: Of the training rows.
        targets: Mean and standard deviation of the targets, where the output is scaled; None elsewhere.
    """

    build: Callable[[], nn.Module]
    alteration: Alteration
    inputs: Any
    targets: tuple[Tensor, Tensor] | None = None

    def __call__(self) -> nn.Module:
        module = self.build()
        self.apply_(module)
        return module

    def apply_(self, module: nn.Module) -> list[Applied]:
        """Change a network in place.

        Raises:
            UnsupportedModuleError: There is nothing in it that a change could be made to.
        """
        seen = take(self.inputs, torch.arange(min(SEEN_ROWS, num_rows(self.inputs))))
        done = [make(module, seen) for make in self._edits()]
        for applied in done:
            if not applied.changes:
                words = "; ".join(change.code for change in applied.by_hand) or "no layer that it could be done to"
                raise UnsupportedModuleError(
                    "A change must find something to change.",
                    found=words,
                    way_out="Make the change by hand in the code of the network, and call `justfit.cure` again.",
                )
        if self.targets is not None:
            done.append(rescale_output_(module, *self.targets))
        return done

    def _edits(self) -> list[Callable[[nn.Module, Any], Applied]]:
        alteration, edits = self.alteration, list[Callable[[nn.Module, Any], Applied]]()
        if alteration.pairing is not None and alteration.pairing.bare_output:
            edits.append(lambda module, seen: remove_output_activation_(module, inputs=seen))
        if alteration.activation is not None:
            edits.append(self._activate)
        if alteration.normalization is not None:
            edits.append(self._normalize)
        if alteration.added_dropout is not None:
            edits.append(lambda module, seen: insert_dropout_(module, alteration.added_dropout or 0.0, inputs=seen))
        if alteration.standardize:
            edits.append(lambda module, _seen: standardize_inputs_(module, self.inputs))
        return edits

    def _activate(self, module: nn.Module, seen: Any) -> Applied:
        name = self.alteration.activation or "relu"
        applied = replace_activations_(module, name, inputs=seen)
        if applied.changes:
            return applied
        missing = insert_missing_activations(module, name, seen)
        return missing if missing.changes else applied

    def _normalize(self, module: nn.Module, seen: Any) -> Applied:
        if self.alteration.normalization == OFF:
            return remove_output_normalization_(module)
        positional, keywords = call_arguments(seen)
        return insert_normalization_(module, *positional, kind=self.alteration.normalization or "layer", **keywords)  # type: ignore[arg-type]  # checked there


def altered_build(
    build: Callable[[], nn.Module], alteration: Alteration, examples: Examples, rows: Tensor
) -> Callable[[], nn.Module]:
    """What builds the network under a change; the user's own `build` where its layers stay as they are."""
    if not alteration.is_structural:
        return build
    targets = target_moments(take(examples.targets, rows)) if alteration.standardize_targets else None
    return AlteredBuild(build, alteration, take(examples.inputs, rows), targets)


def target_moments(targets: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of numeric targets, over all of them together."""
    std, mean = torch.std_mean(targets.float())
    return mean, std.clamp_min(1e-12)


def num_rows(tree: Any) -> int:
    """Rows of the first tensor of a tuple, list or dict of tensors."""
    while not isinstance(tree, Tensor):
        tree = next(iter(tree.values())) if isinstance(tree, dict) else tree[0]
    return len(tree)
