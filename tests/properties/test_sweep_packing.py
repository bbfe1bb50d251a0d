"""For any mixture of variants: each is placed once, and how they are packed never changes a bit."""

from hypothesis import given, settings
from hypothesis import strategies as st

from justfit.sweep import Program, Recipe, Variant
from justfit.sweep._feed import Schedule
from justfit.sweep._packing import pack
from tests.unit.sweep.samples import make_problem, same_network

PROBLEM = make_problem(num_rows=40)
RECIPE = Recipe(hidden=(6, 5), epochs=2, batch_size=8, learning_rate=1e-2)
variants = st.builds(
    Variant,
    l2=st.sampled_from([0.0, 0.1, 3.0, 50.0]),
    dropout=st.sampled_from([0.0, 0.1, 0.5, 0.9]),
    fold=st.sampled_from([-1, 0, 1, 2]),
    seed=st.sampled_from([0, 1, 7]),
    init=st.sampled_from(["he", "xavier", "orthogonal", "zero"]),
)
limits = st.integers(1, 40)


@settings(max_examples=200)
@given(mixture=st.lists(variants, min_size=1, max_size=60), limit=limits, evens=st.booleans())
def test_every_variant_has_one_place_in_a_full_grid(mixture, limit, evens):
    packings = list(pack(tuple(mixture), PROBLEM, RECIPE, limit, evens=evens))
    assert evens or all(len(set(packing.indices)) == len(packing.indices) for packing in packings)
    placed = [index for packing in packings for index in set(packing.indices)]
    assert sorted(placed) == list(range(len(mixture)))
    schedule = Schedule(PROBLEM, RECIPE)
    for packing in packings:
        num_cells = len(packing.data_groups) * len(packing.dropouts)
        assert len(packing.indices) <= limit
        assert len(packing.indices) % num_cells == 0
        assert packing.dropouts == tuple(sorted(set(packing.dropouts)))
        assert evens or len({dropout > 0 for dropout in packing.dropouts}) == 1
        assert len({schedule.steps_per_epoch(fold) for fold, _ in packing.data_groups}) == 1
        size = len(packing.indices) // num_cells
        cells = [(group, dropout) for group in packing.data_groups for dropout in packing.dropouts for _ in range(size)]
        for index, ((fold, seed), dropout) in zip(packing.indices, cells, strict=True):
            variant = mixture[index]
            assert (variant.fold, variant.seed, variant.dropout) == (fold, seed, dropout)


@settings(max_examples=12)
@given(mixture=st.lists(variants, min_size=2, max_size=14), limit=limits, evens=st.booleans(), data=st.data())
def test_packing_never_changes_a_bit(mixture, limit, evens, data):
    whole = Program(PROBLEM, RECIPE, mixture)
    whole.advance(2)
    order = data.draw(st.permutations(range(len(mixture))))
    shuffled = Program(PROBLEM, RECIPE, [mixture[index] for index in order], max_chunk_variants=limit, evens=evens)
    shuffled.advance(1)
    shuffled.advance(1)
    losses, others = whole.losses(PROBLEM.training_rows), shuffled.losses(PROBLEM.training_rows)
    for place, index in enumerate(order):
        assert same_network(whole.module(index), shuffled.module(place))
        assert losses[index].equal(others[place])
