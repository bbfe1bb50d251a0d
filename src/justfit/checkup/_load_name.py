"""`package.module:name` and `path/to/file.py:name`: from words to an object."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import nn

from justfit.checkup._load_trouble import users_trouble
from justfit.errors import ArgumentError


def find_object(name: str) -> Any:
    """Import what `name` names; the working directory and the file's own folder are importable, as for a script.

    Raises:
        ArgumentError: It is not of the form `where:what`, there is no such file, module or name, or importing fails.
    """
    where, _, what = name.rpartition(":")
    if not where or not what:
        raise ArgumentError(
            "A network must be named as `package.module:name` or `path/to/file.py:name`.",
            found=f"`{name}`",
            way_out="The name after the colon is a network, its class, or a function that returns it.",
        )
    _make_importable(Path.cwd())
    source = _import_file(where) if where.endswith(".py") else _import_module(where)
    thing: Any = source
    for part in what.split("."):
        if not hasattr(thing, part):
            raise ArgumentError(
                f"`{where}` must define the name that is asked for.", found=f"no `{what}`", way_out=_offer(part, thing)
            )
        thing = getattr(thing, part)
    return thing


def describe_call(thing: Any) -> str:
    """Write the signature of a callable that cannot be called without arguments; empty if it can."""
    try:
        signature = inspect.signature(thing)
    except (TypeError, ValueError):  # some written in C have none
        return ""
    try:
        signature.bind()
    except TypeError:
        bare = [p.replace(annotation=p.empty) for p in signature.parameters.values()]
        words = signature.replace(parameters=bare, return_annotation=signature.empty)
        return f"{getattr(thing, '__name__', 'it')}{words}"
    return ""


def _import_file(where: str) -> ModuleType:
    path = Path(where).expanduser().resolve()
    if not path.is_file():
        near = get_close_matches(path.name, _python_files(path.parent), n=1)
        raise ArgumentError(
            "The file of the network must exist.",
            found=f"no file `{where}`",
            way_out=f"Did you mean `{Path(where).with_name(near[0])}`?" if near else "Check the path.",
        )
    root, names = path.parent, [path.stem]
    while (root / "__init__.py").is_file():  # inside a package, so that its relative imports work
        root, names = root.parent, [root.name, *names]
    _make_importable(root)
    with users_trouble(f"`{where}` must be importable."):
        return importlib.import_module(".".join(names)) if len(names) > 1 else _execute(path)


def _execute(path: Path) -> ModuleType:
    # A file may bear the name of a module that is already there, such as `random.py`.
    taken = path.stem in sys.modules or path.stem in sys.stdlib_module_names
    spec = importlib.util.spec_from_file_location(f"justfit_{path.stem}" if taken else path.stem, path)
    assert spec is not None  # noqa: S101  # a file that ends in .py always has one
    assert spec.loader is not None  # noqa: S101
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up there
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[spec.name]
        raise
    return module


def _import_module(where: str) -> ModuleType:
    with users_trouble(f"`{where}` must be importable."):
        try:
            return importlib.import_module(where)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{where}.".startswith(f"{error.name}."):
                raise  # it is there, but something that it imports is not
            near = get_close_matches(where, [name[:-3] for name in _python_files(Path.cwd())], n=1)
            raise ArgumentError(
                "The module of the network must be importable from the working directory.",
                found=f"no module `{error.name}`",
                way_out=f"Did you mean `{near[0]}`?" if near else "Name a file instead: `path/to/file.py:name`.",
            ) from error


def _offer(part: str, thing: Any) -> str:
    names = [name for name in vars(thing) if not name.startswith("_")] if hasattr(thing, "__dict__") else []
    near = get_close_matches(part, names, n=1)
    if near:
        return f"Did you mean `{near[0]}`?"
    own = [name for name in names if _could_be_meant(vars(thing)[name], thing)]
    return f"It defines {_list(own)}." if own else "It defines no network, class of networks or function."


def _could_be_meant(value: Any, source: Any) -> bool:
    if isinstance(value, nn.Module):
        return True
    is_network_class = isinstance(value, type) and issubclass(value, nn.Module)
    here = getattr(value, "__module__", None) == getattr(source, "__name__", None)
    return here and (is_network_class or inspect.isfunction(value))


def _list(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in list(names)[:8])


def _python_files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.py")) if folder.is_dir() else []


def _make_importable(folder: Path) -> None:
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
