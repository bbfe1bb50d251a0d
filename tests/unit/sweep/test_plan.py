"""Plans follow from sizes and wishes alone."""

import time

import pytest

from justfit.sweep import Plan, Wishes, make_plan
from justfit.sweep._layout import Layout
from justfit.sweep._plan import (
    DEFAULT_BUDGET_SECONDS,
    LADDER,
    MAX_EPOCHS,
    MIN_EPOCHS,
    NOMINAL_THREADS,
    SWEEP_SHARE,
    model_step_seconds,
)

SIZES = [4, 5, 20, 150, 1_999, 2_000, 20_000, 200_000, 1_000_000]
BUDGETS = [1.0, 10.0, 60.0, 120.0, 300.0, 3_600.0, 1e6]


def networks(plan):
    return plan.num_l2 * len(plan.dropouts) * plan.num_folds * plan.num_seeds


def plan_for(num_rows, num_features=20, num_outputs=3, **wishes):
    return make_plan(num_rows, num_features, num_outputs, Wishes(**wishes))


@pytest.mark.parametrize("num_rows", SIZES)
@pytest.mark.parametrize("budget", BUDGETS)
def test_every_plan_can_be_trained(num_rows, budget):
    plan = plan_for(num_rows, budget_seconds=budget)
    assert 2 <= plan.num_folds <= num_rows // 2
    assert 1 <= plan.num_sweep_rows <= num_rows
    assert plan.num_sweep_rows >= min(num_rows, 2_000)
    for recipe in (plan.sweep_recipe, plan.refit_recipe):
        assert MIN_EPOCHS <= recipe.epochs <= MAX_EPOCHS
        assert 1 <= recipe.batch_size <= num_rows
    assert plan.refit_recipe.epochs <= plan.sweep_recipe.epochs
    assert plan.dropouts[0] == 0.0
    assert sorted(set(plan.dropouts)) == list(plan.dropouts)
    assert plan.num_l2 >= 5
    assert plan.num_refits in (1, 3)


@pytest.mark.parametrize("num_rows", SIZES)
@pytest.mark.parametrize("num_features", [3, 100, 3_000])
def test_a_larger_budget_never_trains_fewer_networks(num_rows, num_features):
    trained = [networks(plan_for(num_rows, num_features, budget_seconds=budget)) for budget in BUDGETS]
    assert trained == sorted(trained)
    assert trained[-1] == networks(plan_for(num_rows, num_features, budget_seconds=1e9))


def test_a_budget_matters():
    assert networks(plan_for(20_000, budget_seconds=5.0)) < networks(plan_for(20_000, budget_seconds=3_600.0))


@pytest.mark.parametrize("num_rows", SIZES)
def test_the_nominal_time_fits_into_the_budget_unless_nothing_smaller_is_left(num_rows):
    for budget in BUDGETS:
        plan = plan_for(num_rows, budget_seconds=budget)
        last = LADDER[-1]
        smallest = (plan.num_l2, len(plan.dropouts)) == (last.num_l2, last.num_dropouts)
        assert plan.nominal_seconds <= SWEEP_SHARE * budget or smallest


def test_a_million_rows_of_a_hundred_columns_fit_into_five_minutes():
    plan = plan_for(1_000_000, 100, 10, budget_seconds=300.0)
    assert 0 < plan.nominal_seconds <= SWEEP_SHARE * 300
    assert plan.num_sweep_rows < 200_000
    assert plan.num_sweep_rows * 100 * 4 < 200e6
    assert plan.num_refits == 1


def test_the_number_of_threads_never_changes_what_is_trained():
    one, many = (plan_for(20_000, 100, budget_seconds=30.0, num_threads=threads) for threads in (1, 16))
    assert one == many


def test_the_nominal_time_is_of_two_threads():
    plan = plan_for(20_000, 100, budget_seconds=30.0, num_threads=16)
    steps = plan.sweep_recipe.epochs * (plan.num_sweep_rows // plan.sweep_recipe.batch_size)
    step = model_step_seconds(Layout(100, plan.sweep_recipe.hidden, 3), plan.sweep_recipe.batch_size)
    assert NOMINAL_THREADS == 2
    assert plan.nominal_seconds == pytest.approx(networks(plan) * steps * step / 2)


@pytest.mark.parametrize("num_rows", SIZES)
def test_a_plan_knows_all_training_rows(num_rows):
    plan = plan_for(num_rows, budget_seconds=10.0)
    assert plan.num_rows == num_rows >= plan.num_sweep_rows


def test_a_plan_never_looks_at_the_clock(monkeypatch):
    before = plan_for(1_437, 64, 10)

    def no_clock():
        raise AssertionError("the plan looked at the clock")

    for name in ("time", "monotonic", "perf_counter", "process_time"):
        monkeypatch.setattr(time, name, no_clock)
    assert plan_for(1_437, 64, 10) == before


def test_no_budget_is_two_minutes():
    assert plan_for(1_437, 64, 10) == plan_for(1_437, 64, 10, budget_seconds=DEFAULT_BUDGET_SECONDS)


def test_wishes_are_kept():
    plan = plan_for(
        500,
        hidden=(7, 3),
        activation="tanh",
        epochs=9,
        batch_size=11,
        learning_rate=0.5,
        num_folds=4,
        num_seeds=3,
        init="orthogonal",
        budget_seconds=1.0,
    )
    for recipe in (plan.sweep_recipe, plan.refit_recipe):
        assert (recipe.hidden, recipe.activation, recipe.epochs) == ((7, 3), "tanh", 9)
        assert (recipe.batch_size, recipe.learning_rate) == (11, 0.5)
    assert (plan.num_folds, plan.num_seeds, plan.init) == (4, 3, "orthogonal")


def test_a_fixed_value_is_not_searched():
    free, l2, dropout = plan_for(500), plan_for(500, l2=0.0), plan_for(500, dropout=0.35)
    assert (l2.num_l2, l2.dropouts) == (1, free.dropouts)
    assert (dropout.num_l2, dropout.dropouts) == (free.num_l2, (0.35,))
    assert plan_for(500, l2=2.0).num_l2 == 1
    assert plan_for(500, dropout=0.0).dropouts == (0.0,)


def test_a_batch_larger_than_the_table_is_lowered():
    assert plan_for(30, batch_size=64).sweep_recipe.batch_size == 30


def test_four_rows():
    plan = plan_for(4, 2, 2)
    assert isinstance(plan, Plan)
    assert (plan.num_folds, plan.num_sweep_rows, plan.sweep_recipe.batch_size) == (2, 4, 4)
