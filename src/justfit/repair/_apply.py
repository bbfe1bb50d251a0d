"""A cure made on a network that is already there, and taken back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import nn

from justfit.cures import initialize_, set_dropout_
from justfit.repair._alteration import Alteration
from justfit.repair._case import Case
from justfit.repair._structure import AlteredBuild
from justfit.sweep import call_arguments, default_generator_kept


@dataclass(slots=True)
class AppliedCure:
    """What was done to a network; `undo` takes it back, bit for bit."""

    _undos: list[Callable[[], None]] = field(default_factory=list)

    def undo(self) -> None:
        """Put everything back as it was; a second call does nothing."""
        while self._undos:
            self._undos.pop()()


@dataclass(frozen=True, slots=True)
class Applier:
    """Makes the changes of one cure.

    Attributes:
        case: The user's recipe.
        alteration: What is done.
    """

    case: Case
    alteration: Alteration

    def __call__(self, module: nn.Module) -> AppliedCure:
        """Change layers, then dropout, then weights, as the counterfactual run had them; all or nothing."""
        done = AppliedCure()
        try:
            with default_generator_kept():
                self._apply(module, done)
        except BaseException:
            done.undo()
            raise
        return done

    def _apply(self, module: nn.Module, done: AppliedCure) -> None:
        inputs, _ = self.case.batch
        build = self.case.altered(self.alteration)[0].build
        if isinstance(build, AlteredBuild):
            done._undos += [applied.undo for applied in build.apply_(module)]
        if self.alteration.dropout is not None:
            done._undos.append(set_dropout_(module, self.alteration.dropout, inputs=inputs).undo)
        if self.alteration.init is not None:
            torch.manual_seed(self.case.seed)
            positional, keywords = call_arguments(inputs)
            given = positional if self.alteration.init == "auto" else ()
            named = keywords if self.alteration.init == "auto" else {}
            record = initialize_(module, *given, scheme=self.alteration.init, seed=self.case.seed, **named)
            done._undos.append(record.undo)
