"""`justfit.sweep` from end to end, on small networks."""

import functools
import math

import numpy as np
import pytest
import torch
from torch import nn

import justfit
from justfit.errors import DivergedError
from justfit.records import ModuleSweepRecord, from_json, to_json
from justfit.sweep import NO_FOLD, ChosenSetting, Network, Setting, SweepResult, SweepVariant, Training, Unit
from justfit.sweep._schedule import SchedulePlan
from tests.unit.sweep.modules import build, build_plain, make_data

SETTINGS = {"l2": [0, 1, 100], "dropout": [0, 0.5], "folds": 2, "epochs": 6, "batch_size": 10, "learning_rate": 0.02}


def run(**settings):
    return justfit.sweep(build, make_data(), **{"executor": "serial", **SETTINGS, **settings})


@pytest.fixture(scope="module")
def result():
    return run()


def test_the_room_can_be_called_and_gives_a_result(result):
    assert isinstance(result, SweepResult)
    assert isinstance(result.chosen, ChosenSetting)
    assert result.chosen in result.ridge or not result.helps
    assert 0 <= result.confidence <= 1
    assert result.helps == (result.record.chosen != 0)
    assert result.tier == result.record.tier == "batched"
    assert result.tier_reason
    assert repr(result).startswith(f"SweepResult(l2={result.chosen.l2:g}, dropout={result.chosen.dropout:g}, ")


def test_the_record_is_consistent_and_goes_through_json(result):
    record = result.record
    assert len(record.cells) <= record.num_grid_cells + 4
    assert record.cells[0].setting.l2 == record.cells[0].setting.dropout == 0
    assert record.cells[record.best].difference == 0
    assert record.cells[record.best].ridge
    assert sum(cell.bootstrap_share for cell in record.cells) == pytest.approx(1)
    assert record.variant_epochs <= record.full_variant_epochs == 6 * 2 * 6
    assert record.num_examples == 60
    assert record.unit == "nats"
    for cell in record.cells:
        assert cell.epochs[-1] == cell.stopped_epoch
        assert cell.best_epoch in cell.epochs
        if cell.num_seeds == max(other.num_seeds for other in record.cells):
            assert cell.loss == pytest.approx(cell.validation_loss[cell.epochs.index(cell.best_epoch)], rel=1e-6)
    assert from_json(ModuleSweepRecord, to_json(record)) == record


def test_every_loss_is_that_of_a_plain_loop(result):
    """The record of a cell, held against trainings of its own, one by one."""
    cell = result.record.cells[0]
    training = result._training
    losses = []
    for fold in range(2):
        variant = SweepVariant(setting=result._settings[0], seed=0, fold=fold)
        network = Network(training, variant, None)
        report = network.train(Unit(variants=(variant,), tier="loop", until=6, measure=cell.epochs))
        losses.append(report.validation_losses[0].numpy())
    by_epoch = np.concatenate(losses, axis=1).mean(axis=1)
    if cell.num_seeds == 1:
        np.testing.assert_allclose(cell.validation_loss, by_epoch, rtol=1e-4)


def test_the_model_is_the_chosen_training_on_all_rows(result):
    model = result.model()
    assert result.model() is model
    assert not model.training
    chosen = result.chosen
    setting = Setting(l2=chosen.l2, dropout=chosen.dropout, learning_rate=chosen.learning_rate)
    variant = SweepVariant(setting=setting, seed=0, fold=NO_FOLD)
    network = Network(result._training, variant, None)
    network.train(Unit(variants=(variant,), tier="loop", until=chosen.epochs))
    for mine, its in zip(model.parameters(), network.module.parameters(), strict=True):
        assert torch.equal(mine, its)
    assert [part.p for part in model.modules() if isinstance(part, nn.Dropout)] == [chosen.dropout]
    assert not torch.equal(next(result.model(seed=5).parameters()), next(model.parameters()))


def test_frames_have_a_row_for_each_cell_and_each_measurement(result):
    frame, curves = result.to_frame(), result.curves_frame()
    assert len(frame) == len(result.record.cells)
    assert frame["chosen"].sum() == 1
    assert frame.row(result.record.chosen, named=True)["best_epoch"] == result.chosen.epochs
    assert len(curves) == sum(len(cell.epochs) for cell in result.record.cells)
    assert set(curves.columns) >= {"cell", "l2", "epoch", "validation_loss", "train_loss_se"}


def test_the_random_state_is_left_alone():
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    run(l2=0, dropout=0, epochs=1)
    assert torch.equal(torch.rand(2), expected)


def test_the_same_call_gives_the_same_table(result):
    again = run()
    assert again.record.cells == result.record.cells
    assert again.chosen == result.chosen


def test_tiers_agree(result):
    loop = run(tier="loop", refill=False)
    fast = run(tier="batched", refill=False)
    for slow, quick in zip(loop.record.cells, fast.record.cells, strict=True):
        assert slow.setting == quick.setting
        np.testing.assert_allclose(slow.validation_loss[:2], quick.validation_loss[:2], rtol=1e-3)


def test_a_validation_set_is_one_fold_that_nobody_trains_on():
    train, validation = make_data(seed=1), make_data(24, seed=2)
    made = justfit.sweep(build, train, validation, l2=[0, 1], dropout=0, epochs=3, executor="serial")
    assert (made.record.num_folds, made.record.num_examples) == (1, 24)
    rows = made._training.examples.training_rows(made._fold)
    assert torch.equal(made._training.examples.inputs[rows], train[0])


def test_axes_that_are_not_given_are_found():
    made = justfit.sweep(build, make_data(), folds=2, epochs=3, executor="serial", learning_rate=0.02, refill=False)
    settings = [cell.setting for cell in made.record.cells]
    positive = sorted({setting.l2 for setting in settings} - {0.0})
    assert {setting.dropout for setting in settings} <= {0.0, 0.2, 0.4, 0.6}
    assert made.record.num_grid_cells == 40
    assert math.log10(positive[-1]) * 2 == pytest.approx(round(math.log10(positive[-1]) * 2))
    plain = justfit.sweep(build_plain, make_data(task="regression"), l2=[0, 1], folds=2, epochs=2, executor="serial")
    assert plain.chosen.dropout is None
    assert plain.record.unit == "squared units"
    assert any("no dropout that could be set: it was swept over l2 alone" in note for note in plain.record.notes)


def test_dropout_asked_for_in_vain_is_said():
    made = justfit.sweep(
        build_plain, make_data(task="regression"), l2=0, dropout=[0, 0.5], folds=2, epochs=1, executor="serial"
    )
    assert any("dropout was asked for, and changes nothing" in note for note in made.record.notes)


def test_a_loss_without_a_known_constant_is_said():
    made = justfit.sweep(
        build_plain, make_data(task="regression"), loss_fn=nn.L1Loss(), l2=0, folds=2, epochs=1, executor="serial"
    )
    assert any("no cell was stopped for learning nothing" in note for note in made.record.notes)
    assert made.record.unit == ""


def test_one_seed_is_said_and_two_are_not():
    one = run(l2=[0], dropout=[0], epochs=1)
    two = run(l2=[0], dropout=[0], epochs=1, seeds=2)
    assert any(note.startswith("With one seed") for note in one.record.notes)
    assert not any(note.startswith("With one seed") for note in two.record.notes)


def test_learning_rates_and_inits_are_axes_too():
    made = run(l2=0, dropout=0, learning_rate=[0.02, 1e-9], init=[None, "he"], refill=False, epochs=8)
    assert len(made.record.cells) == 4
    assert made.chosen.learning_rate == 0.02
    assert {cell.setting.init for cell in made.record.cells} == {None, "he"}


def test_a_cell_that_diverges_is_stopped_and_not_chosen():
    made = run(l2=0, dropout=0, learning_rate=[0.02, 1e30], optimizer="sgd", epochs=9)
    lost = made.record.cells[1]
    assert lost.stopped_reason == "not finite"
    assert math.isnan(lost.loss)
    assert made.chosen.learning_rate == 0.02


def test_nothing_but_divergence_is_an_error():
    with pytest.raises(
        DivergedError, match=r"At least one network of the sweep must end with finite losses\. Found NaN"
    ):
        run(l2=[0], dropout=[0], learning_rate=1e30, optimizer="sgd")


def test_a_budget_ends_the_sweep_with_the_best_so_far():
    made = run(budget_seconds=1e-6)
    assert made.record.interrupted.startswith("the time budget ended after epoch 1 of 6")
    assert {cell.stopped_epoch for cell in made.record.cells} == {1}
    assert made.record.variant_epochs < made.record.full_variant_epochs
    assert made.model() is not None


def test_progress_rises():
    seen = []
    run(on_progress=seen.append, refill=False)
    fractions = [tick.fraction for tick in seen]
    assert fractions == sorted(fractions)
    assert len(fractions) > 3
    assert fractions[-1] == 1
    assert "networks" in seen[-1].stage


def test_an_optimizer_of_ones_own():
    def make(parameters):
        return torch.optim.SGD(parameters, lr=0.05, momentum=0.5)

    made = run(optimizer=make, learning_rate=None, l2=[0, 1], dropout=0, tier="loop")
    assert made.chosen.learning_rate is None
    assert isinstance(made._training, Training)


def test_what_does_not_fit_into_memory_is_kept_on_disk_for_the_time_being(monkeypatch, result, tmp_path):
    monkeypatch.setattr("justfit.sweep._sweep_run.HELD_BYTES", 0)
    monkeypatch.setattr("justfit.sweep._pieces.HELD_BYTES", 0)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert run().record.cells == result.record.cells
    assert not list(tmp_path.iterdir())


def test_control_c_between_pieces_gives_the_best_so_far(monkeypatch):
    def interrupt(_schedule):
        raise KeyboardInterrupt

    monkeypatch.setattr("justfit.sweep._sweep_run.refill", interrupt)
    assert run().record.interrupted == "interrupted"


@pytest.mark.parametrize("tier", ["loop", "vectorised", "batched"])
def test_who_goes_on_is_the_same_to_the_bit_as_if_nobody_had_stopped(monkeypatch, tier):
    settings = {"l2": [0, 0.1, 1, 10, 1000], "epochs": 15, "seeds": 2, "refill": False, "tier": tier}
    early = run(**settings).record
    plan = functools.partial(SchedulePlan, stops_early=False)
    monkeypatch.setattr("justfit.sweep._sweep_run.SchedulePlan", plan)
    whole = {cell.setting: cell for cell in run(**settings).record.cells}
    assert len(whole) == 10
    assert any(cell.stopped_reason for cell in early.cells), "nobody was stopped"
    assert early.variant_epochs < early.full_variant_epochs
    for cell in early.cells:
        number = len(cell.epochs)
        assert cell.validation_loss == whole[cell.setting].validation_loss[:number]
        assert cell.train_loss == whole[cell.setting].train_loss[:number]
