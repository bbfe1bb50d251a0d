"""From a name on the command line to a network and its batch."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from justfit.checkup._load_data import load_data
from justfit.checkup._load_inputs import Inputs, draw_inputs, fit_to, guess_inputs, input_specs
from justfit.checkup._load_loss import default_loss, draw_labels
from justfit.checkup._load_name import describe_call, find_object
from justfit.checkup._load_subject import Subject
from justfit.checkup._load_trouble import users_trouble
from justfit.errors import ArgumentError
from justfit.probe import recording_construction

_KEYS = ("module", "inputs", "targets", "loss_fn")
BATCH_SIZE = 64


def load_subject(
    name: str,
    *,
    inputs: Sequence[str] = (),
    data: str | Path | None = None,
    target_column: str | None = None,
    num_classes: int | None = None,
    batch_size: int | None = None,
    seed: int = 0,
) -> Subject:
    """Build the network that `name` names, and the batch to look at it with.

    The batch is, in this order: rows of `data`; random values of the shapes `inputs`; what the builder returned beside
    the network; or what the first weighted layer asks for. Seeds torch, numpy and random, so that the same seed gives
    the same network and the same batch.

    Args:
        name: `package.module:name` or `path/to/file.py:name` of a network, of a class of networks that needs no
            arguments, or of a function that returns a network, `(module, inputs, targets, loss_fn)` or a dict with
            these keys. Inputs are a tensor, a tuple, or a dict of keyword inputs.
        inputs: One shape per input: `64,3,32,32` for standard normal values, `64,128:int1000` for whole numbers in
            [0, 1000); `mask=64,128` for a keyword input.
        data: A .npy, .npz, .safetensors, .pt, .csv, .tsv or .parquet file; arrays are named `inputs` (or `x`) and
            `targets` (or `y`).
        target_column: Column of a table that is learned.
        num_classes: Draw random labels of so many classes; the loss is the cross entropy unless the builder gave one.
        batch_size: Rows to take from `data`, or the first number of every shape; 64 by default.
        seed: Of everything random.

    Returns:
        The network on its batch. Without targets, `loss_fn` is None.

    Raises:
        ArgumentError: The name leads nowhere, its code fails, or no inputs can be made.
        DataError: The file cannot be used.
    """
    _seed_all(seed)
    with recording_construction():
        thing = find_object(name)
        _seed_all(seed)  # what the import drew, it draws once only in a process
        subject = _unpack(_call(thing, name), name)
    build = subject.module if isinstance(thing, nn.Module) else _rebuilder(thing, name)
    subject = replace(subject, build=build)
    return _with_batch(
        subject, _batch(subject, inputs, data, target_column, batch_size=batch_size, seed=seed), num_classes, seed
    )


def _seed_all(seed: int) -> None:
    torch.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002  # the user's code may draw from the global generator


def _call(thing: Any, name: str) -> Any:
    if isinstance(thing, nn.Module) or not callable(thing):
        return thing
    missing = describe_call(thing)
    if missing:
        raise ArgumentError(
            f"`{name}` must be callable without arguments.",
            found=f"`{missing}`",
            way_out="Write a function that calls it with your arguments and returns the network, and name that.",
        )
    with users_trouble(f"`{name}` must return a network."):
        return thing()


def _rebuilder(thing: Any, name: str) -> Callable[[], nn.Module]:
    def build() -> nn.Module:
        with recording_construction():
            return _unpack(_call(thing, name), name).module

    return build


def _unpack(result: Any, name: str) -> Subject:
    if isinstance(result, Mapping) and "module" in result and set(result) <= set(_KEYS):
        parts = dict(result)
    elif isinstance(result, tuple) and 1 < len(result) <= len(_KEYS):
        parts = dict(zip(_KEYS, result, strict=False))
    else:
        parts = {"module": result}
    module = parts["module"]
    if not isinstance(module, nn.Module):
        found = f"a value of type {type(module).__name__}"
        if isinstance(result, tuple | Mapping):
            found += f", in a {type(result).__name__} of {len(result)}"
            found += f" with the keys {', '.join(map(str, result))}" if isinstance(result, Mapping) else ""
        raise ArgumentError(
            f"`{name}` must be or return an nn.Module, (module, inputs, targets, loss_fn), or a dict with these keys.",
            found=found,
            way_out="Targets and loss_fn may be left out.",
        )
    inputs = _inputs_of(parts.get("inputs"))
    return Subject(module=module, build=module, inputs=inputs, **{key: parts.get(key) for key in _KEYS[2:]})


def _inputs_of(value: Any) -> Inputs:
    if value is None:
        return Inputs()
    if isinstance(value, Mapping):
        return Inputs(keyword={str(key): _tensor(entry) for key, entry in value.items()})
    values = value if isinstance(value, tuple | list) else (value,)
    return Inputs(positional=tuple(_tensor(entry) for entry in values))


def _tensor(value: Any) -> Any:
    return torch.from_numpy(value) if isinstance(value, np.ndarray) else value


def _batch(
    subject: Subject,
    specs: Sequence[str],
    data: str | Path | None,
    target_column: str | None,
    *,
    batch_size: int | None,
    seed: int,
) -> Subject:
    if data is not None and specs:
        raise ArgumentError(
            "The inputs must come from one place.",
            found=f"both the shape `{specs[0]}` and the file `{data}`",
            way_out="Leave out `--input` or `--data`.",
        )
    if data is not None:
        batch = load_data(Path(data), target_column=target_column, num_rows=batch_size or BATCH_SIZE, seed=seed)
        return replace(subject, inputs=fit_to(subject.module, batch.inputs), targets=batch.targets)
    if target_column is not None:
        raise ArgumentError(
            "A target column must be one of a table.",
            found=f"`--target {target_column}` without `--data`",
            way_out="Name the table with `--data FILE`.",
        )
    if specs:
        return replace(
            subject, inputs=draw_inputs(input_specs(specs, batch_size), subject.module, seed=seed), targets=None
        )
    if subject.inputs.empty:
        guessed = guess_inputs(subject.module, batch_size or BATCH_SIZE)
        return replace(subject, inputs=draw_inputs(guessed, subject.module, seed=seed), targets=None)
    return subject


def _with_batch(before: Subject, subject: Subject, num_classes: int | None, seed: int) -> Subject:
    if num_classes is not None:
        subject = replace(subject, targets=None, loss_fn=None)
        labels = draw_labels(subject, num_classes, seed=seed)
        return replace(subject, targets=labels, loss_fn=before.loss_fn or default_loss)
    if subject.targets is None:
        # A loss_fn without targets may be one of the output alone; it goes with the builder's own inputs only.
        kept = before.loss_fn if subject.inputs is before.inputs else None
        return replace(subject, loss_fn=kept)
    return replace(subject, loss_fn=subject.loss_fn or default_loss)
