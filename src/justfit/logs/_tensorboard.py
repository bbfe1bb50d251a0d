"""TensorBoard event files, read by TensorBoard itself."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from justfit.errors import LogFormatError, MissingExtraError
from justfit.logs._log import Log
from justfit.logs._names import has_role
from justfit.logs._rows import wide

Points = list[tuple[float, float]]


def read_events(places: Sequence[Path], root: Path, name: str) -> list[Log]:
    """Read event files, or the folders that hold them, below one log folder.

    Folders whose last name says train or validation, as Keras and `add_scalars` write them, belong to the run of the
    folder above; every other folder is a run of its own. Scalars that were written as tensors (TensorFlow 2) count.

    Args:
        places: A file, or every folder with event files in it.
        root: The folder the user named.
        name: What the user called it.

    Returns:
        One log for each run with scalars.

    Raises:
        MissingExtraError: The package tensorboard is not installed.
        LogFormatError: A file is damaged at its beginning, or none holds scalars.
    """
    runs: dict[str, dict[str, Points]] = {}
    for place in places:
        inside = place.relative_to(root).parts if place != root and place.is_dir() else ()
        own = has_role(inside[-1]) if inside else False
        run = "/".join(inside[:-1] if own else inside)
        prefix = f"{inside[-1]}/" if own else ""
        for tag, points in _scalars(place, name).items():
            runs.setdefault(run, {}).setdefault(f"{prefix}{tag}", []).extend(points)
    if not runs:
        raise LogFormatError(
            "Event files must hold scalars.",
            found=f"none in `{name}`",
            way_out="Log the losses with `add_scalar`, and close the writer or flush it.",
        )
    several = len(runs) > 1
    return [
        Log(frame=wide(series), tool="tensorboard", form="event files", run=run if several else "")
        for run, series in sorted(runs.items())
    ]


def _scalars(place: Path, name: str) -> dict[str, Points]:
    accumulator, to_array = _accumulator(place)
    logger = logging.getLogger("tensorboard")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        accumulator.Reload()
    except Exception as error:  # whatever a damaged file brings up in protobuf
        raise LogFormatError(
            "Event files must be intact.",
            found=f"`{name}`: {type(error).__name__}",
            way_out="They may have been cut short while copying; copy them again.",
        ) from error
    finally:
        logger.setLevel(level)
    tags = accumulator.Tags()
    found = {tag: [(event.step, event.value) for event in accumulator.Scalars(tag)] for tag in tags["scalars"]}
    for tag in tags["tensors"]:
        points = [(event.step, to_array(event.tensor_proto)) for event in accumulator.Tensors(tag)]
        if all(array.size == 1 and array.dtype.kind in "fiu" for _, array in points):
            found[tag] = [(step, float(array.reshape(()))) for step, array in points]
    return found


def _accumulator(place: Path) -> tuple[Any, Any]:
    try:
        from tensorboard.backend.event_processing import event_accumulator
        from tensorboard.util import tensor_util
    except ImportError as error:
        raise MissingExtraError(
            "Reading TensorBoard event files needs the package tensorboard.",
            found="none",
            way_out="Install it with `pip install 'justfit[tensorboard]'`.",
        ) from error
    everything = {"scalars": 0, "tensors": 0, "images": 1, "audio": 1, "histograms": 1, "distributions": 1}
    return event_accumulator.EventAccumulator(str(place), size_guidance=everything), tensor_util.make_ndarray
