"""Values and findings as JSON lines."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

from justfit.errors import OutputError
from justfit.records import Finding, to_dict


class JsonLinesSink:
    """Append one JSON object a line: `{"step": 3, "values": {…}}` for values, `{"finding": {…}}` for findings.

    Each line is handed to the operating system at once, so a process that is killed loses none that was logged. NaN
    and infinity are null.

    Args:
        path: The file; its folder must exist. Lines are added to what it holds.

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "watch.jsonl"
    >>> sink = JsonLinesSink(path)
    >>> sink.log({"loss": 0.5}, 3)
    >>> sink.close()
    >>> path.read_text()
    '{"step": 3, "values": {"loss": 0.5}}\\n'
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._file: TextIO | None = None

    def log(self, values: Mapping[str, float], step: int) -> None:
        """Write the values of one step.

        Raises:
            OutputError: The file cannot be written.
        """
        self._write({"step": step, "values": to_dict(dict(values))})

    def finding(self, finding: Finding) -> None:
        """Write a finding.

        Raises:
            OutputError: The file cannot be written.
        """
        self._write({"finding": to_dict(finding)})

    def close(self) -> None:
        """Close the file; a later line opens it again."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _write(self, line: Mapping[str, object]) -> None:
        text = json.dumps(line, ensure_ascii=False, allow_nan=False)
        try:
            if self._file is None:
                self._file = self.path.open("a", encoding="utf-8", errors="backslashreplace", buffering=1)
            self._file.write(f"{text}\n")
        except OSError as error:
            raise OutputError(
                f"`{self.path}` must be a file that lines can be added to.",
                found=f"`{error.strerror or error}`",
                way_out="Choose another place, or make room or get permission there.",
            ) from error
