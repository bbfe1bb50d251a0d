"""One unit of work, done by the tier it was planned for."""

from __future__ import annotations

from justfit.sweep._batched import run_batched
from justfit.sweep._loop import run_loop
from justfit.sweep._training import Training, Unit, UnitReport, UnitState
from justfit.sweep._vectorised import run_vectorised


def run_unit(training: Training, unit: Unit) -> tuple[UnitState, UnitReport]:
    """Train the variants of one unit from where they stand to an epoch.

    A pure function: no global state is read or left behind, so a unit can be run on any worker, and again.

    Args:
        training: What is trained.
        unit: Which variants, from where, how far, by which tier.

    Returns:
        Where they stand now, and what was measured on the way. For one tier the numbers do not depend on which variants
        share the unit, nor on where it was cut.
    """
    if unit.tier == "batched":
        return run_batched(training, unit)
    if unit.tier == "vectorised":
        return run_vectorised(training, unit)
    return run_loop(training, unit)
