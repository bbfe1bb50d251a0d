"""How variants are packed into chunks: for speed and memory only, never for the result."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from justfit.sweep._feed import Schedule
from justfit.sweep._layout import Layout
from justfit.sweep._problem import Problem, Recipe, Variant

# Parameters, gradient, two moments and activations of one chunk. Measured (benchmarks/sweep_speed.py): once a chunk
# outgrows the last-level cache, every pass over its parameters runs at the speed of main memory.
CHUNK_BYTES = 12 * 2**20


@dataclass(frozen=True, slots=True)
class Packing:
    """One chunk: a full grid of data groups × dropouts × L variants.

    Attributes:
        data_groups: D pairs (fold, seed).
        dropouts: M probabilities, ascending.
        indices: D·M·L positions in the program's list of variants, in the order [D][M][L].
    """

    data_groups: list[tuple[int, int]]
    dropouts: tuple[float, ...]
    indices: list[int]


def variants_per_chunk(layout: Layout, problem: Problem, recipe: Recipe) -> int:
    """How many variants fill `CHUNK_BYTES`; at least 1."""
    batch_size = Schedule(problem, recipe).batch_size
    per_variant = 4 * layout.num_stored + 2 * batch_size * sum(fan_out for _, fan_out in layout.shapes)
    return max(1, CHUNK_BYTES // (per_variant * problem.inputs.element_size()))


def pack(variants: tuple[Variant, ...], problem: Problem, recipe: Recipe, limit: int) -> Iterator[Packing]:
    """Pack variants into full grids of at most `limit` variants.

    Variants without dropout are kept apart from those with it, since they need no masks.
    """
    schedule = Schedule(problem, recipe)
    cells: defaultdict[tuple[int, int, float], list[int]] = defaultdict(list)
    for index, variant in enumerate(variants):
        cells[(variant.fold, variant.seed, variant.dropout)].append(index)
    rows: defaultdict[tuple[int, int, int, int, bool], dict[float, list[int]]] = defaultdict(dict)
    for (fold, seed, dropout), indices in cells.items():
        for part, start in enumerate(range(0, len(indices), limit)):
            piece = indices[start : start + limit]
            rows[(fold, seed, part, len(piece), dropout > 0)][dropout] = piece
    grids: defaultdict[tuple[int, int, tuple[float, ...]], list[tuple[tuple[int, int], list[int]]]] = defaultdict(list)
    for (fold, seed, _, size, _), by_dropout in rows.items():
        dropouts = sorted(by_dropout)
        width = max(1, limit // size)
        for start in range(0, len(dropouts), width):
            some = tuple(dropouts[start : start + width])
            indices = [index for dropout in some for index in by_dropout[dropout]]
            grids[(schedule.steps_per_epoch(fold), size, some)].append(((fold, seed), indices))
    for (_, size, some), groups in grids.items():
        height = max(1, limit // (size * len(some)))
        for start in range(0, len(groups), height):
            part_of = groups[start : start + height]
            yield Packing([group for group, _ in part_of], some, [i for _, indices in part_of for i in indices])
