"""Which logs lie in a folder: of one run, or of each run below it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from justfit.errors import LogFormatError, LogNotFoundError

MOST_FOLDERS = 20_000
_DEEPEST = 6
_CHECKPOINT = re.compile(r"checkpoint-(\d+)$")
# In order: of two in one folder the first is taken.
_KNOWN = ("record.json", "trainer_state.json", "metrics.csv", "results.csv", "history.csv", "history.json")
_ENDINGS = (".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".parquet")


@dataclass(frozen=True, slots=True)
class Place:
    """One log in a folder.

    Attributes:
        path: The file; the folder of an MLflow run.
        run: Where it lies below the folder that was named.
        is_mlflow: It is the folder of an MLflow run.
    """

    path: Path
    run: str
    is_mlflow: bool = False


def places_in(root: Path, name: str) -> tuple[list[Place], list[Path]]:
    """Find the logs below a folder.

    Known names go first; event files of TensorBoard count where a folder has nothing else. A folder without any of
    these is read only where it holds a single table.

    Args:
        root: An existing folder.
        name: What the user calls it.

    Returns:
        The files and run folders, and the folders with event files.

    Raises:
        LogNotFoundError: There is none.
        LogFormatError: There are several tables, and none has a known name.
    """
    places: list[Place] = []
    events: list[Path] = []
    for folder, folders, files in _walk(root, name):
        run = "/".join(folder.relative_to(root).parts)
        found = _known(folder, folders, files)
        if found is not None:
            places.append(Place(found, run, is_mlflow=found == folder))
            folders.clear()  # what lies below belongs to this run
        elif any(".tfevents." in file for file in files):
            events.append(folder)
        else:
            places += [Place(folder / file, run) for file in files if file.endswith(".db")]
    if not places and not events:
        return [_only_table(root, name)], []
    return places, events


def _walk(root: Path, name: str) -> Iterator[tuple[Path, list[str], list[str]]]:
    for number, (folder, folders, files) in enumerate(os.walk(root)):
        if number >= MOST_FOLDERS:
            raise LogFormatError(
                f"A folder of logs must hold at most {MOST_FOLDERS:,} folders.",
                found=f"more in `{name}`",
                way_out="Name the folder of one run, or of one experiment.",
            )
        folders[:] = sorted(entry for entry in folders if not entry.startswith(".") and entry != "artifacts")
        if len(Path(folder).relative_to(root).parts) >= _DEEPEST:
            folders.clear()
        yield Path(folder), folders, sorted(files)


def _known(folder: Path, folders: list[str], files: list[str]) -> Path | None:
    for wanted in _KNOWN:
        if wanted in files:
            return folder / wanted
    if "meta.yaml" in files and "metrics" in folders:
        return folder
    steps = [int(found[1]) for entry in folders if (found := _CHECKPOINT.match(entry))]
    for step in sorted(steps, reverse=True):
        state = folder / f"checkpoint-{step}" / "trainer_state.json"
        if state.is_file():
            return state
    return None


def _only_table(root: Path, name: str) -> Place:
    try:
        tables = sorted(entry for entry in root.iterdir() if entry.suffix in _ENDINGS)
    except OSError as error:
        raise LogFormatError(
            "A log must be readable.",
            found=f"`{name}`: {error.strerror or error}",
            way_out="Check its permissions.",
        ) from error
    if len(tables) > 1:
        raise LogFormatError(
            "A folder must hold one table, or logs under the names their tools give them.",
            found=f"{len(tables)} in `{name}`: {', '.join(table.name[:60] for table in tables[:8])}",
            way_out="Name one of them.",
        )
    if not tables:
        raise LogNotFoundError(
            "A folder must hold the log of a run.",
            found=f"none in `{name}`",
            way_out="Name the folder that a logger wrote, or a file in it.",
        )
    return Place(tables[0], "")
