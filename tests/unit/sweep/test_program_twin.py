"""More corners in which the fast program equals ordinary trainings, and what the comparison would notice."""

import itertools

import pytest
import torch

from justfit.cures import BLIND_SCHEMES, initialize_
from justfit.sweep import NEVER_HELD_OUT, Problem, Program, Recipe, Variant, _feed, build_module
from tests.references.plain_training import train_one
from tests.unit.sweep.samples import make_problem, relative_error, same_network


def worst(problem, recipe, variants, num_epochs=3, twins=None):
    program = Program(problem, recipe, variants)
    program.advance(num_epochs)
    return max(
        relative_error(program.module(index), train_one(problem, recipe, twin, num_epochs))
        for index, twin in enumerate(twins or variants)
    )


def mixture(**fixed):
    """Six variants with l2 and dropout on; folds and all rows together."""
    settings = [(0.0, 0.1, 0), (0.7, 0.5, 1), (30.0, 0.3, -1), (0.7, 0.9, 0), (2.0, 0.0, -1), (0.1, 0.3, 2)]
    return [Variant(l2=l2, dropout=dropout, fold=fold, **fixed) for l2, dropout, fold in settings]


@pytest.mark.parametrize("num_classes", [2, 16, 17])
@pytest.mark.parametrize(("dtype", "limit"), [(torch.float64, 1e-10), (torch.float32, 1e-5)])
def test_any_number_of_classes(num_classes, dtype, limit):
    problem = make_problem(dtype=dtype, num_classes=num_classes)
    assert worst(problem, Recipe(hidden=(9, 6), epochs=4, batch_size=16, learning_rate=1e-3), mixture()) <= limit


@pytest.mark.parametrize(("dtype", "limit"), [(torch.float64, 1e-10), (torch.float32, 1e-5)])
def test_regression_on_folds_and_all_rows(dtype, limit):
    problem = make_problem("regression", dtype, weighted=True)
    assert worst(problem, Recipe(hidden=(16, 12), epochs=3, batch_size=16, learning_rate=1e-3), mixture()) <= limit


def test_mixed_initializations_and_many_dropouts_in_one_chunk():
    problem = make_problem(dtype=torch.float64)
    recipe = Recipe(hidden=(8, 8), epochs=3, batch_size=16)
    rates = [0.05 * step for step in range(1, 13)]
    variants = [
        Variant(l2=0.5, dropout=dropout, fold=fold, init=init)
        for (dropout, init), fold in zip(itertools.product(rates, BLIND_SCHEMES), itertools.cycle((0, 1)), strict=False)
    ]
    program = Program(problem, recipe, variants)
    assert program.num_chunks < len(variants) / 5
    program.advance(2)
    for index in range(0, len(variants), 5):
        assert relative_error(program.module(index), train_one(problem, recipe, variants[index], 2)) <= 1e-10


@pytest.mark.parametrize("init", BLIND_SCHEMES)
def test_training_starts_from_the_scheme(init):
    problem = make_problem()
    program = Program(problem, Recipe(hidden=(8, 5)), [Variant(l2=0.0, dropout=0.0, seed=3, init=init)])
    plain = build_module(program.layout, "relu", 0.0, torch.float32)
    initialize_(plain, scheme=init, seed=3)
    assert same_network(program.module(0), plain)


@pytest.mark.parametrize("num_rows", [4, 7, 31])
def test_a_batch_larger_than_the_data(num_rows):
    problem = make_problem(dtype=torch.float64, num_rows=num_rows, num_classes=2, num_folds=2)
    variants = [Variant(l2=0.3, dropout=dropout, fold=fold) for dropout in (0.0, 0.4) for fold in (0, 1, -1)]
    assert worst(problem, Recipe(hidden=(5,), epochs=3, batch_size=64), variants) <= 1e-10


def test_several_blocks_per_epoch(monkeypatch):
    monkeypatch.setattr(_feed, "BLOCK_NUMBERS", 800)
    problem, recipe = make_problem(dtype=torch.float64), Recipe(hidden=(9, 6), epochs=3, batch_size=16)
    assert _feed.Schedule(problem, recipe).steps_per_block == 2
    assert worst(problem, recipe, mixture()) <= 1e-10


def test_a_whole_training_equals_its_twin():
    """To the end of the cosine, not only its first epochs."""
    problem = make_problem(dtype=torch.float64, num_rows=60)
    variants = [Variant(l2=0.5, dropout=0.2, fold=0), Variant(l2=0.0, dropout=0.0)]
    assert worst(problem, Recipe(hidden=(8,), epochs=25, batch_size=16), variants, 25) <= 1e-8


@pytest.mark.parametrize(
    "change",
    [
        {"dropout": 0.31},
        {"seed": 1},
        {"fold": 1},
        {"init": "xavier"},
        {"l2": 1.4},
    ],
)
def test_the_comparison_notices_any_other_variant(change):
    """Negative control for every quantity that a variant carries."""
    settings = {"l2": 0.7, "dropout": 0.3, "fold": 0, "seed": 0, "init": "he"}
    problem, recipe = make_problem(dtype=torch.float64), Recipe(hidden=(9,), epochs=3, batch_size=16)
    assert worst(problem, recipe, [Variant(**settings)]) <= 1e-10
    assert worst(problem, recipe, [Variant(**settings)], twins=[Variant(**{**settings, **change})]) > 1e-5


def test_c5_trained_to_the_end_a_linear_model_is_ridge_regression():
    """C5, C6 in closed form: the minimiser of mean squared error + l2/(2n)*sum(w^2); a factor of two would show."""
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(60, 4, generator=generator, dtype=torch.float64)
    targets = inputs @ torch.tensor([1.0, -2.0, 0.5, 0.0], dtype=torch.float64) + 3
    problem = Problem(inputs, targets, torch.full((60,), NEVER_HELD_OUT), "regression", 1)
    recipe = Recipe(hidden=(), epochs=1_500, batch_size=60, learning_rate=0.02)
    program = Program(problem, recipe, [Variant(l2=l2, dropout=0.0) for l2 in (0.0, 10.0, 60.0)])
    program.advance(1_500)
    centred_inputs, centred_targets = inputs - inputs.mean(0), targets - targets.mean()

    def ridge(l2):
        moments = 2 * centred_inputs.T @ centred_inputs + l2 * torch.eye(4, dtype=torch.float64)
        return torch.linalg.solve(moments, 2 * centred_inputs.T @ centred_targets)

    for index, l2 in enumerate((0.0, 10.0, 60.0)):
        layer = program.module(index)[0]
        torch.testing.assert_close(layer.weight[0], ridge(l2), rtol=1e-6, atol=1e-6)
        residual = (targets - inputs @ layer.weight[0] - layer.bias).mean().item()
        assert abs(residual) < 1e-6, "the bias is not penalised"
        if l2:
            assert (layer.weight[0] - ridge(2 * l2)).abs().max() > 0.05
