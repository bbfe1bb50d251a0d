"""The layers of a network before and after a repair, side by side; what stayed alike is left out in the middle."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher

from justfit.report._document import Table
from justfit.report._names import shown
from justfit.report._numbers import count

_AROUND = 1  # unchanged layers shown before and after a change
_MOST_ROWS = 200
_LETTERS = 100

Row = tuple[str, str, str]


def structure_table(before: Sequence[str], after: Sequence[str]) -> Table | None:
    """Put both lists beside each other; None where they are the same.

    Args:
        before: `name: make` of each layer.
        after: The same, of the repaired network.
    """
    rows = _rows([_parts(line) for line in before], [_parts(line) for line in after])
    changed = [k for k, row in enumerate(rows) if row[0]]
    if not changed:
        return None
    near = {k + shift for k in changed for shift in range(-_AROUND, _AROUND + 1)}
    written: list[Row] = []
    alike = 0
    for k, row in enumerate(rows):
        if k in near:
            written += [_left_out(alike)] * (alike > 0) + [row]
            alike = 0
        else:
            alike += 1
    written += [_left_out(alike)] * (alike > 0)
    more = f" The first {_MOST_ROWS} rows." if len(written) > _MOST_ROWS else ""
    return Table(
        caption=f"The network before and after: {count(len(changed), 'layer')} changed.{more}",
        columns=("Change", "Your network", "Repaired network"),
        rows=tuple(written[:_MOST_ROWS]),
        numeric=False,
    )


def _parts(line: str) -> tuple[str, str]:
    name, _, make = line.partition(": ")
    return name, make


def _rows(before: Sequence[tuple[str, str]], after: Sequence[tuple[str, str]]) -> list[Row]:
    # By what a layer is, not by its name: a layer put in front renames all that follow it.
    old_makes, new_makes = ([make for _, make in side] for side in (before, after))
    rows: list[Row] = []
    for kind, i, i_end, j, j_end in SequenceMatcher(None, old_makes, new_makes, autojunk=False).get_opcodes():
        for k in range(max(i_end - i, j_end - j)):
            old = before[i + k] if i + k < i_end else None
            new = after[j + k] if j + k < j_end else None
            word = "" if kind == "equal" else "added" if old is None else "removed" if new is None else "changed"
            rows.append((word, _written(old), _written(new)))
    return rows


def _written(layer: tuple[str, str] | None) -> str:
    return "—" if layer is None else shown(f"{layer[0]}: {layer[1]}", _LETTERS)


def _left_out(alike: int) -> Row:
    return "", f"… {count(alike, 'layer')} alike", "…"
