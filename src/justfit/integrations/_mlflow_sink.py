"""Values and findings to MLflow."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from justfit.errors import ArgumentError
from justfit.integrations._host import import_host
from justfit.records import Finding

# What its stores take in the name of a metric or tag, how long one may be, and how much text in a tag.
REFUSED = re.compile(r"[^\w\-. /]")
NAME_LENGTH = 250
TAG_LENGTH = 500


class MlflowSink:
    """Log what is watched to a run of MLflow: a metric for each value, a tag for each finding.

    Args:
        run_id: The run; by default the active one. It is not ended.
        prefix: Put before every metric.

    Raises:
        ArgumentError: No run is active, and none was given.
        MissingExtraError: `mlflow` is not installed.
    """

    def __init__(self, run_id: str | None = None, *, prefix: str = "justfit/") -> None:
        self._mlflow: Any = import_host("mlflow", extra="mlflow")
        active = self._mlflow.active_run()
        if run_id is None and active is None:
            raise ArgumentError(
                "A run of MLflow must be active or named.",
                found="neither",
                way_out="Put the loop into `with mlflow.start_run():`, or give `run_id`.",
            )
        self._run_id = run_id or active.info.run_id
        self._prefix = prefix

    def log(self, values: Mapping[str, float], step: int) -> None:
        """Log the values that were measured."""
        measured = {
            REFUSED.sub("_", f"{self._prefix}{name}")[:NAME_LENGTH]: float(value)
            for name, value in values.items()
            if not math.isnan(value)
        }
        if measured:
            self._mlflow.log_metrics(measured, step=step, run_id=self._run_id)

    def finding(self, finding: Finding) -> None:
        """Set a tag, named after the rule and the place."""
        key = REFUSED.sub("_", f"justfit.{finding.code}.{finding.where}")[:NAME_LENGTH]
        words = f"{finding.severity}: {finding.name}, {finding.evidence}"
        if finding.since is not None:
            words += f", since {finding.since_unit} {finding.since}"
        self._mlflow.MlflowClient().set_tag(self._run_id, key, words[:TAG_LENGTH])

    def close(self) -> None:
        """Wait until what was logged is stored; leave the run open: it is the loop's."""
        self._mlflow.flush_async_logging()
