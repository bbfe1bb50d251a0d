"""A repair as files: record, page, patch, weights."""

from __future__ import annotations

import os
from pathlib import Path

from safetensors.torch import save

from justfit.errors import OutputError
from justfit.records import to_json
from justfit.repair._result import Cure
from justfit.report import render_cure_html, write_atomically


def prepare_folder(out: str | os.PathLike[str]) -> Path:
    """Make the folder before anything is trained.

    Raises:
        OutputError: It cannot be made, or holds something already.
    """
    folder = Path(out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        held = sorted(entry.name for entry in folder.iterdir())
    except OSError as error:
        raise OutputError(
            "`out` must be a folder that can be made.",
            found=f"`{error.strerror or error}` at `{folder}`",
            way_out="Choose another place.",
        ) from error
    if held:
        raise OutputError(
            "`out` must be a new or an empty folder.",
            found=f"`{held[0]}`" + (f" and {len(held) - 1} more" if len(held) > 1 else "") + f" in `{folder}`",
            way_out="Choose another place, or remove what lies there.",
        )
    return folder


def write_cure(found: Cure, folder: Path) -> dict[str, Path]:
    """Write record.json, report.html, patch.md and model.safetensors, each at once or not at all.

    Raises:
        OutputError: One cannot be written.
    """
    tensors = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in found.model().state_dict().items()}
    contents: dict[str, str | bytes] = {
        "record.json": to_json(found.record),
        "report.html": render_cure_html(found.record),
        "patch.md": _patch(found),
        "model.safetensors": save(tensors),
    }
    for name, content in contents.items():
        write_atomically(folder / name, content)
    return {name: folder / name for name in contents}


def _patch(found: Cure) -> str:
    title = f"# {found.record.module}: {found.state}" + (f" ({found.cause})" if found.cause else "")
    changes = [
        f"## {change.source or change.where}\n\n{change.before} → {change.after}. {change.why}\n\n"
        f"```python\n{change.code}\n```\n"
        for change in found.changes
    ]
    return "\n".join([title, "", *dict.fromkeys(changes)]) + "\n"
