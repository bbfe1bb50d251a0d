"""What decides the numbers of a sweep, in words and digests: only the same sweep goes on in a folder."""

from __future__ import annotations

import functools
import hashlib
import platform
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import version
from types import CodeType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from justfit.sweep._loop import built_module, default_generator_kept
from justfit.sweep._training import Setting, SweepVariant, Training


def asked_of(training: Training, more: Mapping[str, Any]) -> dict[str, Any]:
    """What decides the numbers of a sweep: data, network, training, versions; large things by their digest.

    Args:
        training: What is trained.
        more: What else was asked for, as values that JSON can hold.
    """
    examples = training.examples
    with default_generator_kept():
        module = built_module(training, SweepVariant(setting=Setting(), seed=0))
    versions = {"justfit": version("justfit"), "torch": str(torch.__version__), "python": platform.python_version()}
    return {
        "versions": versions,
        "data": _digest(examples.inputs, examples.targets, examples.fold_of_rows),
        "build": _digest(repr(module), dict(module.state_dict()), list(_methods(module))),
        "loss_fn": name_of(training.loss_fn),
        "optimizer": training.optimizer if isinstance(training.optimizer, str) else name_of(training.optimizer),
        "epochs": training.epochs,
        "batch_size": training.batch_size,
        "schedule": training.schedule,
        "device": training.device,
        **more,
    }


def _methods(module: nn.Module) -> Iterator[list[Any]]:
    """What the classes of a network do, those of torch left out: its version is asked for by itself."""
    classes = dict.fromkeys(base for part in module.modules() for base in type(part).__mro__)
    for base in classes:
        if base.__module__.partition(".")[0] not in ("torch", "builtins"):
            codes = {name: getattr(function, "__code__", None) for name, function in vars(base).items()}
            yield [
                base.__qualname__,
                *([name, _code(code)] for name, code in sorted(codes.items()) if code is not None),
            ]


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


def name_of(function: Any) -> str:
    """A function by its name and code, a module by its options, any other callable by what it shows of itself."""
    if isinstance(function, nn.Module):  # `repr` does not show the options of a loss
        options = {name: value for name, value in vars(function).items() if not name.startswith("_")}
        return f"{function!r} {_digest(options, dict(function.state_dict()), list(_methods(function)))[:8]}"
    if isinstance(function, functools.partial):
        keywords = [f"{name}={value}" for name in function.keywords for value in _plain([function.keywords[name]])]
        return f"{name_of(function.func)} of {', '.join([*_plain(function.args), *keywords])}"
    code = getattr(function, "__code__", None)
    name = getattr(function, "__qualname__", None)
    if name is None:
        return type(function).__qualname__ if " at 0x" in repr(function) else repr(function)
    if code is None:
        return f"{function.__module__}.{name}"
    given = [*_closed_over(function), *(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
    return f"{function.__module__}.{name} {_digest(*_code(code), _plain(given))[:8]}"


def _closed_over(function: Any) -> Iterator[Any]:
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # a name that has no value yet
            continue


def _code(code: CodeType) -> list[Any]:
    """What a function does: its instructions, the names and the plain values in them, functions inside included."""
    inner = [_code(value) for value in code.co_consts if isinstance(value, CodeType)]
    return [code.co_code, code.co_names, _plain(code.co_consts), inner]


def _plain(values: Iterable[Any]) -> list[str]:
    """Numbers, texts and tuples of them as they are written, tensors and arrays by their digest; nothing else."""
    found = []
    for value in values:
        if isinstance(value, int | float | complex | str | bytes | None):
            found.append(repr(value))
        elif isinstance(value, Tensor | np.ndarray):
            found.append(_digest(torch.as_tensor(value)))
        elif isinstance(value, tuple | list):
            found.append(f"({', '.join(_plain(value))})")
    return found
