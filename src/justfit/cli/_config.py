"""``[tool.justfit]`` in pyproject.toml: what `justfit check` does where the command line says nothing."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, get_args

from justfit.errors import ArgumentError

FailOn = Literal["info", "warning", "error", "never"]
OutputFormat = Literal["text", "json", "sarif", "github", "junit"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a project's file says; None and empty where it says nothing.

    Attributes:
        path: The file; None where no file has the table.
        module: What to check, `package.module:name`.
        input: Shapes of the inputs.
        select, ignore: Rule codes or their beginnings.
        fail_on: The least severity that ends with exit code 1.
        output_format: Of what is printed.
        per_layer_ignores: Layer pattern to rule codes.
    """

    path: Path | None = None
    module: str | None = None
    input: tuple[str, ...] = ()
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    fail_on: FailOn | None = None
    output_format: OutputFormat | None = None
    per_layer_ignores: dict[str, tuple[str, ...]] = field(default_factory=dict)


def read_settings(folder: Path) -> Settings:
    """Read the nearest pyproject.toml, from `folder` upwards, that has a table `[tool.justfit]`.

    Raises:
        ArgumentError: A file on the way is not TOML, or the table has an unknown key or a value of the wrong type.
    """
    for place in (folder, *folder.parents):
        path = place / "pyproject.toml"
        if path.is_file():
            table = _read_table(path)
            if table is not None:
                return _settings(table, path)
    return Settings()


def _read_table(path: Path) -> Any:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:  # a TOMLDecodeError and a UnicodeDecodeError are ValueErrors
        raise ArgumentError(
            "pyproject.toml must be readable TOML.",
            found=f"`{path}`: {str(error).rstrip('.')}",
            way_out="Correct the file.",
        ) from error
    tool = content.get("tool")
    return tool.get("justfit") if isinstance(tool, dict) else None


def _settings(table: Any, path: Path) -> Settings:
    if not isinstance(table, dict):
        raise _wrong(path, "", "a table", table)
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in _KEYS:
            near = get_close_matches(key, _KEYS, n=1)
            raise ArgumentError(
                f"`[tool.justfit]` in `{path}` must have known keys only.",
                found=f"`{key}`",
                way_out=f"Did you mean `{near[0]}`?" if near else f"The keys are {', '.join(_KEYS)}.",
            )
        kind, convert = _KEYS[key]
        converted = convert(value)
        if converted is None:
            raise _wrong(path, f".{key}", kind, value)
        values[key.replace("-", "_")] = converted
    return Settings(path=path, **values)


def _wrong(path: Path, key: str, kind: str, value: Any) -> ArgumentError:
    return ArgumentError(
        f"`tool.justfit{key}` in `{path}` must be {kind}.", found=f"`{value!r}`", way_out="Correct the file."
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _texts(value: Any) -> tuple[str, ...] | None:
    return tuple(value) if isinstance(value, list) and all(isinstance(entry, str) for entry in value) else None


def _text_or_texts(value: Any) -> tuple[str, ...] | None:
    return (value,) if isinstance(value, str) else _texts(value)


def _codes_of_layers(value: Any) -> dict[str, tuple[str, ...]] | None:
    if not isinstance(value, dict):
        return None
    codes = {layer: _texts(entry) for layer, entry in value.items()}
    return {layer: entry for layer, entry in codes.items() if entry is not None} if None not in codes.values() else None


def _one_of(words: tuple[str, ...]) -> tuple[str, Callable[[Any], str | None]]:
    return f"one of {', '.join(words)}", lambda value: value if value in words else None


# key: what it must be, in words, and the conversion that gives None for anything else
_KEYS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "module": ('text such as "package.module:name"', _text),
    "input": ('a shape such as "64,3,32,32", or a list of them', _text_or_texts),
    "select": ('a list of codes such as ["JF2"]', _texts),
    "ignore": ('a list of codes such as ["JF205"]', _texts),
    "fail-on": _one_of(get_args(FailOn)),
    "output-format": _one_of(get_args(OutputFormat)),
    "per-layer-ignores": ("a table of layer patterns and lists of codes", _codes_of_layers),
}
