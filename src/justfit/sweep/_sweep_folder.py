"""The folder of a sweep: what was asked, what was found out at its start, and the pieces that are done."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from justfit.errors import OutputError
from justfit.records import ModuleSweepRecord, to_json
from justfit.report import render_module_sweep_html, write_atomically
from justfit.sweep._folder_lock import LOCK_FILE, folder_locked
from justfit.sweep._store import Store

FORMAT = "justfit.sweep/1"
START_FILE = "sweep.json"
RESULT_FILE = "result.json"
REPORT_FILE = "report.html"
PIECES = "pieces"


class SweepFolder:
    """A folder in which a sweep is kept; one of the same sweep is gone on with. Used in a `with` block.

    Args:
        path: The folder; made where it is missing.
        asked: What decides the numbers of the sweep, by name; see `asked_of`.

    Attributes:
        start: What was found out when the sweep began; None in a new folder.
    """

    def __init__(self, path: Path, asked: Mapping[str, Any]) -> None:
        self.path = path
        self._asked = json.loads(json.dumps(asked))
        self._opened = ExitStack()
        self.start: dict[str, Any] | None = None

    def __enter__(self) -> Self:
        """Open the folder, for this process alone.

        Raises:
            OutputError: It holds something else, or another sweep, is in use, or cannot be written.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            names = {entry.name for entry in self.path.iterdir() if not entry.name.endswith(".tmp")}
            if START_FILE not in names and names - {PIECES, LOCK_FILE}:
                raise _foreign(self.path, names - {PIECES, LOCK_FILE})
            if START_FILE in names:
                self._read_start()
            self._opened.enter_context(folder_locked(self.path))
            if START_FILE not in names and (self.path / START_FILE).exists():  # begun by another process just now
                self._read_start()
            (self.path / PIECES).mkdir(exist_ok=True)
        except BaseException as error:
            self._opened.close()
            if isinstance(error, OutputError) or not isinstance(error, OSError):
                raise
            raise OutputError(
                "`out` must be a folder that can be written.",
                found=f"`{self.path}`: {error.strerror or error}",
                way_out="Choose another place.",
            ) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /
    ) -> None:
        self._opened.close()

    def begin(self, start: Mapping[str, Any]) -> None:
        """Keep what was found out at the start and must be the same when the sweep goes on: tier and values.

        Raises:
            OutputError: It cannot be written.
        """
        text = json.dumps({"format": FORMAT, "asked": self._asked, "start": dict(start)}, indent=2)
        write_atomically(self.path / START_FILE, text)

    def store(self) -> Store:
        """Where the pieces lie."""
        return Store(self.path / PIECES)

    def finish(self, record: ModuleSweepRecord, store: Store) -> None:
        """Write result and report; where networks stood is not needed any more, unless the sweep was interrupted.

        Raises:
            OutputError: It cannot be written.
        """
        write_atomically(self.path / RESULT_FILE, to_json(record))
        write_atomically(self.path / REPORT_FILE, render_module_sweep_html(record))
        if not record.interrupted:
            store.forget_all_states()

    def _read_start(self) -> None:
        try:
            kept = json.loads((self.path / START_FILE).read_text(encoding="utf-8"))
            asked, start, form = kept["asked"], kept["start"], kept["format"]
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise _foreign(self.path, {START_FILE}) from error
        if form != FORMAT:
            raise _foreign(self.path, {START_FILE})
        for name, value in self._asked.items():
            if asked.get(name) != value:
                raise OutputError(
                    "`out` must be a new folder, or that of the very same sweep.",
                    found=f"`{self.path}` of a sweep with another `{name}`: {asked.get(name)!r}, now {value!r}",
                    way_out="Choose another folder, or call `justfit.sweep` as it was called before.",
                )
        self.start = start


def _foreign(path: Path, names: set[str]) -> OutputError:
    return OutputError(
        "`out` must be a new folder, or one that `justfit.sweep` wrote.",
        found=f"`{path}` with {', '.join(sorted(names)[:3])}",
        way_out="Choose another folder.",
    )
