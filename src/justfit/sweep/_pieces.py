"""Pieces of training: variants that stand at one epoch, cut into units, done by an executor, and put together again.

How variants are cut into units never changes a number of them (`run_unit`), so units are cut for convenience: small
enough for memory, many enough for the workers. What a store has kept from an earlier call is not done again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby

from justfit.sweep._cell_table import Measured, split_report
from justfit.sweep._executor import Executor
from justfit.sweep._store import Store
from justfit.sweep._training import SweepVariant, Tier, Training, Unit, UnitState

# A unit's parameters and optimizer state may take this much memory; and at most so many variants go into one.
UNIT_BYTES = 256 * 2**20
UNIT_VARIANTS: dict[Tier, int] = {"batched": 128, "vectorised": 128, "loop": 16}
# The plain loop gains nothing from large units, so there each worker gets several: no one waits long for the last.
UNITS_PER_WORKER: dict[Tier, int] = {"batched": 1, "vectorised": 1, "loop": 4}
# A unit of fewer variants costs those tiers nearly as much, so several workers do not share what is less.
LEAST_VARIANTS: dict[Tier, int] = {"batched": 16, "vectorised": 16, "loop": 1}

# With a store, where networks stand is held in memory as well, up to so much; beyond it is read back when needed.
HELD_BYTES = 2**30

OnVariants = Callable[[int], None]


class Pieces:
    """Train variants piece by piece, and remember where each stands.

    Args:
        training: What is trained.
        executor: Who trains it.
        tier: By which program.
        variant_bytes: Parameters, buffers and optimizer state of one variant, in bytes.
        store: Where pieces are kept; None keeps them in memory only.
        max_unit_variants: Upper bound of variants per unit; None decides by tier and memory. Never changes a result.
    """

    def __init__(
        self,
        training: Training,
        executor: Executor,
        tier: Tier,
        *,
        variant_bytes: int,
        store: Store | None = None,
        max_unit_variants: int | None = None,
    ) -> None:
        self._training = training
        self._executor = executor
        self._tier = tier
        self._store = store
        limit = min(UNIT_VARIANTS[tier], max(1, UNIT_BYTES // max(variant_bytes, 1)))
        self._limit = max_unit_variants or limit
        self._variant_bytes = variant_bytes
        self._states: dict[SweepVariant, tuple[UnitState, int]] = {}
        self.cpu_seconds = 0.0

    def advance(
        self,
        variants: Sequence[SweepVariant],
        start: int,
        until: int,
        measure: tuple[int, ...],
        on_variants: OnVariants | None = None,
    ) -> dict[SweepVariant, Measured]:
        """Train variants from one epoch to another.

        Args:
            variants: Which; all stand at `start`.
            start: Epoch where they stand; 0 starts them.
            until: Epoch to reach.
            measure: Epochs in (start, until] to measure at.
            on_variants: Told how many variants are done, after each unit.

        Returns:
            What each of them showed.
        """
        measured: dict[SweepVariant, Measured] = {}
        if self._store is not None:
            measured = self._store.measured(variants, measure)
        if measured and on_variants is not None:
            on_variants(len(measured))
        todo = sorted((v for v in variants if v not in measured), key=_order)
        states: dict[SweepVariant, tuple[UnitState, int]] = {}
        units = self._units(todo, start, until, measure) if todo else []
        holds = self._store is None or len(todo) * self._variant_bytes <= HELD_BYTES
        for index, state, report in self._executor.map(self._training, units) if units else ():
            unit = units[index]
            if self._store is not None:
                self._store.keep(unit, state, report)
            measured |= zip(unit.variants, split_report(report), strict=True)
            states |= {variant: (state, k) for k, variant in enumerate(unit.variants) if holds}
            self.cpu_seconds += report.seconds
            if on_variants is not None:
                on_variants(len(unit.variants))
        self._states = states
        if self._store is not None:
            self.cpu_seconds += self._store.take_seconds()
            self._store.forget_states(variants, before=until)
        return measured

    def _units(self, todo: list[SweepVariant], start: int, until: int, measure: tuple[int, ...]) -> list[Unit]:
        wanted = self._executor.num_workers * UNITS_PER_WORKER[self._tier]
        size = min(self._limit, max(LEAST_VARIANTS[self._tier], -(-len(todo) // wanted)))
        units = []
        for _, group in groupby(todo, key=lambda variant: (variant.seed, self._stands(variant, start))):
            members = list(group)
            for first in range(0, len(members), size):
                part = tuple(members[first : first + size])
                state = self._joined(part, start)
                units.append(Unit(variants=part, tier=self._tier, until=until, measure=measure, state=state))
        return units

    def _stands(self, variant: SweepVariant, start: int) -> bool:
        """Whether it is known where the variant stands; if not, it is trained again from its first epoch."""
        return start > 0 and (
            variant in self._states or (self._store is not None and self._store.place(variant, start) is not None)
        )

    def _joined(self, part: tuple[SweepVariant, ...], start: int) -> UnitState | None:
        if not self._stands(part[0], start):
            return None
        kept: dict[str, UnitState] = {}
        places = [self._place(variant, start, kept) for variant in part]
        runs = [list(run) for _, run in groupby(places, key=lambda place: id(place[0]))]
        return UnitState.join([run[0][0].select([k for _, k in run]) for run in runs])

    def _place(self, variant: SweepVariant, start: int, kept: dict[str, UnitState]) -> tuple[UnitState, int]:
        place = None if variant in self._states or self._store is None else self._store.place(variant, start)
        if place is None or self._store is None:
            return self._states[variant]
        stem, k = place
        if stem not in kept:
            kept[stem] = self._store.state(stem)
        return kept[stem], k


def _order(variant: SweepVariant) -> tuple[object, ...]:
    """Variants of one seed together, within it those of one fold and dropout, which share their data and masks."""
    setting = variant.setting
    return (
        variant.seed,
        variant.fold,
        -1.0 if setting.dropout is None else setting.dropout,
        setting.init or "",
        -1.0 if setting.learning_rate is None else setting.learning_rate,
        setting.l2,
    )
