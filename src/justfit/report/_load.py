"""Stored records, found and read: what `justfit report` shows once more."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from justfit.errors import StoredModelError
from justfit.records import from_any_json
from justfit.report._names import shown

RECORD_FILES = ("result.json", "record.json")  # of `fit` and `sweep`; of `watch` and `cure`
PAGE = "report.html"
_MOST_NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """Records of one file.

    Attributes:
        path: The file.
        records: At least one; several where `justfit judge` judged several runs.
    """

    path: Path
    records: tuple[Any, ...]

    @property
    def page(self) -> Path:
        """Where its page goes if nothing else is said: beside it."""
        return self.path.with_name(PAGE) if self.path.name in RECORD_FILES else self.path.with_suffix(".html")


def load_records(path: str | os.PathLike[str]) -> Stored:
    """Read a stored record of any kind, without what it took to make it.

    Args:
        path: A file, or a folder that holds `result.json` or `record.json`.

    Raises:
        StoredModelError: There is no such file, or it holds no record of justfit.

    Example:
        >>> load_records("digits-fit").records[0].to_html("report.html")  # doctest: +SKIP
    """
    place = _file(Path(path))
    try:
        content = place.read_bytes()
    except OSError as error:
        raise _missing(place, f"`{error.strerror or error}`") from error
    try:
        return Stored(path=place, records=from_any_json(content))
    except StoredModelError as error:
        error.add_note(f"This is about `{shown(str(place), 200)}`.")
        raise


def _file(path: Path) -> Path:
    if not path.is_dir():
        return path
    there = [path / name for name in RECORD_FILES if (path / name).is_file()]
    if len(there) == 1:
        return there[0]
    if there:
        found = f"both {' and '.join(RECORD_FILES)} in it"
    else:
        others = sorted(entry.name for entry in path.glob("*.json"))
        named = ", ".join(shown(name) for name in others[:_MOST_NAMED])
        found = f"neither {' nor '.join(RECORD_FILES)} in it" + (f", but {named}" if others else "")
    raise _missing(path, found)


def _missing(path: Path, found: str) -> StoredModelError:
    return StoredModelError(
        f"`{shown(str(path), 200)}` must be a record that justfit stored, or a folder with one.",
        found=found,
        way_out="Name the file that `justfit fit`, `cure`, `watch` or `sweep` wrote, or the saved output of `--json`.",
    )
