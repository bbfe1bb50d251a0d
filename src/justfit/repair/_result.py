"""What `justfit.cure` gives back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torch import nn

from justfit.records import Change, CureCost, CureRecord, CureState, Finding, FitVerdict, Shown, TriedChange
from justfit.repair._apply import AppliedCure
from justfit.report import render_cure_text

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True, slots=True)
class Cure(Shown):
    """A repair: what was wrong, what cures it, and the network that it cured.

    Attributes:
        record: Everything that was found out, as numbers and words; JSON by `justfit.records.to_json`.
        training: The repaired training as values: optimizer, learning_rate, epochs, batch_size, schedule, loss_fn, l2,
            dropout, clip_norm, init.
    """

    record: CureRecord
    training: dict[str, Any]
    _build: Callable[[], nn.Module]
    _apply: Callable[[nn.Module], AppliedCure]
    _module: nn.Module

    @property
    def state(self) -> CureState:
        """What came of it."""
        return self.record.state

    @property
    def cause(self) -> str:
        """Category of the change that was proven to help; "" where none was."""
        return self.record.cause

    @property
    def changes(self) -> tuple[Change, ...]:
        """What the cure does: to the training, then to layers and what goes in, then to the weights."""
        return self.record.changes

    @property
    def patch(self) -> str:
        """The cure in words and code; "" where there is none."""
        return self.record.patch

    @property
    def tried(self) -> tuple[TriedChange, ...]:
        """Every change that was tried, with its gain and interval, also the rejected ones."""
        return self.record.tried

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Of the check before training and of the rules while the user's training ran."""
        return self.record.findings

    @property
    def verdict(self) -> FitVerdict | None:
        """Whether the user's network fits; None where it could not be trained."""
        return self.record.verdict

    @property
    def cost(self) -> CureCost:
        """What the repair cost."""
        return self.record.cost

    def build(self) -> nn.Module:
        """Build a fresh network as repaired in layers, scaling, dropout and first weights; else the user's own.

        Train it as `training` says. Dropout that is called as a function keeps its p: the patch names its line.
        """
        return self._build()

    def model(self) -> nn.Module:
        """Return the repaired network as it was trained here, in eval mode; the user's where nothing was repaired."""
        return self._module.eval()

    def apply_(self, module: nn.Module) -> AppliedCure:
        """Make the cure's changes of layers, dropout and weights on a network like the one it was found on, in place.

        What changes the training and not the network stands in `training`.

        Args:
            module: Changed in place.

        Returns:
            What was done; its `undo()` takes it back.

        Raises:
            UnsupportedModuleError: There is nothing in the network that a change could be made to.
        """
        return self._apply(module)

    def summary(self, console: Console | None = None, *, verbose: bool = False) -> None:
        """Print what was wrong, what cures it, and what was tried.

        Args:
            console: Where; standard output by default.
            verbose: Print the findings as well.
        """
        from rich.console import Console

        render_cure_text(self.record, console or Console(), verbose=verbose)

    def __repr__(self) -> str:
        cause = f", cause={self.cause!r}" if self.cause else ""
        return f"Cure({self.state!r}{cause}, trainings={self.cost.trainings:.2f})"
