"""A cure made on a network that is already there, and taken back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import nn

from justfit.cures import Applied, initialization_change, initialize_, set_dropout_
from justfit.records import Change
from justfit.repair._alteration import Alteration
from justfit.repair._case import Case
from justfit.repair._structure import AlteredBuild
from justfit.sweep import NO_FOLD, call_arguments, default_generator_kept, take


@dataclass(slots=True)
class AppliedCure:
    """What was done to a network; `undo` takes it back, bit for bit.

    Attributes:
        changes: Everything that was changed.
        by_hand: What cannot be reached from outside, such as a call of `F.dropout`: the line, and what to write.
    """

    changes: tuple[Change, ...] = ()
    by_hand: tuple[Change, ...] = ()
    _undos: list[Callable[[], None]] = field(default_factory=list, repr=False)

    def undo(self) -> None:
        """Put everything back as it was; a second call does nothing."""
        while self._undos:
            self._undos.pop()()

    def _enter(self, applied: Applied) -> None:
        self.changes += applied.changes
        self.by_hand += applied.by_hand
        self._undos.append(applied.undo)


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

    def build(self) -> nn.Module:
        """Build the user's network, and change it."""
        module = self.case.training.build()
        self(module)
        return module

    def finish(self, module: nn.Module) -> nn.Module:
        """Give a network that was trained under the cure what only its training loop had: p of its dropout."""
        if self.alteration.dropout is not None:
            set_dropout_(module, self.alteration.dropout)
        return module

    def _apply(self, module: nn.Module, done: AppliedCure) -> None:
        build = self.case.altered(self.alteration)[0].build
        if isinstance(build, AlteredBuild):
            for applied in build.apply_(module):
                done._enter(applied)
        if self.alteration.dropout is not None:
            done._enter(set_dropout_(module, self.alteration.dropout, inputs=self.case.batch[0]))
        if self.alteration.init is not None:
            self._initialize(module, done)

    def _initialize(self, module: nn.Module, done: AppliedCure) -> None:
        """Draw as the counterfactual run did: on its batch, with its seed."""
        scheme, seed, examples = self.alteration.init or "auto", self.case.seed, self.case.examples
        rows = examples.training_rows(NO_FOLD)[: self.case.training.batch_size]
        positional, keywords = call_arguments(take(examples.inputs, rows)) if scheme == "auto" else ((), {})
        torch.manual_seed(seed)
        record = initialize_(module, *positional, scheme=scheme, seed=seed, **keywords)
        done.changes += (initialization_change(scheme, seed=seed),)
        done._undos.append(record.undo)
