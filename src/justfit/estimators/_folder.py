"""The directory that `justfit fit` writes: whole or not at all."""

from __future__ import annotations

import json
import re
import secrets
import shutil
import tempfile
from pathlib import Path
from typing import Any

from justfit.errors import OutputError, StoredModelError
from justfit.estimators._estimator import JustFitEstimator
from justfit.estimators._storage import MODEL_FILE, WEIGHTS_FILE
from justfit.records import FitResult
from justfit.report import render_html, render_json, write_atomically
from justfit.tables import Encoder, Target

RESULT_FILE = "result.json"
REPORT_FILE = "report.html"
TARGET_FILE = "target.json"
OWN_FILES = {RESULT_FILE, REPORT_FILE, TARGET_FILE, MODEL_FILE, WEIGHTS_FILE}
OWN_STEM = "preprocessing"  # of the encoder's files


def default_folder(table_name: str) -> Path:
    """`./justfit-<name>`, without the characters that file systems dislike."""
    return Path("justfit-" + (re.sub(r"[^\w.-]+", "-", table_name).strip("-.")[:80] or "table"))


class ResultFolder:
    """A directory to write, checked before the work begins.

    Args:
        path: The directory; a symbolic link to one that is to be replaced is followed.
        overwrite: Replace it if justfit wrote it, and nothing else lies in it.

    Raises:
        OutputError: It exists, or holds files that justfit did not write, or cannot be made where it is asked for.
    """

    def __init__(self, path: Path, overwrite: bool) -> None:
        self.path = path
        try:
            exists = path.exists() or path.is_symlink()
            if exists and not overwrite:
                raise OutputError(
                    "The output directory must not exist yet.",
                    found=f"`{path}`",
                    way_out="Choose another with `--out`, or add `--overwrite` to replace it.",
                )
            if exists:
                _refuse_foreign(path)
            self._place = path.resolve()
            existing = next(parent for parent in self._place.parents if parent.exists())
            tempfile.TemporaryFile(dir=existing).close()
        except OutputError:
            raise
        except OSError as error:
            raise _refused(path, error) from error

    def write(
        self, result: FitResult, estimator: JustFitEstimator, encoder: Encoder, target: Target
    ) -> dict[str, Path]:
        """Write report, result, model and preprocessing under a temporary name, then rename.

        Returns:
            The written files by name.

        Raises:
            OutputError: It cannot be written; what stood there before is still there.
        """
        partial = self._place.with_name(f".justfit-{secrets.token_hex(8)}")
        try:
            partial.mkdir(parents=True)
            write_atomically(partial / REPORT_FILE, render_html(result))
            write_atomically(partial / RESULT_FILE, render_json(result))
            write_atomically(partial / TARGET_FILE, json.dumps(target.to_dict(), indent=2, ensure_ascii=False))
            estimator.save(partial)
            encoder.save(partial)
            self._replace(partial)
        except OSError as error:
            raise _refused(self.path, error) from error
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        return {path.name: path for path in sorted(self.path.iterdir())}

    def _replace(self, partial: Path) -> None:
        if not self._place.exists():
            partial.rename(self._place)
            return
        old = partial.with_name(partial.name + "-old")
        try:
            self._place.rename(old)
            partial.rename(self._place)
        except BaseException:  # Ctrl-C too must not lose the old directory
            if old.exists() and not self._place.exists():
                old.rename(self._place)
            raise
        shutil.rmtree(old, ignore_errors=True)


def read_target(directory: Path) -> Target:
    """Read how to decode predictions.

    Raises:
        StoredModelError: The file is missing or damaged.
    """
    try:
        fields: Any = json.loads((directory / TARGET_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise StoredModelError(
            f"A directory that `justfit fit` wrote holds `{TARGET_FILE}`.",
            found=f"`{directory}`: {type(error).__name__}",
            way_out="Name the directory that `justfit fit` wrote.",
        ) from error
    return Target.from_dict(fields)


def _refuse_foreign(path: Path) -> None:
    """Let only a directory be replaced that holds a result of ours, and nothing that someone else put there."""
    try:
        result = json.loads((path / RESULT_FILE).read_text(encoding="utf-8"))
        is_ours = str(result["schema_version"]).startswith("justfit.fit/")
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        is_ours = False
    if not is_ours:
        raise OutputError(
            "`--overwrite` replaces only a directory that justfit wrote.",
            found=f"`{path}` without a `{RESULT_FILE}` of `justfit fit`",
            way_out="Remove it yourself, or choose another with `--out`.",
        )
    foreign = sorted(entry.name for entry in path.iterdir() if entry.name not in OWN_FILES and entry.stem != OWN_STEM)
    if foreign:
        raise OutputError(
            "`--overwrite` removes only files that justfit wrote.",
            found=", ".join(f"`{name}`" for name in foreign[:6]) + f" in `{path}`",
            way_out="Move them elsewhere, or choose another directory with `--out`.",
        )


def _refused(path: Path, error: OSError) -> OutputError:
    cause = error.__cause__ if isinstance(error, OutputError) else error  # its own words name the temporary directory
    return OutputError(
        f"The output directory `{path}` must be writable.",
        found=getattr(cause, "strerror", None) or str(error),
        way_out="Choose another with `--out`, or make room.",
    )
