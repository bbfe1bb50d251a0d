"""Batches of every chunk: which rows, how many steps, which weights, which learning rate."""

import pytest
import torch

from justfit.errors import ArgumentError
from justfit.sweep import NEVER_HELD_OUT, Problem, Program, Recipe, Variant, _feed
from justfit.sweep._feed import Schedule
from tests.unit.sweep.samples import make_problem, numbered_problem, same_network


def fed(problem, recipe, variant, epoch=0):
    """Row numbers [steps, B] that a numbered problem feeds to one variant in an epoch."""
    chunk = Program(problem, recipe, [variant])._chunks[0]
    return torch.stack([batch.inputs_DBI[0, :, 0].long() for batch, _ in chunk.feed.steps(epoch)])


@pytest.mark.parametrize(
    ("num_rows", "num_folds", "batch_size", "expected"),
    [
        (90, 3, 20, (20, 3, 4)),  # batch size, steps of a fold (60 rows), steps of all rows
        (91, 3, 20, (20, 3, 4)),  # the largest fold holds 31 rows: 60 to train on
        (89, 3, 20, (20, 2, 4)),  # largest fold 30: 59 rows, the incomplete third batch is dropped
        (10, 3, 32, (6, 1, 1)),  # fewer rows than a batch: the batch is the smallest training part
        (4, 2, 32, (2, 1, 2)),
        (9, 3, 1, (1, 6, 9)),
    ],
)
def test_schedule(num_rows, num_folds, batch_size, expected):
    schedule = Schedule(numbered_problem(num_rows, num_folds), Recipe(batch_size=batch_size))
    assert (schedule.batch_size, schedule.steps_per_epoch(0), schedule.steps_per_epoch(-1)) == expected
    assert {schedule.steps_per_epoch(fold) for fold in range(num_folds)} == {expected[1]}


def test_schedule_without_folds_uses_all_rows():
    problem = Problem(torch.zeros(50, 2), torch.zeros(50), torch.full((50,), NEVER_HELD_OUT), "regression", 1)
    schedule = Schedule(problem, Recipe(batch_size=64))
    assert (schedule.batch_size, schedule.steps_per_epoch(-1)) == (50, 1)


def test_a_fold_of_all_rows_is_refused():
    problem = numbered_problem(6, num_folds=1)
    with pytest.raises(
        ArgumentError,
        match=r"^Every fold must leave at least one row to train on\. Found a fold that holds all 6 rows\. Use at "
        r"least 2 folds, or `NEVER_HELD_OUT` for rows that are only trained on\.$",
    ):
        Schedule(problem, Recipe())


@pytest.mark.parametrize(("num_rows", "batch_size"), [(90, 20), (91, 16), (10, 32), (50, 7)])
@pytest.mark.parametrize("fold", [-1, 0, 2])
def test_batches_take_each_training_row_at_most_once(num_rows, batch_size, fold):
    problem = numbered_problem(num_rows, num_held_back=5)
    recipe = Recipe(hidden=(4,), batch_size=batch_size)
    rows = fed(problem, recipe, Variant(l2=0.0, dropout=0.0, fold=fold)).flatten()
    assert len(rows.unique()) == len(rows)
    assert (problem.fold_of_rows[rows] != fold).all()
    left_out = len(problem.training_rows(fold)) - len(rows)
    largest_fold = torch.bincount(problem.fold_of_rows[problem.fold_of_rows >= 0]).max().item()
    spread = 0 if fold == -1 else len(problem.training_rows(fold)) - (num_rows - largest_fold)
    assert 0 <= left_out < Schedule(problem, recipe).batch_size + spread


def test_which_rows_are_dropped_changes_with_the_epoch():
    problem = numbered_problem(50)
    recipe = Recipe(hidden=(4,), batch_size=30)
    used = [set(fed(problem, recipe, Variant(l2=0.0, dropout=0.0), epoch).flatten().tolist()) for epoch in range(8)]
    assert set.union(*used) == set(range(50))
    assert all(len(rows) == 30 for rows in used)


@pytest.mark.parametrize("dropout", [0.0, 0.4])
def test_held_out_rows_never_reach_a_network(dropout):
    """The leak that an index mistake would open: other held-out rows must give the same network, bit for bit."""
    problem = make_problem(weighted=True)
    held_out = problem.validation_rows(1)
    inputs, targets, weights = problem.inputs.clone(), problem.targets.clone(), problem.weights.clone()
    inputs[held_out], targets[held_out], weights[held_out] = 1e6, 0, 77.0
    garbled = Problem(inputs, targets, problem.fold_of_rows, problem.task, problem.num_outputs, weights)
    variants = [Variant(l2=1.0, dropout=dropout, fold=fold) for fold in (1, 0, -1)]
    recipe = Recipe(hidden=(8,), epochs=3, batch_size=16)
    clean, other = Program(problem, recipe, variants), Program(garbled, recipe, variants)
    clean.advance(3)
    other.advance(3)
    assert same_network(clean.module(0), other.module(0))
    assert not same_network(clean.module(1), other.module(1)), "negative control: fold 0 trains on these rows"
    assert not same_network(clean.module(2), other.module(2)), "negative control: fold -1 trains on all rows"


def test_chunk_mates_get_the_rows_of_their_own_fold_and_seed():
    problem = numbered_problem(60)
    recipe = Recipe(hidden=(4,), batch_size=10)
    variants = [Variant(l2=0.0, dropout=0.0, fold=fold, seed=seed) for fold in (0, 1, 2) for seed in (0, 4)]
    chunk = Program(problem, recipe, variants)._chunks[0]
    assert len(chunk.data_groups) == 6
    batches = torch.stack([batch.inputs_DBI[..., 0].long() for batch, _ in chunk.feed.steps(2)], dim=1)
    for rows, (fold, seed) in zip(batches, chunk.data_groups, strict=True):
        assert torch.equal(rows, fed(problem, recipe, Variant(l2=0.0, dropout=0.0, fold=fold, seed=seed), 2))


def test_goals_and_weights_of_a_batch():
    problem = make_problem(num_classes=17, weighted=True)
    chunk = Program(problem, Recipe(hidden=(4,), batch_size=10), [Variant(l2=0.0, dropout=0.0)])._chunks[0]
    order = _feed.epoch_order(0, 0, -1, problem.fold_of_rows)
    for step, (batch, _) in enumerate(chunk.feed.steps(0)):
        rows = order[10 * step : 10 * (step + 1)]
        assert batch.goals_D1BO.shape == (1, 1, 10, 32)
        assert torch.equal(batch.goals_D1BO[0, 0].argmax(-1), problem.targets[rows])
        assert torch.equal(batch.goals_D1BO.sum(-1), torch.ones(1, 1, 10))
        torch.testing.assert_close(batch.weights_D1B1[0, 0, :, 0], problem.weights[rows] / 10)


@pytest.mark.parametrize("block_numbers", [1, 900, 1_500])
def test_blocks_only_cut_the_epoch(monkeypatch, block_numbers):
    """Without dropout the block size cannot matter; batches and learning rates go on across blocks and epochs."""
    problem, recipe = make_problem(), Recipe(hidden=(9, 6), epochs=4, batch_size=16)
    variants = [Variant(l2=0.3, dropout=0.0, fold=fold, seed=seed) for fold in (0, -1) for seed in (0, 5)]
    whole = Program(problem, recipe, variants)
    whole.advance(4)
    assert Schedule(problem, recipe).steps_per_block > 6
    monkeypatch.setattr(_feed, "BLOCK_NUMBERS", block_numbers)
    assert Schedule(problem, recipe).steps_per_block < 5
    pieces = Program(problem, recipe, variants)
    pieces.advance(4)
    assert all(same_network(whole.module(index), pieces.module(index)) for index in range(len(variants)))


def test_the_learning_rate_is_one_cosine_over_all_epochs(monkeypatch):
    problem, recipe = numbered_problem(50), Recipe(hidden=(4,), epochs=5, batch_size=16, learning_rate=0.2)
    monkeypatch.setattr(_feed, "BLOCK_NUMBERS", 1)
    chunk = Program(problem, recipe, [Variant(l2=0.0, dropout=0.0)])._chunks[0]
    rates = [rate for epoch in range(5) for _, rate in chunk.feed.steps(epoch)]
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.2)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=15)
    for rate in rates:
        assert rate == pytest.approx(scheduler.get_last_lr()[0], rel=1e-9, abs=1e-12)
        optimizer.step()
        scheduler.step()
    assert len(rates) == 15
    assert rates[0] == 0.2
    assert rates[-1] > 0
