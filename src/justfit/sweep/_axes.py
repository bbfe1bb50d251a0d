"""The grid of a sweep over any module: its cells, where they lie, and which of them are neighbours."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from justfit.cures import SCHEMES, Scheme
from justfit.errors import ArgumentError
from justfit.sweep._training import Setting

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Cell:
    """One setting and where it lies.

    Attributes:
        setting: What its networks are trained with.
        place: (l2, dropout, learning_rate) in grid steps; a cell put in between later has halves.
    """

    setting: Setting
    place: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Axes:
    """The values that are tried; every combination is a cell.

    Attributes:
        l2: Ascending.
        dropout: Ascending; (None,) leaves the network's own.
        learning_rate: In the order given; the first is the one used so far. (None,) leaves the optimizer's own.
        init: In the order given; the first is the one used so far. None leaves the network as built.
    """

    l2: tuple[float, ...]
    dropout: tuple[float | None, ...]
    learning_rate: tuple[float | None, ...]
    init: tuple[Scheme | None, ...]

    def cells(self) -> list[Cell]:
        """All cells; the first is the corner: least regularization, first learning rate, first init."""
        ranks = _ranks(self.learning_rate)
        return [
            Cell(
                Setting(l2=l2, dropout=dropout, learning_rate=learning_rate, init=init),
                (float(i), float(j), float(ranks[k])),
            )
            for init in self.init
            for k, learning_rate in enumerate(self.learning_rate)
            for i, l2 in enumerate(self.l2)
            for j, dropout in enumerate(self.dropout)
        ]


def are_neighbours(first: Cell, second: Cell) -> bool:
    """Whether two cells have the same init and lie at most one grid step apart on every axis."""
    near = all(abs(a - b) <= 1 for a, b in zip(first.place, second.place, strict=True))
    return near and first.setting.init == second.setting.init


def are_next(first: Cell, second: Cell) -> bool:
    """Whether two cells have the same init and lie one grid step apart on one axis, and together on all others."""
    steps = sum(abs(a - b) for a, b in zip(first.place, second.place, strict=True))
    return steps == 1 and first.setting.init == second.setting.init


def between(first: Cell, second: Cell) -> Cell | None:
    """Make the cell halfway, in log λ, between two that differ in λ alone; None where there is none."""
    one, other = first.setting, second.setting
    same = (one.dropout, one.learning_rate, one.init) == (other.dropout, other.learning_rate, other.init)
    if not same or min(one.l2, other.l2) <= 0 or one.l2 == other.l2:
        return None
    setting = Setting(
        l2=math.sqrt(one.l2 * other.l2), dropout=one.dropout, learning_rate=one.learning_rate, init=one.init
    )
    return Cell(setting, ((first.place[0] + second.place[0]) / 2, *first.place[1:]))


def read_l2(l2: float | Sequence[float] | None) -> tuple[float, ...] | None:
    """Read the argument `l2`: a number, numbers in any order, or None to have them found."""
    if l2 is None:
        return None
    values = _values("l2", l2)
    for value in values:
        Setting(l2=_number("l2", value))
    return tuple(sorted({float(value) for value in values}))


def read_dropout(dropout: float | Sequence[float] | None) -> tuple[float, ...] | None:
    """Read the argument `dropout`: a number, numbers in any order, or None to have them found."""
    if dropout is None:
        return None
    values = _values("dropout", dropout)
    for value in values:
        Setting(dropout=_number("dropout", value))
    return tuple(sorted({float(value) for value in values}))


def read_learning_rate(learning_rate: float | Sequence[float] | None) -> tuple[float | None, ...]:
    """Read the argument `learning_rate`: a number, numbers, or None for the optimizer's own."""
    if learning_rate is None:
        return (None,)
    values = _values("learning_rate", learning_rate)
    for value in values:
        Setting(learning_rate=_number("learning_rate", value))
    return tuple(dict.fromkeys(float(value) for value in values))


def read_init(init: Scheme | Sequence[Scheme | None] | None) -> tuple[Scheme | None, ...]:
    """Read the argument `init`: a scheme, schemes, or None for the network as built."""
    if init is None:
        return (None,)
    values = (init,) if isinstance(init, str) else _values("init", init)
    for value in values:
        if value is not None and value not in SCHEMES:
            raise ArgumentError(
                f"`init` must be one of {', '.join(SCHEMES)}, or None for the network as built.",
                found=f"`init={value!r}`",
                way_out="See `justfit.initialize_` for what each does.",
            )
    return tuple(dict.fromkeys(values))


def _values(name: str, given: Any) -> tuple[Any, ...]:
    if isinstance(given, str | bytes | dict):
        raise _no_values(name, given)
    try:
        values = tuple(given) if hasattr(given, "__iter__") else (given,)
    except TypeError as error:  # a 0-dim array or tensor
        raise _no_values(name, given) from error
    if not values:
        raise ArgumentError(
            f"`{name}` must hold at least one value to try.",
            found=f"`{name}={given!r}`",
            way_out=f"Leave `{name}` out, or give the one value to use.",
        )
    return values


def _number(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise _no_values(name, value) from error


def _no_values(name: str, given: Any) -> ArgumentError:
    return ArgumentError(
        f"`{name}` must be a number or a sequence of numbers.",
        found=f"`{name}={given!r}`",
        way_out=f"Give for example `{name}=[0.1, 0.2]`, or leave it out.",
    )


def _ranks(values: tuple[float | None, ...]) -> list[int]:
    """Position of each value in ascending order."""
    ascending = sorted(values, key=lambda value: -1.0 if value is None else value)
    return [ascending.index(value) for value in values]
