"""The batched tier: the plain loop's networks, whatever shares a unit and wherever it is cut."""

import itertools

import pytest
import torch
from torch import nn

from justfit.errors import ArgumentError
from justfit.sweep import NO_FOLD
from justfit.sweep._batched import run_batched
from justfit.sweep._loop import run_loop
from justfit.sweep._training import Examples, Setting, SweepVariant, Training, Unit
from justfit.sweep._unit import run_unit
from tests.unit.sweep.samples import make_problem


def examples(task="classification", dtype=torch.float64, num_rows=103):
    problem = make_problem(task, dtype, num_rows)
    targets = problem.targets if task == "classification" else problem.targets[:, None]
    return Examples(problem.inputs, targets, problem.fold_of_rows)


def two_layers(activation=nn.ReLU, outputs=3, dtype=torch.float64):
    """Dropout as built after the first hidden layer only."""
    return lambda: nn.Sequential(
        nn.Linear(7, 16), activation(), nn.Dropout(0.3), nn.Linear(16, 12), activation(), nn.Linear(12, outputs)
    ).to(dtype)


def variants(seed=4, **fixed):
    grid = itertools.product((0.0, 2.0, 30.0), (None, 0.0, 0.5), (0, 1, NO_FOLD))
    return tuple(
        SweepVariant(setting=Setting(**{"l2": l2, "dropout": dropout, **fixed}), fold=fold, seed=seed)
        for l2, dropout, fold in grid
    )


def training(build=None, *, given=None, loss_fn=None, **others):
    return Training(
        build=build or two_layers(),
        examples=given or examples(),
        loss_fn=loss_fn or nn.CrossEntropyLoss(),
        **{"epochs": 5, "batch_size": 16, "learning_rate": 3e-3, **others},
    )


def unit(some, until=4, measure=(2, 4), state=None):
    return Unit(variants=some, tier="batched", until=until, measure=measure, state=state)


def worst(one, other):
    """Largest relative distance of any tensor of two states."""
    assert set(one.tensors) == set(other.tensors)
    return max(
        ((one.tensors[name] - other.tensors[name]).norm() / (other.tensors[name].norm() + 1e-12)).item()
        for name in one.tensors
    )


def same(one, other):
    return one.epoch == other.epoch and all(torch.equal(one.tensors[name], other.tensors[name]) for name in one.tensors)


def assert_same_reports(one, other, tolerance):
    assert one.epochs == other.epochs
    for mine, twin in zip(one.validation_losses, other.validation_losses, strict=True):
        assert (mine.shape, mine.dtype) == (twin.shape, twin.dtype)
        torch.testing.assert_close(mine, twin, rtol=tolerance, atol=tolerance)
    torch.testing.assert_close(one.train_loss, other.train_loss, rtol=tolerance, atol=tolerance)
    torch.testing.assert_close(one.train_loss_se, other.train_loss_se, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
@pytest.mark.parametrize("init", [None, "he", "auto"])
def test_equals_the_plain_loop_with_dropout_as_built_and_as_asked(schedule, init):
    some = training(schedule=schedule)
    (state, report), (twin, expected) = (run(some, unit(variants(init=init))) for run in (run_batched, run_loop))
    assert worst(state, twin) <= 1e-10
    assert_same_reports(report, expected, 1e-6)  # losses are float32


@pytest.mark.parametrize("activation", [nn.ReLU, nn.Tanh, nn.Sigmoid, nn.Identity])
def test_equals_the_plain_loop_regression(activation):
    some = training(two_layers(activation, 1), given=examples("regression"), loss_fn=nn.MSELoss())
    (state, report), (twin, expected) = (run(some, unit(variants())) for run in (run_batched, run_loop))
    assert worst(state, twin) <= 1e-10
    assert_same_reports(report, expected, 1e-6)


def test_equals_the_plain_loop_float32():
    some = training(two_layers(nn.Tanh, dtype=torch.float32), given=examples(dtype=torch.float32))
    (state, report), (twin, expected) = (run(some, unit(variants())) for run in (run_batched, run_loop))
    assert worst(state, twin) <= 1e-5
    assert_same_reports(report, expected, 1e-5)


@pytest.mark.parametrize("change", [{"l2": 2.1}, {"dropout": 0.45}, {"learning_rate": 3.1e-3}, {"init": "lecun"}])
def test_the_comparison_notices_another_setting(change):
    some, setting = training(), {"l2": 2.0, "dropout": 0.5, "learning_rate": 3e-3, "init": "he"}
    one, other = ((SweepVariant(setting=Setting(**values), fold=0),) for values in (setting, {**setting, **change}))
    assert worst(run_batched(some, unit(one))[0], run_loop(some, unit(one))[0]) <= 1e-10
    assert worst(run_batched(some, unit(one))[0], run_loop(some, unit(other))[0]) > 1e-5


def test_learning_rates_and_seeds_may_be_mixed_in_any_order():
    some = training()
    mixed = [
        SweepVariant(setting=Setting(l2=l2, dropout=dropout, learning_rate=rate), fold=fold, seed=seed)
        for l2, dropout, rate, fold, seed in itertools.product((0.0, 3.0), (0.0, 0.4), (None, 1e-2), (0, 2), (0, 1))
    ]
    mixed = tuple(mixed[(7 * place) % len(mixed)] for place in range(len(mixed)))
    (state, report), (twin, expected) = (run(some, unit(mixed)) for run in (run_batched, run_loop))
    assert worst(state, twin) <= 1e-10
    assert_same_reports(report, expected, 1e-6)


def uneven(some):
    """Places left when cells and single networks are gone: no full grid any more."""
    return [place for place in range(len(some)) if (5 * place) % 7 not in (0, 3)]


def test_survivors_of_compaction_are_bit_identical():
    wide = lambda: nn.Sequential(nn.Linear(7, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 3))  # noqa: E731
    some, all_of_them = training(wide, given=examples(dtype=torch.float32)), variants()
    whole, report = run_batched(some, unit(all_of_them, 5, (2, 4, 5)))
    state, first = run_batched(some, unit(all_of_them, 2, (2,)))
    left = uneven(all_of_them)
    state, second = run_batched(some, unit(tuple(all_of_them[place] for place in left), 4, (4,), state.select(left)))
    still = [place for place, index in enumerate(left) if index % 2]
    last = tuple(all_of_them[left[place]] for place in still)
    state, third = run_batched(some, unit(last, 5, (5,), state.select(still)))
    places = [left[place] for place in still]
    assert same(state, whole.select(places))
    for mine, place in zip(third.validation_losses, places, strict=True):
        assert torch.equal(mine[0], report.validation_losses[place][2])
    assert torch.equal(second.train_loss[:, 0], report.train_loss[left, 1])
    assert torch.equal(first.train_loss_se[:, 0], report.train_loss_se[:, 0])


def test_one_network_alone_is_bit_identical_to_itself_in_company():
    some, all_of_them = training(given=examples(dtype=torch.float32), build=two_layers(dtype=torch.float32)), variants()
    whole, _ = run_batched(some, unit(all_of_them))
    for place in (0, 7, 13, 26):
        assert same(run_batched(some, unit((all_of_them[place],)))[0], whole.select([place]))


def test_units_may_be_joined():
    some, all_of_them = training(), variants()
    halves = [run_batched(some, unit(part, 2, ()))[0] for part in (all_of_them[:10], all_of_them[10:])]
    joined, _ = run_batched(some, unit(all_of_them, 4, (), type(halves[0]).join(halves)))
    assert same(joined, run_batched(some, unit(all_of_them, 4, ()))[0])


def test_a_network_may_go_on_in_another_tier():
    some, all_of_them = training(), variants()
    half, _ = run_batched(some, unit(all_of_them, 2, ()))
    whole, _ = run_batched(some, unit(all_of_them, 4, ()))
    assert worst(run_loop(some, unit(all_of_them, 4, (), half))[0], whole) <= 1e-10
    half, _ = run_loop(some, unit(all_of_them, 2, ()))
    assert worst(run_batched(some, unit(all_of_them, 4, (), half))[0], whole) <= 1e-10


def test_a_network_that_diverges_reports_nan_and_touches_no_other():
    some, few = training(given=examples(dtype=torch.float32), build=two_layers(dtype=torch.float32)), variants()[:4]
    begun, _ = run_batched(some, unit(few, 2, ()))
    for name in begun.tensors:
        begun.tensors[name][3] = torch.inf if name.startswith("parameter") else begun.tensors[name][3]
    state, report = run_batched(some, unit(few, 4, (3, 4), begun))
    alone, expected = run_batched(some, unit(few[:3], 4, (3, 4), begun.select([0, 1, 2])))
    assert report.validation_losses[3].isnan().all()
    assert report.train_loss[3].isnan().all()
    assert same(state.select([0, 1, 2]), alone)
    assert all(map(torch.equal, report.validation_losses, expected.validation_losses))
    assert torch.equal(report.train_loss[:3], expected.train_loss)


def test_nothing_measured_and_nothing_left_to_train():
    some, all_of_them = training(), variants()
    state, report = run_batched(some, unit(all_of_them, 2, ()))
    _, expected = run_loop(some, unit(all_of_them, 2, ()))
    assert_same_reports(report, expected, 0)
    again, _ = run_batched(some, unit(all_of_them, 2, (), state))
    assert same(again, state)


def test_the_random_state_of_the_process_is_left_alone():
    torch.manual_seed(3)
    before = torch.random.get_rng_state()
    run_batched(training(), unit(variants(init="he")[:4]))
    assert torch.equal(before, torch.random.get_rng_state())


def test_run_unit_sends_batched_units_here():
    some, few = training(), variants()[:4]
    assert same(run_unit(some, unit(few))[0], run_batched(some, unit(few))[0])


def test_a_training_that_is_not_recognised_is_refused():
    some = training(lambda: nn.Sequential(nn.Linear(7, 4).double(), nn.GELU(), nn.Linear(4, 3).double()))
    with pytest.raises(
        ArgumentError,
        match=r"^The batched tier takes plain multilayer perceptrons only\. Found a training that is not one: 1 is a "
        r"GELU, which the batched kernels do not have there\. Leave `tier` out: a probe finds the fastest that can "
        r"train it\.$",
    ):
        run_batched(some, unit(variants()[:2]))
