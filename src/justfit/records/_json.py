"""Records to JSON and back, strictly: unknown or missing fields are an error, NaN is null."""

from __future__ import annotations

import json
import math
import types
from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from justfit.errors import ArgumentError, StoredModelError

Record = TypeVar("Record")


def to_dict(record: Any) -> Any:
    """Turn a record into plain dicts, lists, numbers and strings; NaN and infinity become None.

    Args:
        record: A record, or any nesting of records, tuples, dicts and plain values.

    Returns:
        A structure that `json.dumps(…, allow_nan=False)` accepts.
    """
    if is_dataclass(record) and not isinstance(record, type):
        return {field.name: to_dict(getattr(record, field.name)) for field in fields(record)}
    if isinstance(record, dict):
        return {str(key): to_dict(value) for key, value in record.items()}
    if isinstance(record, list | tuple):
        # Finite numbers, of which a series has thousands, are taken as they are: infinity − infinity is NaN.
        return [value if type(value) is float and value - value == 0 else to_dict(value) for value in record]
    if isinstance(record, float) and not math.isfinite(record):
        return None
    return record


def to_json(record: Any) -> str:
    """Write a record as JSON text (RFC 8259: no NaN), two-space indented, keys in field order.

    A list of numbers stands on one line: with a line for each, a sweep's curves and surfaces take four times the room.

    >>> print(to_json({"l2": (0.0, 1.0), "cells": ({"epochs": (1, 2)},)}))
    {
      "l2": [0.0, 1.0],
      "cells": [
        {
          "epochs": [1, 2]
        }
      ]
    }
    """
    pieces: list[str] = []
    _write(to_dict(record), "\n", pieces.append)
    return "".join(pieces)


# One encoder for all: json.dumps would make one at each call, which for ten thousand layers is most of the time.
_text = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode


def _write(value: Any, start: str, write: Callable[[str], None]) -> None:
    """Write JSON text piece by piece; `start` begins a line as deep as `value` stands."""
    inner = start + "  "
    if isinstance(value, dict) and value:
        opening = "{"
        for key, part in value.items():
            write(f"{opening}{inner}{_text(key)}: ")
            _write(part, inner, write)
            opening = ","
        write(start + "}")
    elif isinstance(value, list) and any(isinstance(part, dict | list | str) for part in value):
        opening = "["
        for part in value:
            write(opening + inner)
            _write(part, inner, write)
            opening = ","
        write(start + "]")
    else:
        write(_text(value))


def from_dict(kind: type[Record], data: Any) -> Record:
    """Rebuild a record of class `kind` from what `to_dict` made.

    Args:
        kind: The record class.
        data: A dict with exactly its fields.

    Returns:
        A record equal to the one written (None comes back as NaN where a float is declared).

    Raises:
        StoredModelError: A field is missing or unknown, or a value has the wrong type.
    """
    return cast("Record", _build(kind, data, kind.__name__))


def from_json(kind: type[Record], text: str) -> Record:
    """Rebuild a record of class `kind` from JSON text.

    Raises:
        StoredModelError: The text is not JSON, or not such a record.
    """
    try:
        data = json.loads(text)
    except ValueError as error:
        raise StoredModelError(
            f"A stored {kind.__name__} must be JSON.",
            found=str(error),
            way_out="Write it again with `justfit fit`.",
        ) from error
    return from_dict(kind, data)


def _build(kind: Any, data: Any, where: str) -> Any:
    origin = get_origin(kind)
    if is_dataclass(kind):
        return _build_record(kind, data, where)
    if origin is tuple and isinstance(data, list):
        inner = get_args(kind)
        if inner[-1] is Ellipsis and set(map(type, data)) == {inner[0]}:  # a series of plain numbers or words
            return tuple(data)
        kinds = [inner[0]] * len(data) if inner[-1] is Ellipsis else inner
        if len(kinds) == len(data):
            return tuple(_build(k, v, f"{where}[{i}]") for i, (k, v) in enumerate(zip(kinds, data, strict=True)))
    elif origin is dict and isinstance(data, dict):
        value_kind = get_args(kind)[1]
        return {key: _build(value_kind, value, f"{where}.{key}") for key, value in data.items()}
    elif origin in (Union, types.UnionType):
        return None if data is None else _build(get_args(kind)[0], data, where)
    elif kind is float and (data is None or (isinstance(data, int | float) and not isinstance(data, bool))):
        return math.nan if data is None else float(data)
    elif (origin is not None and data in get_args(kind)) or (
        isinstance(kind, type) and origin is None and type(data) is kind
    ):  # Literal
        return data
    raise _mismatch(where, f"a value of type {type(data).__name__}")


def _build_record(kind: Any, data: Any, where: str) -> Any:
    if not isinstance(data, dict):
        raise _mismatch(where, f"a value of type {type(data).__name__}")
    hints, required = _form(kind)
    wrong = sorted(set(data) - set(hints)) + sorted(required - set(data))
    if wrong:
        raise _mismatch(where, f"missing or unknown fields {', '.join(wrong)}")
    values = {
        name: value if type(value) is hints[name] else _build(hints[name], value, f"{where}.{name}")
        for name, value in data.items()
    }
    try:
        return kind(**values)
    except ArgumentError as error:
        raise _mismatch(where, error.found) from error


@cache  # annotations are text: to read them for each of ten thousand layers takes longer than to render those
def _form(kind: Any) -> tuple[dict[str, Any], frozenset[str]]:
    """The type of each field of a record class, and the names of those that must be given."""
    hints = get_type_hints(kind)
    required = [one.name for one in fields(kind) if one.default is MISSING and one.default_factory is MISSING]
    return {one.name: hints[one.name] for one in fields(kind)}, frozenset(required)


def _mismatch(where: str, found: str) -> StoredModelError:
    return StoredModelError(
        f"`{where}` must have the form this version of justfit writes.",
        found=found,
        way_out="Write the record again with this version of `justfit fit`.",
    )
