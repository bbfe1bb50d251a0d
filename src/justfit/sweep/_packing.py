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
# What a step of a chunk costs however few variants it holds, in floating-point operations (300 µs at 45 GFLOP/s), and
# the share of a variant's step that masks take. Set by hand from timings of 64-64 and 32-32 networks.
CHUNK_FLOP = 1.3e7
MASK_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Packing:
    """One chunk: a full grid of data groups × dropouts × L variants.

    Attributes:
        data_groups: D pairs (fold, seed).
        dropouts: M probabilities, ascending.
        indices: D·M·L positions in the program's list of variants, in the order [D][M][L]. A variant may stand more
            than once in one cell of the grid, to fill it up; it comes out the same wherever it stands.
    """

    data_groups: list[tuple[int, int]]
    dropouts: tuple[float, ...]
    indices: list[int]


def variants_per_chunk(layout: Layout, problem: Problem, recipe: Recipe) -> int:
    """How many variants fill `CHUNK_BYTES`; at least 1."""
    batch_size = Schedule(problem, recipe).batch_size
    per_variant = 4 * layout.num_stored + 2 * batch_size * sum(fan_out for _, fan_out in layout.shapes)
    return max(1, CHUNK_BYTES // (per_variant * problem.inputs.element_size()))


def pack(
    variants: tuple[Variant, ...], problem: Problem, recipe: Recipe, limit: int, *, evens: bool = False
) -> Iterator[Packing]:
    """Pack variants into full grids of at most `limit` variants.

    Args:
        variants: What is packed.
        problem: Data and folds.
        recipe: Shapes and batch size.
        limit: Most variants of a chunk.
        evens: Make few chunks for one thread: where dropouts have different numbers of variants, as after losers were
            dropped, fill the gaps of a grid by training a variant twice if that costs less than a chunk of its own.
            Otherwise variants without dropout are kept apart from those with it, since they need no masks.
    """
    schedule = Schedule(problem, recipe)
    layout = Layout(problem.inputs.shape[1], recipe.hidden, problem.num_outputs)
    chunk_in_variants = evens * CHUNK_FLOP / (6.0 * schedule.batch_size * sum(a * b for a, b in layout.shapes))
    cells: defaultdict[tuple[int, int, float], list[int]] = defaultdict(list)
    for index, variant in enumerate(variants):
        cells[(variant.fold, variant.seed, variant.dropout)].append(index)
    rows: defaultdict[tuple[int, int, int], dict[float, list[int]]] = defaultdict(dict)
    for (fold, seed, dropout), indices in cells.items():
        for part, start in enumerate(range(0, len(indices), limit)):
            rows[(fold, seed, part)][dropout] = indices[start : start + limit]
    grids: defaultdict[tuple[int, int, tuple[float, ...]], list[tuple[tuple[int, int], list[int]]]] = defaultdict(list)
    for (fold, seed, _), by_dropout in rows.items():
        for even in _evened(by_dropout, len(rows), chunk_in_variants):
            size, dropouts = len(next(iter(even.values()))), sorted(even)
            width = max(1, limit // size)
            for start in range(0, len(dropouts), width):
                some = tuple(dropouts[start : start + width])
                indices = [index for dropout in some for index in even[dropout]]
                grids[(schedule.steps_per_epoch(fold), size, some)].append(((fold, seed), indices))
    for (_, size, some), groups in grids.items():
        height = max(1, limit // (size * len(some)))
        for start in range(0, len(groups), height):
            part_of = groups[start : start + height]
            yield Packing([group for group, _ in part_of], some, [i for _, indices in part_of for i in indices])


def _evened(
    by_dropout: dict[float, list[int]], num_groups: int, chunk_in_variants: float
) -> Iterator[dict[float, list[int]]]:
    """Split dropouts into sets, and fill up each set to equally many variants.

    Args:
        by_dropout: Variants of one data group, by dropout.
        num_groups: How many such groups there are; they are taken to look alike.
        chunk_in_variants: What a chunk costs however small it is, in variants.
    """
    by_size = sorted(by_dropout, key=lambda dropout: (-len(by_dropout[dropout]), dropout))
    unmasked = len(by_dropout.get(0.0, ())) * num_groups
    if unmasked * MASK_SHARE > chunk_in_variants:
        yield {0.0: by_dropout[0.0]}
        by_size.remove(0.0)
    while by_size:
        size = len(by_dropout[by_size[0]])
        fitting = [d for d in by_size if (size - len(by_dropout[d])) * num_groups <= chunk_in_variants]
        yield {d: [*by_dropout[d], *[by_dropout[d][0]] * (size - len(by_dropout[d]))] for d in fitting}
        by_size = [dropout for dropout in by_size if dropout not in fitting]
