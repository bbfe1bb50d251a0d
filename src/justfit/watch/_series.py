"""Series that stay short however long a run lasts: samples of the layers, the loss in bins, the last steps."""

from __future__ import annotations

import itertools
import math
from array import array
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from justfit.records import LossBins

MAX_SAMPLES = 512  # of one optimizer; the older half is thinned out when it is full
MAX_BINS = 512
MAX_WAITING = 256  # losses that are folded into bins together
QUANTITIES = (
    "weight_norm", "gradient_norm", "clipped_gradient_norm", "update_norm", "activation_rms", "dead_fraction",
    "saturated_fraction",
)  # fmt: skip


class SampleSeries:
    """The sampled steps of one optimizer: step, learning rate, and `QUANTITIES` of each of its layers."""

    def __init__(self) -> None:
        self.steps: list[int] = []
        self.learning_rates: list[float] = []
        self._layers: list[tuple[int, ...]] = []  # which layers a row is about; rows of one shape share the tuple
        self._rows: list[array[float]] = []

    def add(self, step: int, learning_rate: float, layers: tuple[int, ...], row: Sequence[float]) -> None:
        """Append one sampled step.

        Args:
            step: Its number.
            learning_rate: Of the first parameter group.
            layers: Indices of the layers.
            row: Of each quantity in turn one number a layer.
        """
        if len(self.steps) >= MAX_SAMPLES:
            self._thin_out()
        if self._layers and self._layers[-1] == layers:
            layers = self._layers[-1]
        self.steps.append(step)
        self.learning_rates.append(learning_rate)
        self._layers.append(layers)
        self._rows.append(array("d", row))

    def last_row(self) -> list[float]:
        """Return the numbers of the last sample."""
        return self._rows[-1].tolist()

    def replace(self, step: int, numbers: Sequence[float]) -> None:
        """Put other numbers in the place of the first ones of a sample, if it is still held."""
        if step in self.steps:
            row = self._rows[self.steps.index(step)]
            row[: len(numbers)] = array("d", numbers)

    def of_layer(self, layer: int) -> dict[str, tuple[float, ...]]:
        """Return the series of every quantity of one layer; NaN where the layer was not there yet."""
        found: dict[str, list[float]] = {name: [] for name in QUANTITIES}
        start = 0
        for layers, same in itertools.groupby(self._layers):
            rows = self._rows[start : (start := start + len(list(same)))]
            for number, name in enumerate(QUANTITIES):
                if layer in layers:
                    place = number * len(layers) + layers.index(layer)
                    found[name] += [row[place] for row in rows]
                else:
                    found[name] += [math.nan] * len(rows)
        return {name: tuple(values) for name, values in found.items()}

    def num_bytes(self) -> int:
        """Count the memory of the rows."""
        return sum(row.itemsize * len(row) for row in self._rows[-1:]) * len(self._rows)

    def state_dict(self) -> dict[str, Any]:
        """Return what `load_state_dict` takes: lists of numbers."""
        return {
            "steps": list(self.steps),
            "learning_rates": list(self.learning_rates),
            "layers": [list(layers) for layers in self._layers],
            "rows": [row.tolist() for row in self._rows],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up where a stored series ended."""
        self.steps, self.learning_rates = list(state["steps"]), list(state["learning_rates"])
        self._layers = [tuple(layers) for layers in state["layers"]]
        self._rows = [array("d", row) for row in state["rows"]]

    def _thin_out(self) -> None:
        half = MAX_SAMPLES // 2
        keep = [*range(0, half, 2), *range(half, len(self.steps))]
        for held in (self.steps, self.learning_rates, self._layers, self._rows):
            held[:] = [held[place] for place in keep]


class LossSeries:
    """The loss of every step in at most `MAX_BINS` bins; when they are full, neighbours are merged."""

    def __init__(self) -> None:
        self._bins: list[list[float]] = []  # first step, steps, mean, sum of squared deviations, minimum, maximum
        self._length = 1
        self._waiting: list[tuple[int, float | Tensor]] = []
        self._epoch = [0.0, 0]  # sum and number of the finite losses since the last epoch ended

    def add(self, step: int, loss: float | Tensor) -> None:
        """Append the loss of one step; a tensor is read later, many at once."""
        if len(self._waiting) >= MAX_WAITING:
            self.fold()
        self._waiting.append((step, loss))

    def replace_last(self, loss: float | Tensor) -> None:
        """Put another loss in the place of the last one."""
        if self._waiting:
            self._waiting[-1] = (self._waiting[-1][0], loss)

    def fold(self, *, but: int = 0) -> None:
        """Put what waits into bins; what lies on a device comes to the host in one transfer.

        Args:
            but: How many of the last go on waiting.
        """
        ready = self._waiting[: len(self._waiting) - but]
        del self._waiting[: len(ready)]
        for (step, _), loss in zip(ready, on_host([loss for _, loss in ready]), strict=True):
            self._put(step, loss)

    def epoch_mean(self) -> float:
        """Return the mean of the finite losses since an epoch ended; NaN of none."""
        self.fold()
        total, num = self._epoch
        return total / num if num else math.nan

    def end_epoch(self) -> None:
        """Begin to average anew."""
        self.fold()
        self._epoch = [0.0, 0]

    def bins(self) -> LossBins:
        """Return all bins so far; the last loss is in them, but waits on, as the loop may still tell another."""
        self.fold(but=1)
        whole = LossSeries()
        whole._bins, whole._length = [list(each) for each in self._bins], self._length
        whole._waiting = list(self._waiting)
        whole.fold()
        bins = whole._bins
        return LossBins(
            first_step=tuple(int(each[0]) for each in bins),
            num_steps=tuple(int(each[1]) for each in bins),
            mean=tuple(each[2] if each[1] else math.nan for each in bins),
            std=tuple(math.sqrt(each[3] / (each[1] - 1)) if each[1] > 1 else math.nan for each in bins),
            minimum=tuple(each[4] if each[1] else math.nan for each in bins),
            maximum=tuple(each[5] if each[1] else math.nan for each in bins),
        )

    def state_dict(self) -> dict[str, Any]:
        """Return what `load_state_dict` takes: lists of numbers."""
        self.fold()
        return {"bins": [list(each) for each in self._bins], "length": self._length, "epoch": list(self._epoch)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up where a stored series ended."""
        self._bins, self._length = [list(each) for each in state["bins"]], state["length"]
        self._epoch = list(state["epoch"])

    def _put(self, step: int, loss: float) -> None:
        if not self._bins or step >= self._bins[-1][0] + self._length:
            if len(self._bins) == MAX_BINS:
                pairs = zip(self._bins[::2], self._bins[1::2], strict=True)
                self._bins = [_merged(first, second) for first, second in pairs]
                self._length *= 2
            if not self._bins or step >= self._bins[-1][0] + self._length:
                self._bins.append([step, 0, 0.0, 0.0, math.inf, -math.inf])
        if math.isfinite(loss):
            self._epoch = [self._epoch[0] + loss, self._epoch[1] + 1]
            self._bins[-1] = _merged(self._bins[-1], [step, 1, loss, 0.0, loss, loss])


def _merged(first: list[float], second: list[float]) -> list[float]:
    """Merge two bins (Chan, Golub & LeVeque 1983)."""
    num = first[1] + second[1]
    if not second[1] or not first[1]:
        return [first[0], *(first if first[1] else second)[1:]]
    delta = second[2] - first[2]
    squares = first[3] + second[3] + delta * delta * first[1] * second[1] / num
    mean = first[2] + delta * second[1] / num
    return [first[0], num, mean, squares, min(first[4], second[4]), max(first[5], second[5])]


@dataclass(slots=True)
class Frame:
    """One of the last steps; its loss may still lie on the device."""

    step: int
    loss: float | Tensor
    batch: int = -1
    examples: tuple[int, ...] = ()
    gradient_norm: float = math.nan
    layers: tuple[float, ...] = ()


class Frames:
    """The last steps of a run."""

    def __init__(self, length: int) -> None:
        self._held: deque[Frame] = deque(maxlen=length)

    def add(self, frame: Frame) -> None:
        """Append one step; the oldest goes."""
        self._held.append(frame)

    def __iter__(self) -> Iterator[Frame]:
        frames = list(self._held)
        for frame, loss in zip(frames, on_host([frame.loss for frame in frames]), strict=True):
            frame.loss = loss
        return iter(frames)

    def last(self) -> Frame | None:
        """Return the newest frame; None before the first step."""
        return self._held[-1] if self._held else None

    def last_norm(self) -> float | None:
        """Return the newest gradient norm that was measured; None if there is none."""
        return next((f.gradient_norm for f in reversed(self._held) if not math.isnan(f.gradient_norm)), None)

    def find(self, step: int) -> Frame | None:
        """Return the frame of a step that is still held."""
        return next((frame for frame in self._held if frame.step == step), None)


def on_host(values: list[float | Tensor]) -> list[float]:
    """Bring many 0-dim tensors to the host in one transfer."""
    places = [place for place, value in enumerate(values) if isinstance(value, Tensor)]
    found = list(values)
    if places:
        device = values[places[0]].device  # type: ignore[union-attr]
        together = torch.stack([values[place].detach().reshape(()).to(device, torch.float32) for place in places])  # type: ignore[union-attr]
        for place, value in zip(places, together.tolist(), strict=True):
            found[place] = value
    return found  # type: ignore[return-value]
