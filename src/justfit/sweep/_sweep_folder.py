"""The folder of a sweep: what was asked, what was found out at its start, and the pieces that are done."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from types import CodeType
from typing import Any

import torch
from torch import Tensor, nn

from justfit.errors import OutputError
from justfit.records import ModuleSweepRecord, to_json
from justfit.report import write_atomically
from justfit.sweep._loop import built_module, default_generator_kept
from justfit.sweep._store import Store
from justfit.sweep._training import Setting, SweepVariant, Training

FORMAT = "justfit.sweep/1"
START_FILE = "sweep.json"
RESULT_FILE = "result.json"
PIECES = "pieces"
OWN_NAMES = {START_FILE, RESULT_FILE, PIECES}


class SweepFolder:
    """A folder in which a sweep is kept; one of the same sweep is gone on with.

    Args:
        path: The folder; made where it is missing.
        asked: What decides the numbers of the sweep, by name; see `asked_of`.

    Raises:
        OutputError: It holds something else, or another sweep, or cannot be written.
    """

    def __init__(self, path: Path, asked: Mapping[str, Any]) -> None:
        self.path = path
        self._asked = json.loads(json.dumps(asked))
        self.start: dict[str, Any] | None = None
        try:
            path.mkdir(parents=True, exist_ok=True)
            names = {entry.name for entry in path.iterdir() if not entry.name.endswith(".tmp")}
            if START_FILE in names:
                self._read_start()
            elif names - {PIECES}:
                raise _foreign(path, names - {PIECES})
            (path / PIECES).mkdir(exist_ok=True)
        except OSError as error:
            if isinstance(error, OutputError):
                raise
            raise OutputError(
                "`out` must be a folder that can be written.",
                found=f"`{path}`: {error.strerror or error}",
                way_out="Choose another place.",
            ) from error

    def begin(self, start: Mapping[str, Any]) -> None:
        """Keep what was found out at the start and must be the same when the sweep goes on: tier and values.

        Raises:
            OutputError: It cannot be written.
        """
        text = json.dumps({"format": FORMAT, "asked": self._asked, "start": dict(start)}, indent=2)
        write_atomically(self.path / START_FILE, text)

    def store(self) -> Store:
        """Where the pieces lie."""
        return Store(self.path / PIECES)

    def finish(self, record: ModuleSweepRecord, store: Store) -> None:
        """Write the result; where networks stood is not needed any more, unless the sweep was interrupted.

        Raises:
            OutputError: It cannot be written.
        """
        write_atomically(self.path / RESULT_FILE, to_json(record))
        if not record.interrupted:
            store.forget_all_states()

    def _read_start(self) -> None:
        try:
            kept = json.loads((self.path / START_FILE).read_text(encoding="utf-8"))
            asked, start, form = kept["asked"], kept["start"], kept["format"]
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise _foreign(self.path, {START_FILE}) from error
        if form != FORMAT:
            raise _foreign(self.path, {START_FILE})
        for name, value in self._asked.items():
            if asked.get(name) != value:
                raise OutputError(
                    "`out` must be a new folder, or that of the very same sweep.",
                    found=f"`{self.path}` of a sweep with another `{name}`: {asked.get(name)!r}, now {value!r}",
                    way_out="Choose another folder, or call `justfit.sweep` as it was called before.",
                )
        self.start = start


def asked_of(training: Training, more: Mapping[str, Any]) -> dict[str, Any]:
    """What decides the numbers of a sweep: data, network, training, versions; large things by their digest.

    Args:
        training: What is trained.
        more: What else was asked for, as values that JSON can hold.
    """
    examples = training.examples
    with default_generator_kept():
        module = built_module(training, SweepVariant(setting=Setting(), seed=0))
    return {
        "data": _digest(examples.inputs, examples.targets, examples.fold_of_rows),
        "build": _digest(repr(module), dict(module.state_dict())),
        "loss_fn": _name_of(training.loss_fn),
        "optimizer": training.optimizer if isinstance(training.optimizer, str) else _name_of(training.optimizer),
        "epochs": training.epochs,
        "batch_size": training.batch_size,
        "schedule": training.schedule,
        "device": training.device,
        **more,
        "versions": {"justfit": version("justfit"), "torch": str(torch.__version__)},
    }


def _digest(*parts: Any) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        _feed(digest, part)
    return digest.hexdigest()


def _feed(digest: Any, part: Any) -> None:
    if isinstance(part, Tensor):
        flat = part.detach().cpu().contiguous()
        digest.update(f"{flat.dtype}{tuple(flat.shape)}".encode())
        digest.update(flat.view(torch.uint8).numpy() if flat.numel() and flat.ndim else repr(flat.tolist()).encode())
    elif isinstance(part, Mapping):
        for name in part:
            digest.update(str(name).encode())
            _feed(digest, part[name])
    elif isinstance(part, list | tuple):
        for item in part:
            _feed(digest, item)
    else:
        digest.update(str(part).encode())


def _name_of(function: Any) -> str:
    """A function by its name and code, a module by its options, any other callable by what it shows of itself."""
    if isinstance(function, nn.Module):  # `repr` does not show the options of a loss
        options = {name: value for name, value in vars(function).items() if not name.startswith("_")}
        return f"{function!r} {_digest(options, dict(function.state_dict()))[:8]}"
    if isinstance(function, functools.partial):
        return f"{_name_of(function.func)} of {function.args} {function.keywords}"
    code = getattr(function, "__code__", None)
    name = getattr(function, "__qualname__", None)
    if name is None:
        return type(function).__qualname__ if " at 0x" in repr(function) else repr(function)
    if code is None:
        return f"{function.__module__}.{name}"
    cells = [cell.cell_contents for cell in function.__closure__ or ()]
    given = _plain_values([*cells, *(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()])
    return f"{function.__module__}.{name} {_digest(*_code(code), given)[:8]}"


def _code(code: CodeType) -> list[Any]:
    """What a function does: its instructions, the names and the plain values in them, functions inside included."""
    inner = [_code(value) for value in code.co_consts if isinstance(value, CodeType)]
    return [code.co_code, code.co_names, _plain_values(code.co_consts), inner]


def _plain_values(values: Sequence[Any]) -> list[str]:
    return [repr(value) for value in values if isinstance(value, int | float | str | bytes | None)]


def _foreign(path: Path, names: set[str]) -> OutputError:
    return OutputError(
        "`out` must be a new folder, or one that `justfit.sweep` wrote.",
        found=f"`{path}` with {', '.join(sorted(names)[:3])}",
        way_out="Choose another folder.",
    )
