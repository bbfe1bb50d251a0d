"""Values and findings to Weights & Biases, or to what has its interface."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from justfit.errors import ArgumentError
from justfit.records import Finding

LEVELS = {"warning": "WARN", "error": "ERROR"}


class WandbSink:
    """Log what is watched to a run of W&B, Trackio, or another module of that interface.

    Values have names of their own and a step of their own, so they do not disturb the step that the loop's own calls
    of `log` count. Warnings and errors are raised as alerts where the run can.

    Args:
        run: The module (`wandb`, `trackio`) after its `init`, or the run that `init` returned. It is not finished.
        prefix: Put before every name.
        alerts: Raise warnings and errors as alerts.

    Raises:
        ArgumentError: `run` has no `log`.

    >>> class Run:
    ...     def log(self, values):
    ...         print(values)
    >>> WandbSink(Run()).log({"loss": 0.5}, 3)
    {'justfit/step': 3, 'justfit/loss': 0.5}
    """

    def __init__(self, run: Any, *, prefix: str = "justfit/", alerts: bool = True) -> None:
        if not callable(getattr(run, "log", None)):
            raise ArgumentError(
                "`run` must have the method `log`, as `wandb`, `trackio` and their runs have.",
                found=f"`{type(run).__name__}`",
                way_out="Give the module after its `init`, or what `init` returned.",
            )
        self._run = run
        self._prefix = prefix
        self._alerts = alerts and callable(getattr(run, "alert", None))
        self._defined = not callable(getattr(run, "define_metric", None))

    def log(self, values: Mapping[str, float], step: int) -> None:
        """Log the values that were measured, with the step as one of them."""
        if not self._defined:
            self._run.define_metric(f"{self._prefix}*", step_metric=f"{self._prefix}step")
            self._defined = True
        measured = {f"{self._prefix}{name}": value for name, value in values.items() if not math.isnan(value)}
        self._run.log({f"{self._prefix}step": step, **measured})

    def finding(self, finding: Finding) -> None:
        """Raise a warning or error as an alert."""
        if self._alerts and finding.severity in LEVELS:
            title = f"{finding.code} {finding.name}"[:63]  # W&B takes fewer than 64 characters
            text = f"{finding.where}: {finding.evidence}. {finding.cure}"
            self._run.alert(title=title, text=text, level=self._level(LEVELS[finding.severity]))

    def _level(self, name: str) -> Any:
        """Return the level as the package has it: Trackio takes its enumeration only, W&B also its names."""
        package = self._run.__name__ if isinstance(self._run, ModuleType) else type(self._run).__module__
        levels = getattr(sys.modules.get(package.partition(".")[0]), "AlertLevel", None)
        return name if levels is None else levels[name]

    def close(self) -> None:
        """Leave the run open: it is the loop's."""
