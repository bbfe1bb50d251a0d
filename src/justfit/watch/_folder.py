"""The folder of a watched run: the record, rewritten as a whole, the findings as they arise, at the end the page."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

from justfit.errors import OutputError
from justfit.records import Finding, WatchRecord, to_dict
from justfit.report import render_watch_html, write_atomically

RECORD = "record.json"
FINDINGS = "findings.jsonl"
PAGE = "report.html"


class RunFolder:
    """Writes `record.json`, `findings.jsonl` and `report.html`, and nothing else.

    Args:
        path: The folder; made if it is not there.

    Raises:
        OutputError: It cannot be made.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"`out` must be a folder that can be made. `{path}` cannot.",
                found=f"`{error.strerror or error}`",
                way_out="Choose another folder, or get permission there.",
            ) from error

    def begin(self, *, anew: bool) -> None:
        """Take away findings and page of an earlier run in this folder, unless this run goes on with it."""
        if anew:
            for name in (FINDINGS, PAGE):
                with suppress(OSError):
                    (self.path / name).unlink(missing_ok=True)

    def write_record(self, record: WatchRecord) -> None:
        """Replace the record in one step: a reader, or a run that is killed, never leaves half of one."""
        text = json.dumps(to_dict(record), ensure_ascii=False, allow_nan=False)  # ten times as fast as with line breaks
        write_atomically(self.path / RECORD, text)

    def write_page(self, record: WatchRecord) -> None:
        """Write the record as a page, for people."""
        write_atomically(self.path / PAGE, render_watch_html(record))

    def add_finding(self, finding: Finding) -> None:
        """Append one finding as a line."""
        with (self.path / FINDINGS).open("a", encoding="utf-8") as file:
            file.write(json.dumps(to_dict(finding), ensure_ascii=False) + "\n")
