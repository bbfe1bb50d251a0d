"""The thinned network is that of a mask the training has really used."""

import pytest
import torch

from justfit.sweep import Program, Recipe, Variant
from justfit.sweep._chunk import ChunkKernel
from justfit.sweep._feed import Schedule
from justfit.sweep._mask_drawn import MOST_LAYERS, MOST_UNITS, thinned_wiring
from justfit.sweep._streams import MaskStream
from tests.unit.sweep.samples import make_problem

VARIANTS = [
    Variant(l2=l2, dropout=dropout, fold=fold, seed=seed)
    for l2 in (0.0, 1.0)
    for dropout in (0.0, 0.2, 0.6)
    for seed in (4, 5)
    for fold in (0, 1)
]


def recipe(activation="tanh", hidden=(9, 7), **changes):
    return Recipe(hidden=hidden, activation=activation, epochs=3, batch_size=16, learning_rate=1e-2, **changes)


def record_passes(monkeypatch):
    """Keep, for every step that is really taken, what each hidden layer put out, with dropout in it."""
    passes = []
    step = ChunkKernel.step

    def recorded(kernel, batch, learning_rate):
        step(kernel, batch, learning_rate)
        passes.append((kernel, [space.out.clone() for space in kernel._spaces[:-1]]))

    monkeypatch.setattr(ChunkKernel, "step", recorded)
    return passes


@pytest.mark.parametrize("activation", ["tanh", "logistic", "relu"])
@pytest.mark.parametrize("limit", [None, 3])
@pytest.mark.parametrize("dropout", [0.2, 0.6])
def test_the_mask_is_the_one_of_the_step(monkeypatch, activation, limit, dropout):
    problem = make_problem()
    passes = record_passes(monkeypatch)
    program = Program(problem, recipe(activation), VARIANTS, max_chunk_variants=limit)
    program.advance(3)
    index = VARIANTS.index(Variant(l2=0.0, dropout=dropout, fold=0, seed=4))
    chunk, place = program._place[index]
    kernel = program._chunks[chunk].kernel
    steps = [layers for owner, layers in passes if owner is kernel]
    first = steps[2 * len(steps) // 3]  # of the last of three epochs
    _, thinned = thinned_wiring(program, dropout)
    for k, (mask, out) in enumerate(zip(program.masks(index, 2), first, strict=True)):
        passed = out[place] != 0
        if activation == "relu":  # a kept unit may be off, a dropped one is never on
            assert not (passed & ~mask).any()
            assert (passed & mask).sum() > mask.sum() / 5
        else:
            assert torch.equal(passed, mask)
        assert thinned.kept[k + 1] == tuple(mask[0].tolist())
    other = steps[2 * len(steps) // 3 + 1]
    assert activation == "relu" or not torch.equal(other[0][place] != 0, program.masks(index, 2)[0]), "another step"


@pytest.mark.parametrize(("fold", "seed"), [(0, 4), (1, 5)])
def test_the_mask_is_the_one_of_the_plain_training(fold, seed):
    """The slow twin of the tests draws its masks in this way, step by step."""
    problem = make_problem()
    program = Program(problem, recipe("relu"), VARIANTS)
    variant = Variant(l2=1.0, dropout=0.6, fold=fold, seed=seed)
    schedule = Schedule(problem, program.recipe)
    block = min(schedule.steps_per_block, schedule.steps_per_epoch(fold))
    drawn = MaskStream(1.0, 0.0, torch.float32).masks(seed, 0.6, (1, 0), (block, 16), (9, 7))
    for mine, plain in zip(program.masks(VARIANTS.index(variant), 1), drawn, strict=True):
        assert torch.equal(mine.float(), plain[0])
        assert 0.2 < mine.float().mean() < 0.6


def test_a_layer_without_dropout_keeps_all_its_units():
    program = Program(make_problem(), recipe(dropped=(False, True)), VARIANTS)
    first, second = program.masks(VARIANTS.index(Variant(l2=0.0, dropout=0.6, fold=0, seed=4)), 0)
    assert first is None
    assert not second.all()
    assert thinned_wiring(program, 0.6)[1].kept[1] == (True,) * 9


def test_without_dropout_there_is_no_thinned_network():
    program = Program(make_problem(), recipe(), VARIANTS)
    assert program.masks(0, 0) == [None, None]
    assert thinned_wiring(program, 0.0) is None
    assert thinned_wiring(Program(make_problem(), recipe(hidden=()), VARIANTS), 0.6) is None


def test_what_is_not_drawn_is_said():
    hidden = (30, 7, 3, 3, 3, 3, 3)
    program = Program(make_problem(num_classes=12), recipe(hidden=hidden), VARIANTS)
    standard, thinned = thinned_wiring(program, 0.6)
    assert standard.layers == ("inputs", "hidden 1", "hidden 2", "hidden 3", "hidden 4", "hidden 5", "outputs")
    assert [len(units) for units in standard.kept] == [7, MOST_UNITS, 7, 3, 3, 3, MOST_UNITS]
    assert [len(units) for units in thinned.kept] == [7, MOST_UNITS, 7, 3, 3, 3, MOST_UNITS]
    assert all(all(units) for units in standard.kept)
    assert all(thinned.kept[0])
    assert all(thinned.kept[-1])
    assert len(hidden) - MOST_LAYERS == 2
    missing = "Not drawn: 20 of hidden 1, 2 of outputs, 2 more hidden layers."
    assert standard.notes == missing
    left = [
        int(mask[0].sum()) for mask in program.masks(VARIANTS.index(Variant(l2=0.0, dropout=0.6, seed=4, fold=0)), 0)
    ]
    counted = ", ".join(f"{left[k]} of {hidden[k]} in hidden {k + 1}" for k in range(MOST_LAYERS))
    assert thinned.notes == f"Units that take part: {counted}. {missing}"
