"""Remember for each module which line of code built it."""

from __future__ import annotations

import functools
import os
import sys
import sysconfig
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Literal, NamedTuple
from weakref import WeakKeyDictionary

import torch
from torch import nn

Origin = Literal["user", "library", "torch", "none"]


class Place(NamedTuple):
    """A line of a file, and whose file it is."""

    file: str
    line: int
    origin: Origin


@dataclass(slots=True)
class _Recording:
    """How many blocks are recording, and what stood in the place of the wrapper."""

    depth: int = 0
    original: Any = None
    wrapper: Any = None


TORCH_FOLDER = str(Path(torch.__file__).parent)
OWN_FOLDER = str(Path(__file__).parents[1]) + os.sep  # outside the packages where justfit is installed editable
LIBRARY_FOLDERS = tuple({sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")})
_places: WeakKeyDictionary[nn.Module, Place] = WeakKeyDictionary()
_recording = _Recording()
_lock = threading.Lock()


@contextmanager
def recording_construction() -> Iterator[None]:
    """Remember, while the block lasts, the line that builds each module, for `find_source`.

    It is the innermost line outside torch and installed packages, or outside torch if there is none; lines of justfit
    and of what called it do not count. Blocks may be
    nested and may overlap in several threads; what is built in any thread is remembered.

    Example:
        >>> with recording_construction():
        ...     network = nn.Sequential(nn.Linear(2, 1))
    """
    with _lock:
        if _recording.depth == 0:
            _recording.original = nn.Module.__init__
            _recording.wrapper = _wrap(_recording.original)
            nn.Module.__init__ = _recording.wrapper  # type: ignore[method-assign]
        _recording.depth += 1
    try:
        yield
    finally:
        with _lock:
            _recording.depth -= 1
            if _recording.depth == 0 and nn.Module.__init__ is _recording.wrapper:
                nn.Module.__init__ = _recording.original  # type: ignore[method-assign]


def recorded_place(module: nn.Module) -> Place | None:
    """Look up where a module was built; None if nobody was recording."""
    return _places.get(module)


@functools.lru_cache(maxsize=4096)
def origin_of(file: str) -> Origin:
    """Tell whose code a file holds; `none` where there is no file to show."""
    if file.startswith("<") or not Path(file).is_file():
        return "none"
    if file.startswith(TORCH_FOLDER):
        return "torch"
    installed = "site-packages" in file or "dist-packages" in file
    return "library" if installed or file.startswith((OWN_FOLDER, *LIBRARY_FOLDERS)) else "user"


def _wrap(original: Any) -> Any:
    @functools.wraps(original)
    def initialize(self: nn.Module, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        if _recording.depth:
            _record(self, sys._getframe(1))

    return initialize


def _record(module: nn.Module, frame: FrameType | None) -> None:
    fallback = None
    while frame is not None:
        origin = origin_of(frame.f_code.co_filename)
        if origin in ("user", "library") and not _builds_itself(frame, frame.f_code, module):
            if frame.f_code.co_filename.startswith(OWN_FOLDER):
                break  # justfit called the user's code: what lies beyond started justfit and built nothing
            place = Place(frame.f_code.co_filename, frame.f_lineno, origin)
            fallback = fallback or place
            if origin == "user":
                fallback = place
                break
        frame = frame.f_back
    if fallback is not None:
        try:
            _places[module] = fallback
        except Exception:  # a class whose hash is broken cannot be remembered
            return


def _builds_itself(frame: FrameType, code: CodeType, module: nn.Module) -> bool:
    """Recognise a constructor that calls its base class: the line wanted is the one that called the constructor."""
    return code.co_name == "__init__" and code.co_argcount > 0 and frame.f_locals.get(code.co_varnames[0]) is module
