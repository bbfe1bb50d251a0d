"""Which line of whose code, and which module, runs an operation right now."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from types import FrameType
from typing import NamedTuple

from torch import nn

from justfit.probe._construction import OWN_FOLDER, origin_of
from justfit.probe._run import run_forward
from justfit.probe._source import shown


class Running(NamedTuple):
    """Where an operation runs.

    Attributes:
        module: Path of the innermost known module whose code is running; empty for none.
        source: File and line of the innermost code outside torch and justfit, as `find_source` writes it.
        is_direct: No module of torch stands between that line and the operation.
    """

    module: str
    source: str | None
    is_direct: bool


def running_place(paths: Mapping[int, str]) -> Running:
    """Look up the call stack, as far as the pass that `run_forward` runs; for observers of a tracer.

    Args:
        paths: The modules that count, as `id` to path.
    """
    module, source, is_direct = "", None, True
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code is not run_forward.__code__:
        code = frame.f_code
        if not code.co_filename.startswith(OWN_FOLDER):
            running = frame.f_locals.get(code.co_varnames[0]) if code.co_argcount else None
            module = module or paths.get(id(running), "")
            if source is None and origin_of(code.co_filename) in ("user", "library"):
                source = f"{shown(code.co_filename, os.getcwd())}:{frame.f_lineno}"  # noqa: PTH109
            elif source is None:
                is_direct = is_direct and not isinstance(running, nn.Module)
        frame = frame.f_back
    return Running(module, source, is_direct and source is not None)
