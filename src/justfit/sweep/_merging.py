"""Small units made into larger ones, where sending each costs more than it is worth, and what they gave taken apart.

Which variants share a unit changes no number (`run_unit`), so units may be merged by what they cost.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch

from justfit.sweep._training import Unit, UnitReport, UnitState

# The largest unit of any tier.
MAX_VARIANTS = 128


def merge(units: Sequence[Unit], seconds_per_epoch: float, least_seconds: float) -> list[list[int]]:
    """Say which units are done as one: neighbours, until they take as long as they should.

    Args:
        units: What is to be done.
        seconds_per_epoch: What an epoch of one variant takes.
        least_seconds: How long a merged unit should take; those that do anyway are left alone.

    Returns:
        Indices of the units of each merged unit, in order; each unit in one.

    Example:
        >>> from justfit.sweep import Setting, SweepVariant
        >>> unit = Unit(variants=(SweepVariant(setting=Setting()),) * 4, tier="loop", until=10)
        >>> merge([unit] * 5, seconds_per_epoch=0.1, least_seconds=10.0)
        [[0, 1, 2], [3, 4]]
    """
    groups: list[list[int]] = []
    seconds = variants = 0.0
    for index, unit in enumerate(units):
        fits = groups and variants + len(unit.variants) <= MAX_VARIANTS and _alike(units[groups[-1][0]], unit)
        if not fits or seconds >= least_seconds:
            groups.append([])
            seconds = variants = 0.0
        groups[-1].append(index)
        seconds += seconds_per_epoch * epochs_of(unit)
        variants += len(unit.variants)
    return groups


def epochs_of(unit: Unit) -> int:
    """Epochs that all variants of a unit train together."""
    return len(unit.variants) * (unit.until - _epoch(unit))


def join_units(units: Sequence[Unit]) -> Unit:
    """Make one unit of several alike."""
    states = [unit.state for unit in units if unit.state is not None]
    variants = tuple(variant for unit in units for variant in unit.variants)
    return replace(units[0], variants=variants, state=UnitState.join(states) if states else None)


def split_result(units: Sequence[Unit], state: UnitState, report: UnitReport) -> Iterator[tuple[UnitState, UnitReport]]:
    """Take apart what a merged unit gave; its seconds are shared by variants.

    Yields:
        State and report of each unit.
    """
    start = 0
    for unit in units:
        end = start + len(unit.variants)
        yield (
            state.select(list(range(start, end))),
            UnitReport(
                report.epochs,
                report.validation_losses[start:end],
                report.train_loss[start:end],
                report.train_loss_se[start:end],
                report.seconds * len(unit.variants) / len(report.validation_losses),
            ),
        )
        start = end


def joined_reports(reports: Sequence[UnitReport], order: Sequence[int], seconds: float) -> UnitReport:
    """Make one report of those of a unit's parts.

    Args:
        reports: Of the parts.
        order: For each variant of the unit, its place among those of all reports.
        seconds: CPU seconds that they took together.
    """
    held = [losses for report in reports for losses in report.validation_losses]
    places = list(order)
    return UnitReport(
        reports[0].epochs,
        [held[place] for place in places],
        torch.cat([report.train_loss for report in reports])[places],
        torch.cat([report.train_loss_se for report in reports])[places],
        seconds,
    )


def _epoch(unit: Unit) -> int:
    return 0 if unit.state is None else unit.state.epoch


def _alike(unit: Unit, other: Unit) -> bool:
    return _likeness(unit) == _likeness(other)


def _likeness(unit: Unit) -> tuple[object, ...]:
    return unit.variants[0].seed, unit.tier, unit.until, unit.measure, _epoch(unit), unit.state is None
