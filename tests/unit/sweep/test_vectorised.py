"""The vectorised tier: the plain loop's networks, whatever shares a unit and wherever it is cut."""

import itertools

import pytest
import torch
from torch import nn

from justfit.sweep import Setting, SweepVariant
from justfit.sweep._loop import run_loop
from justfit.sweep._rows import ROW_MULTIPLE, Rows
from justfit.sweep._training import UnitState
from justfit.sweep._unit import run_unit
from justfit.sweep._vectorised import (
    LARGEST_CHUNK,
    SMALLEST_CHUNK,
    STACK_MULTIPLE,
    chunk_size,
    filled,
    pieces,
    run_vectorised,
)
from tests.unit.sweep.networks import NETWORKS, distances, same, training, unit, variants

OPTIMIZERS = {
    **{name: name for name in ("adam", "adamw", "sgd", "momentum", "rmsprop")},
    "nadam": lambda parameters: torch.optim.NAdam(parameters, lr=3e-3),
    "adagrad": lambda parameters: torch.optim.Adagrad(parameters, lr=3e-3),
    "amsgrad": lambda parameters: torch.optim.Adam(parameters, lr=3e-3, amsgrad=True, weight_decay=0.1),
}


def assert_same_reports(one, other):
    assert one.epochs == other.epochs
    for mine, its in zip(one.validation_losses, other.validation_losses, strict=True):
        assert (mine.shape, mine.dtype) == (its.shape, its.dtype)
        torch.testing.assert_close(mine, its, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(one.train_loss, other.train_loss, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(one.train_loss_se, other.train_loss_se, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", NETWORKS)
def test_each_network_is_the_plain_loops(name):
    some = training(name, clip_norm=0.7, schedule="cosine")
    (state, report), (twin, expected) = run_vectorised(some, unit()), run_loop(some, unit())
    worst = distances(state, twin)
    assert max(worst.values()) <= 1e-5, max(worst, key=worst.get)
    assert_same_reports(report, expected)


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_every_elementwise_optimizer(optimizer):
    some = training(optimizer=optimizer, learning_rate=3e-3)
    (state, report), (twin, expected) = run_vectorised(some, unit()), run_loop(some, unit())
    assert max(distances(state, twin).values()) <= 1e-5
    assert_same_reports(report, expected)


@pytest.mark.parametrize(
    "change", [{"l2": 2.2}, {"dropout": 0.45}, {"learning_rate": 0.11}, {"init": "lecun"}, {"fold": 2}, {"seed": 4}]
)
def test_the_comparison_notices_another_variant(change):
    values = {"l2": 2.0, "dropout": 0.5, "learning_rate": 0.1, "init": "he", "fold": 0, "seed": 3}

    def one(values):
        values = dict(values)
        return (SweepVariant(fold=values.pop("fold"), seed=values.pop("seed"), setting=Setting(**values)),)

    some = training()
    state = run_vectorised(some, unit(one(values)))[0]
    assert max(distances(state, run_loop(some, unit(one(values)))[0]).values()) <= 1e-5
    assert max(distances(state, run_loop(some, unit(one(values | change)))[0]).values()) > 1e-5


@pytest.mark.parametrize("name", ["LayerNorm", "BatchNorm", "convolution", "transformer", "LSTM", "weight norm"])
@pytest.mark.parametrize("optimizer", ["adam", "momentum"])
def test_cut_and_joined_anywhere_bit_for_bit(name, optimizer):
    some = training(name, optimizer=optimizer, schedule="cosine")
    whole, report = run_vectorised(some, unit())
    first, _ = run_vectorised(some, unit(until=1))
    places = [[4, 0], [1], [3, 5, 2]]
    parts = [
        run_vectorised(some, unit(tuple(variants()[place] for place in part), state=first.select(part)))
        for part in places
    ]
    order = list(itertools.chain(*places))
    assert same(UnitState.join([state for state, _ in parts]), whole.select(order))
    validation = [losses for _, part in parts for losses in part.validation_losses]
    for losses, place in zip(validation, order, strict=True):
        assert torch.equal(losses[-1], report.validation_losses[place][-1])


def test_chunks_change_nothing(monkeypatch):
    some, many = training(), variants() * 4
    whole = run_vectorised(some, unit(many))[0]
    monkeypatch.setattr("justfit.sweep._vectorised.CHUNK_BYTES", 1)
    assert chunk_size(some, many[0]) == 8
    assert same(run_vectorised(some, unit(many))[0], whole)


def test_a_network_goes_on_where_the_plain_loop_left_it():
    some = training(optimizer="adam", learning_rate=3e-3)
    begun = run_loop(some, unit(until=1))[0]
    state = run_vectorised(some, unit(state=begun, measure=()))[0]
    assert max(distances(state, run_loop(some, unit())[0]).values()) <= 1e-5
    back = run_loop(some, unit(state=run_vectorised(some, unit(until=1))[0], measure=()))[0]
    assert max(distances(back, run_loop(some, unit())[0]).values()) <= 1e-5


def test_a_network_that_diverges_disturbs_no_other():
    healthy = [v for v in variants() if v.setting.learning_rate != 0.1]
    wild = SweepVariant(setting=Setting(learning_rate=1e30, dropout=0.2, l2=1.0), seed=3, fold=0)
    some = training()
    alone = run_vectorised(some, unit(tuple(healthy)))[0]
    state, report = run_vectorised(some, unit((*healthy, wild)))
    assert same(state.select(list(range(len(healthy)))), alone)
    assert report.validation_losses[-1].isnan().all()
    assert report.train_loss[-1].isnan().all()


def test_variants_of_several_seeds_may_share_a_unit():
    mixed = tuple(itertools.chain(*zip(variants(3), variants(4), strict=True)))
    state = run_vectorised(training(), unit(mixed))[0]
    assert same(state.select(list(range(1, 12, 2))), run_vectorised(training(), unit(variants(4)))[0])


def test_class_weights_and_numbers():
    weighted = nn.CrossEntropyLoss(weight=torch.tensor([1.0, 5.0, 0.2]))
    for some in (
        training(loss_fn=weighted),
        training(loss_fn=nn.MSELoss(), targets=torch.randn(90, 3, generator=torch.Generator().manual_seed(1))),
        training(loss_fn=lambda o, t: (o - nn.functional.one_hot(t, 3)).abs().sum(1).mean()),
    ):
        (state, report), (twin, expected) = run_vectorised(some, unit()), run_loop(some, unit())
        assert max(distances(state, twin).values()) <= 1e-5
        assert_same_reports(report, expected)


def test_the_callers_random_state_stays():
    before = torch.random.get_rng_state()
    run_unit(training(), unit())
    assert torch.equal(before, torch.random.get_rng_state())


def test_the_size_of_chunks_follows_the_bytes_of_a_network():
    small, large = (
        training(lambda width=width: nn.Sequential(nn.Linear(10, width), nn.Linear(width, 3))) for width in (8, 100_000)
    )
    assert chunk_size(small, variants()[0]) == LARGEST_CHUNK
    assert chunk_size(large, variants()[0]) == SMALLEST_CHUNK


@pytest.mark.parametrize("number", [1, 2, 7, 8, 31, 100, 128, 130])
@pytest.mark.parametrize("size", [8, 24, 128])
def test_pieces_are_few_and_little_is_filled_up(number, size):
    cut = list(pieces(list(range(number)), size))
    assert list(itertools.chain(*cut)) == list(range(number))
    assert max(map(len, cut)) <= size
    assert len(cut) == -(-number // size)
    assert sum(len(filled(piece)) for piece in cut) < number + STACK_MULTIPLE
    assert all(len(filled(piece)) % STACK_MULTIPLE == 0 and set(filled(piece)) == set(piece) for piece in cut)


def test_rows_end_at_a_multiple_so_that_no_number_is_rounded_apart():
    rows = Rows({"a": torch.zeros(3, 2), "b": torch.zeros(5)}, 4)
    assert rows.values.shape == (4, ROW_MULTIPLE)
    rows.value["a"][2] = 1.0
    assert rows.values.sum() == 6.0
    assert torch.equal(rows.split(rows.fill(rows.value))["a"], rows.value["a"])
