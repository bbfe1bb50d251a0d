"""Where in the user's source a layer is built: `net.py:41` taken apart."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """A file and a line.

    Attributes:
        path: As the record has it.
        line: From 1; 0 where the record names no line.
    """

    path: str
    line: int


def place_of(source: str | None) -> Place | None:
    """Take `net.py:41` apart; None for no source.

    >>> place_of("models/net.py:41"), place_of("net.py"), place_of(None)
    (Place(path='models/net.py', line=41), Place(path='net.py', line=0), None)
    """
    if not source:
        return None
    path, colon, line = source.rpartition(":")
    # 9 digits: a longer "line" is no line, and would not fit the integers of the formats that carry it.
    if colon and path and line.isascii() and line.isdigit() and len(line) <= 9:
        return Place(path, int(line))
    return Place(source, 0)
