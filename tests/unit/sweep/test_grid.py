"""The grid holds exact zeros, and the largest λ is found from the data."""

import math

import numpy as np
import pytest
import torch

from justfit.sweep import NEVER_HELD_OUT, Grid, Problem, Program, Recipe, Variant, _grid, constant_losses
from justfit.sweep._grid import CANDIDATES, DROPOUTS, PROBE_LEARNING_RATE, find_largest_l2, l2_values
from tests.unit.sweep.samples import make_problem

RECIPE = Recipe(hidden=(16,), batch_size=32)


def repeated(problem, times):
    weights = None if problem.weights is None else problem.weights.repeat(times)
    return Problem(
        problem.inputs.repeat(times, 1),
        problem.targets.repeat(times),
        problem.fold_of_rows.repeat(times),
        problem.task,
        problem.num_outputs,
        weights,
    )


def reweighted(problem, weights):
    return Problem(
        problem.inputs,
        problem.targets,
        problem.fold_of_rows,
        problem.task,
        problem.num_outputs,
        weights / weights.mean(),
    )


def test_l2_values_are_zero_and_half_decades_up_to_the_largest():
    values = l2_values(30.0, 6)
    assert values[0] == 0.0
    assert values[-1] == 30.0
    assert np.diff(np.log10(values[1:])) == pytest.approx([0.5] * 4)
    assert l2_values(30.0, 2) == (0.0, 30.0)
    assert l2_values(30.0, 1) == (0.0,)


def test_the_grid_starts_from_no_dropout():
    assert DROPOUTS[0] == 0.0
    assert sorted(DROPOUTS) == list(DROPOUTS)


def test_grid_order_is_l2_dropout_seed_fold():
    grid = Grid((0.0, 1.0), (0.0, 0.5), num_folds=3, num_seeds=2, init="glorot")
    variants = grid.variants(first_seed=10)
    shape = (2, 2, 2, 3)
    assert len(variants) == math.prod(shape)
    for variant, (i, j, seed, fold) in zip(variants, np.ndindex(*shape), strict=True):
        expected = Variant(l2=grid.l2[i], dropout=grid.dropout[j], seed=10 + seed, fold=fold, init="glorot")
        assert variant == expected


def test_constant_losses_by_hand():
    problem = Problem(torch.zeros(4, 1), torch.tensor([0, 0, 0, 1]), torch.zeros(4).long(), "classification", 2)
    common, rare = math.log(4 / 3), math.log(4)
    assert constant_losses(problem).tolist() == pytest.approx([common, common, common, rare])
    weights = torch.tensor([1.0, 1.0, 0.0, 2.0])
    assert constant_losses(reweighted(problem, weights)).tolist() == pytest.approx([math.log(2)] * 4)
    numbers = Problem(torch.zeros(4, 1), torch.tensor([1.0, 2.0, 3.0, 6.0]), torch.zeros(4).long(), "regression", 1)
    assert constant_losses(numbers).tolist() == pytest.approx([4.0, 1.0, 0.0, 9.0])
    assert constant_losses(reweighted(numbers, weights)).tolist() == pytest.approx([7.5625, 3.0625, 0.5625, 5.0625])
    assert constant_losses(numbers).dtype == torch.float64


def test_no_other_constant_is_better():
    problem = make_problem(weighted=True)
    best = (constant_losses(problem) * problem.weights).mean().item()
    generator = torch.Generator().manual_seed(0)
    for _ in range(50):
        chances = torch.rand(3, generator=generator, dtype=torch.float64)
        losses = -(chances / chances.sum()).log()[problem.targets]
        assert (losses * problem.weights).mean().item() >= best


def test_a_class_without_weight_costs_nothing_and_is_not_nan():
    targets = torch.tensor([0, 0, 1])
    problem = Problem(
        torch.zeros(3, 1), targets, torch.zeros(3).long(), "classification", 2, torch.tensor([1.5, 1.5, 0.0])
    )
    assert (constant_losses(problem) * problem.weights).tolist() == pytest.approx([0.0, 0.0, 0.0], abs=1e-9)


def learned_shares(problem, l2_list):
    """Share of the constant predictor's loss that training takes off, by an independent training."""
    never = torch.full((len(problem.targets),), NEVER_HELD_OUT)
    free = Problem(problem.inputs, problem.targets, never, problem.task, problem.num_outputs)
    recipe = Recipe(hidden=(16,), epochs=80, batch_size=32, learning_rate=PROBE_LEARNING_RATE)
    program = Program(free, recipe, [Variant(l2=l2, dropout=0.0, seed=9) for l2 in l2_list])
    program.advance(80)
    losses = torch.stack(program.losses(lambda _: torch.arange(len(problem.targets)))).double().mean(1)
    constant = constant_losses(problem).mean()
    return ((constant - losses) / constant).tolist()


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_beyond_the_largest_l2_nothing_is_learned_and_far_below_it_much_is(task):
    problem = make_problem(task, num_rows=120)
    largest = find_largest_l2(problem, RECIPE, seed=0)
    assert CANDIDATES[0] < largest < CANDIDATES[-1]
    above, far_below, none = learned_shares(problem, [10 * largest, largest / 100, 0.0])
    assert above < 0.05
    assert far_below > 0.5 * none > 0.25


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_twice_the_rows_twice_the_l2(task):
    """λ enters as λ/n, so each doubling of the table moves the largest λ by 0.3 decades, found to half a decade."""
    problem = make_problem(task, num_rows=120)
    once, tenfold = (find_largest_l2(repeated(problem, times), RECIPE, seed=0) for times in (1, 10))
    assert math.log10(tenfold / once) == pytest.approx(1.0, abs=0.51)


def test_the_probe_on_a_part_of_the_rows_counts_all_rows():
    problem = make_problem(num_rows=120)
    once, many = (find_largest_l2(repeated(problem, times), RECIPE, seed=0) for times in (1, 100))
    assert math.log10(many / once) == pytest.approx(2.0, abs=0.51)


def test_rows_without_weight_do_not_count():
    """Half of the rows have another target, and no weight."""
    problem = make_problem(num_rows=120)
    rotated = (problem.targets + 1) % 3
    mixed = Problem(
        problem.inputs.repeat(2, 1),
        torch.cat([problem.targets, rotated]),
        problem.fold_of_rows.repeat(2),
        "classification",
        3,
        torch.cat([torch.full((120,), 2.0), torch.zeros(120)]),
    )
    alone, weighted = find_largest_l2(problem, RECIPE, seed=0), find_largest_l2(mixed, RECIPE, seed=0)
    assert math.log10(weighted / alone) == pytest.approx(0.301, abs=0.51)


def test_the_probe_is_deterministic_and_leaves_global_state_alone():
    problem = make_problem(num_rows=60)
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first = find_largest_l2(problem, RECIPE, seed=0)
    assert torch.equal(state, torch.get_rng_state())
    torch.manual_seed(2)
    assert find_largest_l2(problem, RECIPE, seed=0) == first


@pytest.mark.parametrize("init", ["he", "orthogonal"])
def test_the_probe_starts_as_the_sweep_does(monkeypatch, init):
    seen = []

    class Watched(_grid.Program):
        def __init__(self, problem, recipe, variants, **settings):
            seen.extend(variants)
            super().__init__(problem, recipe, variants, **settings)

    monkeypatch.setattr(_grid, "Program", Watched)
    find_largest_l2(make_problem(num_rows=60), RECIPE, seed=0, init=init)
    assert {variant.init for variant in seen} == {init}
    assert len(seen) == len(CANDIDATES)


@pytest.mark.parametrize("num_rows", [4, 5, 20])
def test_the_probe_runs_on_a_handful_of_rows(num_rows):
    problem = make_problem(num_rows=num_rows, num_classes=2, num_folds=2)
    assert find_largest_l2(problem, RECIPE, seed=0) in CANDIDATES


def test_a_constant_target_needs_the_smallest_l2_only():
    problem = Problem(torch.randn(40, 3), torch.zeros(40), torch.arange(40) % 2, "regression", 1)
    assert find_largest_l2(problem, RECIPE, seed=0) in CANDIDATES


def test_networks_that_all_diverge_do_not_stop_the_probe():
    problem = make_problem("regression")
    broken = Problem(problem.inputs * 1e30, problem.targets, problem.fold_of_rows, "regression", 1)
    assert find_largest_l2(broken, RECIPE, seed=0) == CANDIDATES[0]
