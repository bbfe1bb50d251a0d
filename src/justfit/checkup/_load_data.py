"""A batch from a file: arrays, tensors or a table."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from justfit.checkup._load_inputs import Inputs
from justfit.errors import ArgumentError, DataError, TableFormatError, TableNotFoundError
from justfit.tables import Encoder, drop_unlabelled, infer_target, read_table

_ARRAYS = (".npy", ".npz", ".safetensors", ".pt", ".pth")
_INPUTS, _TARGETS = ("inputs", "x", "X"), ("targets", "y")


class Batch(NamedTuple):
    """Rows of a file; targets are None where it has none."""

    inputs: Inputs
    targets: Tensor | None


def load_data(path: Path, *, target_column: str | None, num_rows: int, seed: int) -> Batch:
    """Read a batch of randomly chosen rows, without running any code that the file might hold.

    A table is encoded as `justfit fit` does it: numbers standardised, categories as features.

    Args:
        path: .npy (inputs), .npz, .safetensors, .pt (a tensor, a pair or a dict), a table, or a shipped set's name.
        target_column: Column of a table to learn; None for none.
        num_rows: Rows at most.
        seed: Of the choice.

    Raises:
        DataError: The file is missing, damaged or of another kind, or the table cannot be encoded.
        ArgumentError: A target column is asked of arrays.
    """
    inputs, targets = _read_arrays(path) if path.suffix in _ARRAYS else _read_table(path, target_column)
    if path.suffix in _ARRAYS and target_column is not None:
        raise ArgumentError(
            "A target column must be one of a table.",
            found=f"`--target {target_column}` for `{path.name}`",
            way_out="Name the array of the targets `targets` instead.",
        )
    if inputs.ndim == 0 or (targets is not None and targets.shape[:1] != inputs.shape[:1]):
        shapes = f"inputs of shape {tuple(inputs.shape)}"
        raise DataError(
            "Inputs and targets must have one row per example.",
            found=shapes if targets is None else f"{shapes} and targets of shape {tuple(targets.shape)}",
            way_out="Write them again with the examples first.",
        )
    chosen = torch.randperm(len(inputs), generator=torch.Generator().manual_seed(seed))[:num_rows].sort().values
    return Batch(Inputs(positional=(inputs[chosen],)), None if targets is None else _usable(targets[chosen]))


def _read_table(path: Path, target_column: str | None) -> tuple[Tensor, Tensor | None]:
    table = read_table(str(path))
    name = target_column or table.target
    if name is None:
        return torch.from_numpy(Encoder().fit(table.frame).transform(table.frame)), None
    frame, _ = drop_unlabelled(table.frame, name)
    target = infer_target(frame[name])
    if target.task == "regression":
        target = target.fit_scale(frame[name])
    codes = torch.from_numpy(np.array(target.encode(frame[name])))
    return torch.from_numpy(Encoder().fit(frame, exclude=name).transform(frame)), codes


def _read_arrays(path: Path) -> tuple[Tensor, Tensor | None]:
    if not path.is_file():
        raise TableNotFoundError(
            "A file of data must exist.", found=f"no file `{path}`", way_out="Check the path, or make the file."
        )
    try:
        content = _read_any(path)
    except Exception as error:  # each format has its own exceptions for a damaged file
        raise TableFormatError(
            f"A file that ends in {path.suffix} must be intact and hold nothing but arrays.",
            found=f"`{path.name}`: {type(error).__name__}: {str(error).strip().partition(chr(10))[0].rstrip('.')}",
            way_out="Write it again; objects that need pickle are not read.",
        ) from error
    if isinstance(content, tuple | list) and 1 <= len(content) <= 2:
        content = dict(zip(("inputs", "targets"), content, strict=False))
    if isinstance(content, Mapping):
        inputs = _pick(content, _INPUTS)
        targets = _pick(content, _TARGETS)
    else:
        inputs, targets = content, None
    if not isinstance(inputs, Tensor) or not (targets is None or isinstance(targets, Tensor)):
        words = f"the names {', '.join(map(str, content)) or 'of none'}" if isinstance(content, Mapping) else "others"
        raise TableFormatError(
            "A file of arrays must hold one named `inputs` or `x`, and may hold one named `targets` or `y`.",
            found=f"{words} in `{path.name}`",
            way_out="Rename them, or write a .npy file with the inputs alone.",
        )
    return inputs, targets


def _read_any(path: Path) -> Any:
    if path.suffix in (".pt", ".pth"):
        return torch.load(path, map_location="cpu", weights_only=True)
    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        return load_file(path)
    content = np.load(path, allow_pickle=False)
    if isinstance(content, np.ndarray):
        return torch.from_numpy(content)
    with content as archive:
        return {name: torch.from_numpy(archive[name]) for name in archive.files}


def _pick(content: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((content[name] for name in names if name in content), None)


def _usable(targets: Tensor) -> Tensor:
    return targets.float() if targets.is_floating_point() else targets.long()
