"""The playground: a grid of small networks on points in a plane, trained together and opened at any time."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from justfit.errors import ArgumentError
from justfit.lab._playground_cause import Case, cause_of, moves_of
from justfit.lab._playground_look import Network, Signals
from justfit.lab._playground_options import DROPOUT, L2, MOST_EPOCHS, TABLE
from justfit.lab._playground_plain import curves, grid, plane_of, rounded
from justfit.lab._playground_points import Points, draw_points
from justfit.lab._playground_reference import Reference
from justfit.lab._playground_settings import Settings
from justfit.lab._playground_stack import Stack, build_network
from justfit.lab._playground_table import PlaygroundTable
from justfit.lab._playground_training import StackTraining
from justfit.lab._playground_verdict import judge_cell
from justfit.report import shown
from justfit.sweep import one_torch_thread


class Playground:
    """Train all λ × dropout of one setting at once, and look at any of them.

    The numbers depend on the settings alone: neither on how `advance` is cut nor on what is looked at in between.
    One thread at a time may use it.

    Args:
        settings: What to train, on what.
        table: The user's two columns, for `data="table"`.

    Raises:
        ArgumentError: `data="table"` without a table.

    Example:
        >>> playground = Playground(Settings(data="moons", num_train=40, depth=2))
        >>> playground.advance(10)
        >>> state = playground.state(l2=0, dropout=0)
        >>> state["epoch"], len(state["surface"]), len(state["forward"])
        (10, 40, 3)
        >>> playground.state(l2=5, dropout=0)["curves"]["train"][-1] > state["curves"]["train"][-1]
        True
    """

    def __init__(self, settings: Settings, table: PlaygroundTable | None = None) -> None:
        self.settings = settings
        self.points = _points(settings, table)
        with one_torch_thread():
            self._training = StackTraining(settings, self.points)
            self._reference = Reference(self.points)
            self._first = self._network(0).signals()
        self._auto: Signals | None = None

    @property
    def epoch(self) -> int:
        """Epochs trained so far."""
        return self._training.epoch

    def advance(self, epochs: int, most_seconds: float = math.inf) -> None:
        """Train all cells for some epochs more.

        Args:
            epochs: 1 to 50.
            most_seconds: After so long no further epoch is begun, and a first one that takes longer is paused: the next
                call goes on with it. `epoch` says how many are done.

        Raises:
            ArgumentError: `epochs` lies outside its range.
        """
        if type(epochs) is not int or not 1 <= epochs <= MOST_EPOCHS:
            raise ArgumentError(
                f"`epochs` must be a whole number from 1 to {MOST_EPOCHS}.",
                found=f"`epochs={shown(repr(epochs))}`",
                way_out="Call again for more.",
            )
        with one_torch_thread():
            self._training.advance(epochs, most_seconds)

    def state(self, l2: int = 0, dropout: int = 0, *, plane: bool = False) -> dict[str, Any]:
        """Look at one cell, without training.

        Args:
            l2: Index into `Options.l2`.
            dropout: Index into `Options.dropout`.
            plane: Add the points themselves, which do not change.

        Returns:
            Lists, numbers with four digits, words and None for what is no number: fit for JSON.

        Raises:
            ArgumentError: An index lies outside its range.
        """
        _require_index("l2", l2, len(L2))
        _require_index("dropout", dropout, len(DROPOUT))
        cell = l2 * len(DROPOUT) + dropout
        with one_torch_thread():
            state = {
                "epoch": self.epoch,
                "stepsLeft": self._training.num_steps_left,
                "l2": l2,
                "dropout": dropout,
                "numTrain": self.points.num_train,
                "diverged": not bool(self._training.is_finite()[cell]),
                "curves": curves(self._training.history, cell),
                "grid": grid(self._training.history[-1]),
                **self._look(cell),
            }
        plain: dict[str, Any] = rounded(state)
        return {**plain, "plane": plane_of(self.points)} if plane else plain

    def _look(self, cell: int) -> dict[str, Any]:
        network = self._network(cell)
        signals = network.signals()
        verdict = judge_cell(self._training, cell, self._reference)
        case = Case(
            layers=network.layers,
            now=signals,
            first=self._first,
            init=self.settings.init,
            cell=cell,
            auto=self._signals_of_auto,
        )
        return {
            "surface": network.surface(),
            "units": network.units(),
            "weights": network.weights(),
            "forward": signals.forward,
            "backward": signals.backward,
            "dead": signals.dead,
            "moves": moves_of(signals),
            "verdict": verdict,
            "cause": cause_of(case, None if verdict is None else verdict["state"]),
        }

    def _network(self, cell: int) -> Network:
        stack = self._training.stack
        return Network(stack.cell(cell), stack.activation, self.points)

    def _signals_of_auto(self) -> Signals:
        """Measure what the initialization `auto` gives; kept, for it takes a while in a deep network."""
        if self._auto is None:
            rows = self._training.inputs[: self.points.num_train]
            stack = Stack(build_network(replace(self.settings, init="auto"), rows.float()), 1)
            self._auto = Network(stack.cell(0), stack.activation, self.points).signals()
        return self._auto


def _points(settings: Settings, table: PlaygroundTable | None) -> Points:
    if settings.data != TABLE:
        return draw_points(settings)
    if table is None:
        raise ArgumentError(
            "`data=table` needs a table.",
            found="none",
            way_out="Start with `justfit lab --serve --data TABLE`, or take another `data`.",
        )
    return table.draw(settings)


def _require_index(name: str, index: int, count: int) -> None:
    if type(index) is not int or not 0 <= index < count:
        raise ArgumentError(
            f"`{name}` must be an index from 0 to {count - 1}.",
            found=f"`{name}={shown(repr(index))}`",
            way_out="It is the place of the value in the options, not the value.",
        )
