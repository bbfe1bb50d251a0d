"""Values and findings to TensorBoard."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from typing import Any

from justfit.integrations._host import import_host
from justfit.records import Finding


class TensorBoardSink:
    """Show what is watched in TensorBoard: a scalar for each value, a text for each finding.

    Args:
        writer: A `torch.utils.tensorboard.SummaryWriter`, which stays open, or a folder for a new one.
        prefix: Put before every tag.

    Raises:
        MissingExtraError: `tensorboard` is not installed, and a folder was given.
    """

    def __init__(self, writer: Any, *, prefix: str = "justfit/") -> None:
        self._owned = isinstance(writer, str | os.PathLike)
        if self._owned:
            import_host("tensorboard", extra="tensorboard")
            writer = import_host("torch.utils.tensorboard", extra="tensorboard").SummaryWriter(os.fspath(writer))
        self._writer = writer
        self._prefix = prefix

    def log(self, values: Mapping[str, float], step: int) -> None:
        """Add a scalar for each value that was measured."""
        for name, value in values.items():
            if not math.isnan(value):
                self._writer.add_scalar(f"{self._prefix}{name}", value, global_step=step)

    def finding(self, finding: Finding) -> None:
        """Add a text, at the step the finding began."""
        words = f"**{finding.code} {finding.name}** ({finding.severity}) at `{finding.where}`: {finding.evidence}"
        tag = f"{self._prefix}findings/{finding.code}"
        self._writer.add_text(tag, f"{words}\n\n{finding.cure}", global_step=finding.since)

    def close(self) -> None:
        """Write out what is buffered; close the writer if it was made here."""
        self._writer.flush()
        if self._owned:
            self._writer.close()
