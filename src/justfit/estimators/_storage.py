"""Estimators on disk: JSON for what they are, safetensors for the numbers; nothing that can run code.

`model.json` names its format, its version and the digest of the weights, so damaged and mixed-up files are noticed.
A digest shows no malice: whoever can change one file can change both. Therefore every size that `model.json` names is
held against the tensors that are really there before anything of that size is made.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load, save

from justfit.errors import ArgumentError, OutputError, StoredModelError
from justfit.estimators._base import JustFitBase
from justfit.estimators._standardize import complete_module
from justfit.records import FitVerdict, NetworkFacts, SweepRecord, from_dict, to_dict, to_json
from justfit.report import write_atomically
from justfit.sweep import Layout, build_module

FORMAT = "justfit.model/1"
MODEL_FILE = "model.json"
WEIGHTS_FILE = "model.safetensors"
# Room of a stored label where all are shorter: numpy keeps the width of the array the labels came from.
MAX_LABEL_CHARACTERS = 10_000
_DAMAGE = (
    AttributeError, KeyError, OSError, OverflowError, RuntimeError, SafetensorError, TypeError, ValueError
)  # fmt: skip
Estimator = TypeVar("Estimator", bound=JustFitBase)


def save_estimator(estimator: JustFitBase, directory: Path) -> Path:
    """Write a fitted estimator into a directory; see `JustFitBase.save`."""
    facts = estimator.network_
    names = getattr(estimator, "feature_names_in_", None)
    classes = getattr(estimator, "classes_", None)
    weights = save({name: tensor.contiguous() for name, tensor in estimator.module_.state_dict().items()})
    description = {
        "format": FORMAT,
        "estimator": type(estimator).__name__,
        "parameters": {key: _plain(value) for key, value in estimator.get_params(deep=False).items()},
        "num_features": estimator.n_features_in_,
        "feature_names": None if names is None else [str(name) for name in names],
        "classes": None if classes is None else _stored_classes(classes),
        "l2": estimator.l2_,
        "dropout": estimator.dropout_,
        "scaled_inputs": estimator.standardize,
        "network": to_dict(facts),
        "num_examples": estimator.num_examples_,
        "target_scale": estimator.target_scale_,
        "interruption": estimator.interruption_,
        "sweep": to_dict(estimator.sweep_),
        "verdict": to_dict(estimator.verdict_),
        "weights_sha256": hashlib.sha256(weights).hexdigest(),
    }
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"The directory `{directory}` must be writable.",
            found=error.strerror or str(error),
            way_out="Save somewhere else.",
        ) from error
    write_atomically(directory / WEIGHTS_FILE, weights)
    write_atomically(directory / MODEL_FILE, to_json(description))
    return directory


def load_estimator(kind: type[Estimator], directory: Path) -> Estimator:
    """Read a fitted estimator from a directory; see `JustFitBase.load`."""
    description = read_description(directory)
    if description.get("estimator") != kind.__name__:
        raise StoredModelError(
            f"`{directory / MODEL_FILE}` must hold a {kind.__name__}.",
            found=f"{description.get('estimator')!r}",
            way_out="Load it with the class it was saved from.",
        )
    with _damage_named(directory):
        weights = (directory / WEIGHTS_FILE).read_bytes()
        if hashlib.sha256(weights).hexdigest() != description["weights_sha256"]:
            raise ValueError(f"another {WEIGHTS_FILE} than {MODEL_FILE} describes")
        return _rebuild(kind, description, load(weights))


def read_description(directory: Path) -> dict[str, Any]:
    """Read and check `model.json`.

    Raises:
        StoredModelError: It is missing, not JSON, or of another format.
    """
    with _damage_named(directory):
        description = json.loads((directory / MODEL_FILE).read_text(encoding="utf-8"))
    if not isinstance(description, dict) or description.get("format") != FORMAT:
        found = description.get("format") if isinstance(description, dict) else type(description).__name__
        raise StoredModelError(
            f"`{directory / MODEL_FILE}` must be of format {FORMAT}.",
            found=repr(found),
            way_out="Fit and save the model again with this version.",
        )
    return description


@contextmanager
def _damage_named(directory: Path) -> Iterator[None]:
    try:
        yield
    except StoredModelError:
        raise
    except FileNotFoundError as error:
        raise StoredModelError(
            f"A stored model is a directory with {MODEL_FILE} and {WEIGHTS_FILE}.",
            found=f"`{directory}` without `{Path(error.filename or WEIGHTS_FILE).name}`",
            way_out="Name the directory that `justfit fit` or `.save` wrote.",
        ) from error
    except _DAMAGE as error:
        raise StoredModelError(
            f"The stored model in `{directory}` must be undamaged.",
            found=f"{type(error).__name__}: {str(error)[:200]}",
            way_out="Fit and save the model again.",
        ) from error


def _rebuild(kind: type[Estimator], description: dict[str, Any], tensors: dict[str, torch.Tensor]) -> Estimator:
    facts = from_dict(NetworkFacts, description["network"])
    classes = description["classes"]
    num_features = int(description["num_features"])
    names = description["feature_names"]
    num_outputs = 1 if classes is None else len(classes["values"])
    _hold_sizes_against((num_features, *facts.hidden_layer_sizes, num_outputs), tensors)
    if names is not None and len(names) != num_features:
        raise ValueError(f"{len(names)} feature names for {num_features} features")
    layout = Layout(num_features, facts.hidden_layer_sizes, num_outputs)
    dropout = float(description["dropout"])
    network = build_module(layout, cast("Any", facts.activation), dropout, torch.float32)
    scaling = (torch.zeros(num_features), torch.ones(num_features)) if description["scaled_inputs"] else None
    module = complete_module(network, scaling, None if classes is not None else (0.0, 1.0))
    module.load_state_dict(tensors)
    parameters: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in description["parameters"].items()
    }
    estimator = kind(**parameters)
    estimator.module_ = module
    estimator.n_features_in_ = num_features
    if names is not None:
        estimator.feature_names_in_ = np.asarray(names, dtype=object)
    if classes is not None:
        cast("Any", estimator).classes_ = _read_classes(classes)
    estimator.l2_, estimator.dropout_, estimator.n_iter_ = float(description["l2"]), dropout, facts.epochs
    estimator.network_ = facts
    estimator.num_examples_ = int(description["num_examples"])
    estimator.target_scale_ = float(description["target_scale"])
    estimator.interruption_ = str(description["interruption"])
    sweep, verdict = description["sweep"], description["verdict"]
    estimator.sweep_ = None if sweep is None else from_dict(SweepRecord, sweep)
    estimator.verdict_ = None if verdict is None else from_dict(FitVerdict, verdict)
    return estimator


def _hold_sizes_against(sizes: tuple[int, ...], tensors: dict[str, torch.Tensor]) -> None:
    """Refuse layer sizes that are not those of the stored weights; only then may memory be asked for."""
    weights = {int(name.partition(".")[0]): tensor for name, tensor in tensors.items() if name.endswith(".weight")}
    stored = [tuple(weights[index].shape) for index in sorted(weights)]
    if min(sizes) < 1 or stored != [(fan_out, fan_in) for fan_in, fan_out in pairwise(sizes)]:
        raise ValueError(f"layers of {sizes} units, where the weights have shapes {stored}")
    foreign = {str(tensor.dtype) for tensor in tensors.values()} - {"torch.float32"}
    if foreign:
        raise ValueError(f"weights of type {', '.join(sorted(foreign))}")


def _stored_classes(classes: NDArray[Any]) -> dict[str, Any]:
    values = classes.tolist()
    if not all(isinstance(value, str | int | float | bool) for value in values):
        raise ArgumentError(
            "Class labels must be text, numbers or booleans to be stored.",
            found=f"labels of type {classes.dtype}",
            way_out="Fit with labels as text.",
        )
    return {"dtype": classes.dtype.str, "values": values}


def _read_classes(stored: Any) -> NDArray[Any]:
    values, dtype = list(stored["values"]), np.dtype(str(stored["dtype"]))
    room = 4 * max(MAX_LABEL_CHARACTERS, *(len(str(value)) for value in values))
    if dtype.kind not in "biufUO" or dtype.itemsize > room:
        raise ValueError(f"class labels of type {dtype}")
    return np.asarray(values, dtype=dtype)


def _plain(value: Any) -> Any:
    """A constructor argument as JSON; a random generator object is not kept."""
    if isinstance(value, np.ndarray | tuple | list):
        return [int(item) for item in value]
    if isinstance(value, np.generic):
        return value.item()
    return value if isinstance(value, str | int | float | bool | None) else None
