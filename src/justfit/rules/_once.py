"""Work that several rules share is done once for each piece of evidence."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Generic, TypeVar

Given = TypeVar("Given")
Made = TypeVar("Made")


class _Same(Generic[Given]):
    """One object, equal to itself alone: hashing all its numbers would cost more than the work."""

    __slots__ = ("it",)

    def __init__(self, it: Given) -> None:
        self.it = it

    def __hash__(self) -> int:
        return id(self.it)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.it is self.it


def once(make: Callable[[Given], Made]) -> Callable[[Given], Made]:
    """Keep the last result of a function of one frozen record; the record is held as long."""
    kept = lru_cache(maxsize=1)(lambda same: make(same.it))

    @wraps(make)
    def made(given: Given) -> Made:
        return kept(_Same(given))

    return made
