"""From stored JSON to the record that it is, whichever kind that may be."""

from __future__ import annotations

import json
from dataclasses import MISSING, fields
from typing import Any

from justfit.errors import StoredModelError
from justfit.records._cure import CureRecord
from justfit.records._fit import FitResult
from justfit.records._json import from_dict
from justfit.records._judgement import Judgement
from justfit.records._lab import LabRecord
from justfit.records._module_sweep import ModuleSweepRecord
from justfit.records._shown import Shown
from justfit.records._signal import Checkup, SchemeComparison
from justfit.records._verdict import FitVerdict
from justfit.records._watch import WatchRecord

KINDS: tuple[type[Shown], ...] = (
    Checkup,
    CureRecord,
    FitResult,
    FitVerdict,
    Judgement,
    LabRecord,
    ModuleSweepRecord,
    SchemeComparison,
    WatchRecord,
)
_WAY_OUT = (
    "Give what `justfit fit`, `cure`, `watch` or `sweep` wrote to its folder, or what `check`, `judge`, `lab` printed "
    "as JSON."
)


def from_any_json(content: str | bytes) -> tuple[Any, ...]:
    """Rebuild a stored record of any kind, recognised by its fields; or several of them, as `justfit judge` prints.

    Args:
        content: JSON; bytes in UTF-8, UTF-16 or UTF-32, with or without a byte order mark.

    Returns:
        The records, at least one.

    Raises:
        StoredModelError: It is not JSON, not a record, or not in the form that this version writes.
    """
    try:
        data = json.loads(content)
    except (ValueError, RecursionError) as error:
        reason = "brackets that are nested too deep" if isinstance(error, RecursionError) else str(error)
        raise StoredModelError("A stored record must be JSON.", found=reason, way_out=_WAY_OUT) from error
    every = data if isinstance(data, list) and data else [data]
    return tuple(_rebuilt(one) for one in every)


def _rebuilt(data: Any) -> Any:
    names = set(data) if isinstance(data, dict) else set()
    kind = max(KINDS, key=lambda kind: _likeness(kind, names))
    if _likeness(kind, names) <= 0:
        found = (
            f"{type(data).__name__} in its place" if not names else f"the fields {', '.join(sorted(names)[:6])[:200]}"
        )
        raise StoredModelError("A stored record must be one of justfit's.", found=found, way_out=_WAY_OUT)
    try:
        return from_dict(kind, data)
    except OverflowError as error:
        raise StoredModelError(
            f"The numbers of a stored {kind.__name__} must be such as a float can hold.",
            found=f"`{error}`",
            way_out="Store the record again.",
        ) from error


def _likeness(kind: type[Shown], names: set[str]) -> float:
    """Share of the required fields that are there, less the share of names that are foreign."""
    of_kind = fields(kind)  # type: ignore[arg-type]  # each of them is a dataclass
    required = {one.name for one in of_kind if one.default is MISSING and one.default_factory is MISSING}
    foreign = names - {one.name for one in of_kind}
    return len(required & names) / len(required) - len(foreign) / max(len(names), 1)
