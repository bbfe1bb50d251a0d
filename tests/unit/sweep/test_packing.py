"""Packing: every variant once, full grids, within the limit."""

import itertools

import torch

from justfit.sweep import Layout, Recipe, Variant
from justfit.sweep._packing import CHUNK_BYTES, pack, variants_per_chunk
from tests.unit.sweep.samples import make_problem

RECIPE = Recipe(hidden=(8,), batch_size=16)
GRID = [
    Variant(l2=l2, dropout=dropout, fold=fold, seed=seed)
    for l2, dropout, seed, fold in itertools.product((0.0, 0.1, 1.0, 10.0), (0.0, 0.2, 0.4), (0, 1), (0, 1, 2))
]


def test_a_full_grid_is_two_chunks_without_and_with_dropout():
    packings = list(pack(tuple(GRID), make_problem(), RECIPE, 1_000))
    assert [packing.dropouts for packing in packings] == [(0.0,), (0.2, 0.4)]
    assert [len(packing.indices) for packing in packings] == [24, 48]
    assert all(len(packing.data_groups) == 6 for packing in packings)


def test_a_full_grid_of_small_networks_may_be_one_chunk():
    packings = list(pack(tuple(GRID), make_problem(), RECIPE, 1_000, evens=True))
    assert [packing.dropouts for packing in packings] == [(0.0, 0.2, 0.4)]
    assert [len(packing.indices) for packing in packings] == [72]


def test_many_networks_without_dropout_are_kept_apart():
    wide = Recipe(hidden=(512, 512), batch_size=16)
    packings = list(pack(tuple(GRID), make_problem(), wide, 1_000, evens=True))
    assert [packing.dropouts for packing in packings] == [(0.0,), (0.2, 0.4)]
    assert [len(packing.indices) for packing in packings] == [24, 48]


def uneven():
    """Three variants without dropout, two at 0.2, four at 0.4 on each fold; at 0.6 one, on one fold."""
    kept = {0.0: (0.1, 1.0, 10.0), 0.2: (0.1, 1.0), 0.4: (0.0, 0.1, 1.0, 10.0)}
    some = [Variant(l2=l2, dropout=p, fold=fold) for fold in range(3) for p, values in kept.items() for l2 in values]
    return (*some, Variant(l2=0.0, dropout=0.6, fold=1))


def test_gaps_of_small_networks_are_filled():
    packings = list(pack(uneven(), make_problem(), RECIPE, 1_000, evens=True))
    assert [(packing.dropouts, len(packing.data_groups)) for packing in packings] == [
        ((0.0, 0.2, 0.4), 2),
        ((0.0, 0.2, 0.4, 0.6), 1),
    ]
    assert [len(packing.indices) for packing in packings] == [2 * 3 * 4, 4 * 4]
    without = list(pack(uneven(), make_problem(), RECIPE, 1_000))
    assert sum(len(packing.indices) for packing in without) == len(uneven())


def test_gaps_of_large_networks_are_not():
    packings = list(pack(uneven(), make_problem(), Recipe(hidden=(512, 512), batch_size=16), 1_000, evens=True))
    assert all(len(set(packing.indices)) == len(packing.indices) for packing in packings)


def test_chunks_fill_their_limit():
    sizes = [len(packing.indices) for packing in pack(tuple(GRID), make_problem(), RECIPE, 24)]
    assert sizes == [24, 24, 24]


def test_variants_that_take_more_steps_are_packed_apart():
    problem = make_problem()
    variants = (Variant(l2=0.0, dropout=0.0, fold=-1), Variant(l2=0.0, dropout=0.0, fold=0))
    assert len(list(pack(variants, problem, RECIPE, 100))) == 2
    one_step_each = Recipe(hidden=(8,), batch_size=60)
    assert len(list(pack(variants, problem, one_step_each, 100))) == 1


def test_the_limit_follows_memory():
    problem = make_problem()
    small, large = (variants_per_chunk(Layout(7, hidden, 3), problem, RECIPE) for hidden in ((8,), (512, 512)))
    assert small > 100 > large >= 1
    assert variants_per_chunk(Layout(7, (5_000, 5_000), 3), problem, RECIPE) == 1
    layout, double = Layout(7, (64,), 3), make_problem(dtype=torch.float64)
    assert abs(variants_per_chunk(layout, problem, RECIPE) - 2 * variants_per_chunk(layout, double, RECIPE)) <= 1
    held = variants_per_chunk(layout, problem, RECIPE)
    assert 0.5 * CHUNK_BYTES < held * 4 * (4 * layout.num_stored + 2 * 16 * (64 + 16)) <= CHUNK_BYTES
