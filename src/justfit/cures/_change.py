"""What every remedy that changes a module in place returns, and how its edits are taken back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from justfit.errors import ArgumentError
from justfit.records import Change

__all__ = ["Applied", "Change", "Edit", "editing"]


class Edit(Protocol):
    """One edit that was made."""

    place: str

    def is_intact(self) -> bool:
        """Tell whether what the edit put there is still there."""

    def undo(self) -> None:
        """Put back what was there."""


@dataclass(frozen=True, kw_only=True)
class Applied:
    """Everything a remedy did, and what it left for the user to do.

    Attributes:
        changes: One entry per place that was changed, in order of execution where that is known.
        by_hand: Places that should change and cannot be reached from outside, such as a call of `F.sigmoid`: the line
            to change and what to write.
        untouched: (place, reason) of what was looked at and left alone.
    """

    changes: tuple[Change, ...] = ()
    by_hand: tuple[Change, ...] = ()
    untouched: tuple[tuple[str, str], ...] = ()
    _edits: list[Edit] = field(default_factory=list, repr=False, compare=False)

    def undo(self) -> None:
        """Put everything back as it was before the remedy, bit for bit; a second call does nothing.

        What has happened to the rest of the module since then, such as training, stays. What comes back has the mode,
        the dtype and the device it had, so undo before converting the module.

        Raises:
            ArgumentError: A place holds something else than the remedy put there; nothing is changed then.
        """
        for edit in self._edits:
            if not edit.is_intact():
                raise ArgumentError(
                    "Changes must be undone in reverse order.",
                    found=f"`{edit.place}` changed again since",
                    way_out="Undo the later change first.",
                )
        while self._edits:
            self._edits.pop().undo()


@contextmanager
def editing() -> Iterator[list[Edit]]:
    """Collect edits while the block lasts; if it fails, Ctrl-C included, they are taken back."""
    edits: list[Edit] = []
    try:
        yield edits
    except BaseException:
        while edits:
            edits.pop().undo()
        raise
