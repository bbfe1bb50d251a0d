"""A sweep on disk, piece by piece, so that one that was killed goes on where it stood.

A unit becomes two safetensors files: first where its variants stand, then what they showed; the second is the word that
the unit is done. Each file appears in one step. Whoever asks again for the same variants up to the same epoch gets what
was kept; decisions are made anew from the same numbers, and so come out the same, to the bit.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from justfit.report import write_atomically
from justfit.sweep._cell_table import Losses, Measured
from justfit.sweep._training import SweepVariant, Unit, UnitReport, UnitState

MEASURED = "measured"
STATE = "state"


class Store:
    """Kept pieces of one sweep.

    Args:
        folder: Where they lie; exists, and holds nothing but pieces of this sweep.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._places: dict[tuple[str, int], tuple[str, int]] = {}  # (variant, epoch where it stands)
        self._shown: dict[tuple[str, int], tuple[str, int]] = {}  # (variant, epoch measured)
        self._counted: set[str] = set()
        self._until: dict[str, int] = {}
        self._seconds = 0.0
        for path in sorted(folder.glob(f"*.{MEASURED}.safetensors")):
            self._read_place(path)
        for path in folder.glob(f"*.{STATE}.safetensors"):
            _forget_damaged(path)

    def keep(self, unit: Unit, state: UnitState, report: UnitReport) -> None:
        """Write a unit that is done.

        Raises:
            OutputError: It cannot be written.
        """
        names = [_name_of(variant) for variant in unit.variants]
        stem = hashlib.blake2b(json.dumps([names, unit.until]).encode(), digest_size=12).hexdigest()
        description = {"variants": names, "until": unit.until, "epochs": report.epochs, "seconds": report.seconds}
        metadata = {"justfit": json.dumps(description)}
        tensors = {name: tensor.contiguous() for name, tensor in state.tensors.items()}
        write_atomically(self._path(stem, STATE), save(tensors, metadata))
        write_atomically(self._path(stem, MEASURED), save(_tensors_of(report), metadata))
        self._counted.add(stem)
        self._add(stem, description)

    def measured(self, variants: Sequence[SweepVariant], epochs: tuple[int, ...]) -> dict[SweepVariant, Measured]:
        """What is kept of these variants at these epochs, in whatever pieces; of each all epochs, or nothing."""
        found = {}
        opened: dict[str, tuple[dict[str, Tensor], dict[str, Any]]] = {}
        for variant in variants:
            name = _name_of(variant)
            places = [self._shown.get((name, epoch)) for epoch in epochs]
            kept = [place for place in places if place is not None]
            if len(kept) < len(epochs):
                continue
            for stem, _ in kept:
                if stem not in opened:
                    opened[stem] = self._opened(stem)
            pieces = [_at(opened[stem], k, epoch) for (stem, k), epoch in zip(kept, epochs, strict=True)]
            found[variant] = Measured(
                epochs,
                np.stack([losses for losses, _, _ in pieces]),
                tuple(train for _, train, _ in pieces),
                tuple(error for _, _, error in pieces),
            )
        return found

    def _opened(self, stem: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
        tensors, description = _read(self._path(stem, MEASURED))
        if stem not in self._counted:
            self._counted.add(stem)
            self._seconds += float(description["seconds"])
        return tensors, description

    def take_seconds(self) -> float:
        """CPU seconds of the units that `measured` has read since the last call."""
        seconds, self._seconds = self._seconds, 0.0
        return seconds

    def place(self, variant: SweepVariant, epoch: int) -> tuple[str, int] | None:
        """Where it is kept where a variant stands at an epoch, as (unit, position); None if it is not."""
        place = self._places.get((_name_of(variant), epoch))
        return place if place is not None and self._path(place[0], STATE).exists() else None

    def state(self, stem: str) -> UnitState:
        """Where the variants of a unit stand at its end."""
        tensors, _ = _read(self._path(stem, STATE))
        return UnitState(self._until[stem], tensors)

    def forget_states(self, variants: Sequence[SweepVariant], before: int) -> None:
        """Remove where variants stood at epochs before one that all of them have reached."""
        names = {_name_of(variant) for variant in variants}
        for stem in {stem for (name, until), (stem, _) in self._places.items() if until < before and name in names}:
            self._path(stem, STATE).unlink(missing_ok=True)

    def forget_all_states(self) -> None:
        """Remove where variants stood altogether: nothing goes on from there any more."""
        for stem in self._until:
            self._path(stem, STATE).unlink(missing_ok=True)

    def _path(self, stem: str, kind: str) -> Path:
        return self._folder / f"{stem}.{kind}.safetensors"

    def _read_place(self, path: Path) -> None:
        try:
            with safe_open(path, "pt") as file:
                self._add(path.name.partition(".")[0], json.loads(file.metadata()["justfit"]))
        except (SafetensorError, OSError, LookupError, TypeError, ValueError):
            path.unlink(missing_ok=True)  # damaged: the unit is done again

    def _add(self, stem: str, description: dict[str, Any]) -> None:
        self._until[stem] = int(description["until"])
        for k, name in enumerate(description["variants"]):
            self._places[(name, int(description["until"]))] = (stem, k)
            self._shown |= {(name, int(epoch)): (stem, k) for epoch in description["epochs"]}


def _forget_damaged(path: Path) -> None:
    """Remove a file that is not whole: its variants are trained again."""
    try:
        with safe_open(path, "pt"):
            pass
    except (SafetensorError, OSError):
        path.unlink(missing_ok=True)


def _tensors_of(report: UnitReport) -> dict[str, Tensor]:
    tensors = {f"validation.{k}": losses.contiguous() for k, losses in enumerate(report.validation_losses)}
    return {**tensors, "train_loss": report.train_loss, "train_loss_se": report.train_loss_se}


def _at(piece: tuple[dict[str, Tensor], dict[str, Any]], k: int, epoch: int) -> tuple[Losses, float, float]:
    """Losses, training loss and its error of the variant at a place of a unit, at an epoch."""
    tensors, description = piece
    row = description["epochs"].index(epoch)
    train, error = (float(tensors[name][k, row]) for name in ("train_loss", "train_loss_se"))
    return tensors[f"validation.{k}"][row].numpy(), train, error


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    with safe_open(path, "pt") as file:
        names = file.keys()
        tensors = {name: file.get_tensor(name) for name in names}
        return tensors, json.loads(file.metadata()["justfit"])


def _name_of(variant: SweepVariant) -> str:
    setting = variant.setting
    return json.dumps([setting.l2, setting.dropout, setting.learning_rate, setting.init, variant.seed, variant.fold])
