"""JSON and JSON lines: text to values, with one clear error for whatever cannot be one."""

from __future__ import annotations

import json
from typing import Any

from justfit.errors import LogFormatError
from justfit.logs._source import Source, read_text

MOST_JSON_BYTES = 1 << 28  # as Python values it takes about ten times the memory


def read_json(source: Source) -> tuple[Any, bool]:
    """Read a JSON value, or one value per line.

    NaN and Infinity, which Python writes, are read. A last line that was cut short, as in the log of a run that was
    killed, is left out.

    Returns:
        The value, and True where it is a list of lines.

    Raises:
        LogFormatError: It is neither.
    """
    text = read_text(source, MOST_JSON_BYTES)
    try:
        return json.loads(text), False
    except RecursionError as error:
        raise _broken(source, "values nested too deeply") from error
    except ValueError as error:
        lines = [line for line in text.splitlines() if line.strip()]
        if len(lines) < 2 or not _is_value(lines[0]):
            raise _broken(source, str(error)) from error
    return _lines(lines, source), True


def _lines(lines: list[str], source: Source) -> list[Any]:
    try:
        return list(json.loads(f"[{','.join(lines)}]"))  # five times as fast as line by line
    except (ValueError, RecursionError):
        values = []
    for number, line in enumerate(lines, start=1):
        try:
            values.append(json.loads(line))
        except (ValueError, RecursionError) as error:
            if number == len(lines):
                break
            raise _broken(source, f"line {number:,}: {error}") from error
    return values


def _is_value(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _broken(source: Source, why: str) -> LogFormatError:
    return LogFormatError(
        "A log that begins with a brace or a bracket must be JSON, or JSON lines.",
        found=f"`{source.name}`: {why.rstrip('.')[:300]}",
        way_out="It may have been cut short; write it again.",
    )
