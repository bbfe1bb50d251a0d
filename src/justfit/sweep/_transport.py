"""Tensors on their way to another process: as plain bytes, each exactly as long as it is.

A tensor that is sent as it stands takes its whole storage along, also where it shows only a row of it. So what
travels is copied into one flat array first; and what arrives is owned: it can be written to, and shares nothing.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from justfit.sweep._far import joined_rows
from justfit.sweep._training import Examples, Training, Unit, UnitReport, UnitState

# Where each tensor starts in the flat array, so that every dtype can be read in place.
ALIGNMENT_BYTES = 64
_PLACEHOLDER = torch.empty(0)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a tensor lies in a flat array of bytes."""

    dtype: torch.dtype
    shape: tuple[int, ...]
    start: int
    end: int

    def read(self, flat: Tensor) -> Tensor:
        """View the tensor in the flat array."""
        return flat[self.start : self.end].view(self.dtype).reshape(self.shape)


@dataclass(frozen=True, slots=True)
class Packed:
    """Named tensors in one array.

    Attributes:
        flat: uint8; numpy's, because pools and object stores carry such arrays without copying them.
        places: Where each lies, by name.
    """

    flat: np.ndarray[Any, np.dtype[np.uint8]]
    places: dict[str, Place]

    def unpack(self) -> dict[str, Tensor]:
        """Copy each tensor out."""
        flat = torch.from_numpy(np.asarray(self.flat) if self.flat.flags.writeable else self.flat.copy())
        return {name: place.read(flat).clone() for name, place in self.places.items()}


@dataclass(frozen=True, slots=True)
class PackedReport:
    """A `UnitReport` whose tensors are packed."""

    epochs: tuple[int, ...]
    seconds: float
    num_variants: int
    packed: Packed

    def unpack(self) -> UnitReport:
        """Give the report that was packed."""
        tensors = self.packed.unpack()
        held = [tensors[f"validation_losses.{index}"] for index in range(self.num_variants)]
        return UnitReport(self.epochs, held, tensors["train_loss"], tensors["train_loss_se"], self.seconds)


@dataclass(frozen=True, slots=True)
class SentTraining:
    """A `Training` without its tensors, and where those are.

    Attributes:
        training: The training; a placeholder stands for each tensor of its examples.
        places: Where the tensors lie, in the order of `leaves`.
        flat: They themselves, or the file that holds them.
    """

    training: Training
    places: tuple[Place, ...]
    flat: np.ndarray[Any, np.dtype[np.uint8]] | Path

    def receive(self) -> Training:
        """Put the training together again.

        A file is mapped, copy on write: all workers of a machine share its pages, and none can change another's.
        """
        if isinstance(self.flat, Path):
            size = self.flat.stat().st_size
            flat = torch.from_file(str(self.flat), shared=False, size=size, dtype=torch.uint8)
        else:
            flat = torch.from_numpy(self.flat.copy())
        tensors = iter([place.read(flat) for place in self.places])
        return replace(self.training, examples=_with_leaves(self.training.examples, tensors))


def pack(tensors: Mapping[str, Tensor]) -> Packed:
    """Copy named tensors into one flat array.

    Example:
        >>> row = torch.arange(6.0).reshape(2, 3)[1]
        >>> packed = pack({"row": row, "count": torch.tensor(7)})
        >>> {name: tensor.tolist() for name, tensor in packed.unpack().items()}
        {'row': [3.0, 4.0, 5.0], 'count': 7}
    """
    places = dict(zip(tensors, _places(tensors.values()), strict=True))
    flat = torch.zeros(max((place.end for place in places.values()), default=0), dtype=torch.uint8)
    for name, place in places.items():
        place.read(flat).copy_(tensors[name].detach())
    return Packed(flat.numpy(), places)


def without_state(unit: Unit) -> Unit:
    """The unit without where its variants stand, which travels apart."""
    return replace(unit, state=None)


def with_state(unit: Unit, epoch: int, parts: Sequence[tuple[Packed, Sequence[int]]]) -> Unit:
    """Put a unit together again: its variants are these rows of these pieces; no piece starts them."""
    if not parts:
        return unit
    tensors = joined_rows([(packed.unpack(), rows) for packed, rows in parts])
    return replace(unit, state=UnitState(epoch, tensors))


def pack_report(report: UnitReport) -> PackedReport:
    """Pack what was measured."""
    tensors = {f"validation_losses.{index}": held for index, held in enumerate(report.validation_losses)}
    tensors |= {"train_loss": report.train_loss, "train_loss_se": report.train_loss_se}
    return PackedReport(report.epochs, report.seconds, len(report.validation_losses), pack(tensors))


def send_training(training: Training, folder: str | None = None) -> SentTraining:
    """Take a training's tensors out, into an array or, where a folder is given, a file in it."""
    tensors = {str(index): leaf for index, leaf in enumerate(leaves(training.examples))}
    packed = pack(tensors)
    flat: np.ndarray[Any, np.dtype[np.uint8]] | Path = packed.flat
    if folder is not None:
        with tempfile.NamedTemporaryFile(dir=folder, suffix=".examples", delete=False) as file:
            file.write(packed.flat.data if packed.flat.size else b"\0")
        flat = Path(file.name)
    empty = _with_leaves(training.examples, iter([_PLACEHOLDER] * len(tensors)))
    return SentTraining(replace(training, examples=empty), tuple(packed.places.values()), flat)


def leaves(examples: Examples) -> list[Tensor]:
    """Every tensor of the examples, in a fixed order."""
    return [*_leaves(examples.inputs), *_leaves(examples.targets), examples.fold_of_rows]


def _leaves(tree: Any) -> Iterator[Tensor]:
    if isinstance(tree, Tensor):
        yield tree
    else:
        for part in tree.values() if isinstance(tree, dict) else tree:
            yield from _leaves(part)


def _with_leaves(examples: Examples, tensors: Iterator[Tensor]) -> Examples:
    def filled(tree: Any) -> Any:
        if isinstance(tree, Tensor):
            return next(tensors)
        if isinstance(tree, dict):
            return {name: filled(part) for name, part in tree.items()}
        return type(tree)(filled(part) for part in tree)

    return Examples(filled(examples.inputs), filled(examples.targets), next(tensors))


def _places(tensors: Any) -> Iterator[Place]:
    start = 0
    for tensor in tensors:
        end = start + tensor.nbytes
        yield Place(tensor.dtype, tuple(tensor.shape), start, end)
        start = -(-end // ALIGNMENT_BYTES) * ALIGNMENT_BYTES
