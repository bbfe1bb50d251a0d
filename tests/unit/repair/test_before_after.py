"""What a record shows of both trainings: their losses, the share of the learnable, their layers."""

import dataclasses
import math

import pytest
import torch
from torch import nn
from torch.nn import functional

import justfit
from justfit.records import CureRecord, from_json, to_json
from justfit.repair import _run
from justfit.repair._alteration import Alteration
from justfit.repair._before_after import OTHER_LOSS, before_and_after, layers_of
from justfit.repair._follow import NUM_POINTS
from justfit.repair._longer import train_longer
from justfit.repair._run import Run
from tests.unit.repair.test_longer import baseline_of

INPUTS = torch.randn(400, 6, generator=torch.Generator().manual_seed(0))
TARGETS = (INPUTS[:, 0] + INPUTS[:, 1] > 0).long()
HELD = (INPUTS[300:], TARGETS[300:])
CURVES = ("history_before", "history_after", "learned_before", "learned_after")


def cured(inputs=INPUTS, **changed):
    given = {"learning_rate": 1e-5, "epochs": 20, "seed": 1, **changed}
    build = lambda: nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 2))  # noqa: E731
    return justfit.cure(build, (inputs[:300], TARGETS[:300]), (inputs[300:], TARGETS[300:]), **given)


@pytest.fixture(scope="module")
def slow():
    return cured()


def test_the_curve_of_the_cured_training_ends_where_its_network_stands(slow):
    history = slow.record.history_after
    with torch.no_grad():
        losses = functional.cross_entropy(slow.model()(HELD[0]), HELD[1], reduction="none").double()
    assert history.epochs[-1] == 20
    assert history.validation_loss[-1] == pytest.approx(float(losses.mean()), rel=1e-5)
    assert history.validation_loss_se[-1] == pytest.approx(float(losses.std()) / 10, rel=1e-5)
    assert history.train_loss[-1] < history.train_loss[0]
    assert not history.notes


def test_both_trainings_are_followed_to_their_ends(slow):
    record = slow.record
    assert record.history_before.epochs == tuple(range(1, math.floor(record.epochs_before) + 1))
    assert len(record.history_after.epochs) <= NUM_POINTS
    for learned, share, epochs in (
        (record.learned_before, record.share_before, record.epochs_before),
        (record.learned_after, record.share_after, record.epochs_after),
    ):
        assert (learned.epochs[-1], learned.share[-1]) == (epochs, share)
        assert all(later > earlier for earlier, later in zip(learned.epochs, learned.epochs[1:], strict=False))
        assert all(0 < error < 1 for error in learned.share_se)


def test_the_error_of_a_share_is_that_of_a_mean(slow):
    with torch.no_grad():
        logits = slow.model()(HELD[0]).double()
    factors = torch.logspace(-2, 2, 25, dtype=torch.float64) / logits.std()
    one_hot = functional.one_hot(HELD[1], 2)
    best = min((((logits * f).softmax(1) - one_hot) ** 2).mean(1).mean() for f in factors)
    scores = next(s for f in factors if (s := (((logits * f).softmax(1) - one_hot) ** 2).mean(1)).mean() == best)
    frequency = torch.bincount(TARGETS[:300]).double() / 300
    unit = ((frequency - one_hot) ** 2).mean()
    assert slow.record.learned_after.share[-1] == pytest.approx(float(1 - best / unit), abs=0.02)
    assert slow.record.learned_after.share_se[-1] == pytest.approx(float(scores.std() / 10 / unit), rel=0.15)


def test_following_changes_nothing_that_is_decided(slow, monkeypatch):
    monkeypatch.setattr(_run, "is_due", lambda network: False)
    blind = cured()
    assert blind.record.history_after is None
    same = {name: getattr(slow.record, name) for name in (*CURVES, "cost")}
    assert to_json(dataclasses.replace(blind.record, **same)) == to_json(slow.record)
    for one, other in zip(slow.model().parameters(), blind.model().parameters(), strict=True):
        assert torch.equal(one, other)


def test_the_same_layers_are_not_listed_twice(slow):
    assert slow.record.layers_before == slow.record.layers_after == ()


def test_new_layers_stand_in_the_record():
    baseline = baseline_of(epochs=1)
    run = Run(baseline.run.case, Alteration(activation="tanh"), baseline.run.yardstick, baseline.run.ledger)
    run.advance(run.num_steps)
    found = before_and_after(baseline, run)
    assert found["layers_before"][:2] == ("0: Linear(in_features=5, out_features=32, bias=True)", "1: ReLU()")
    assert found["layers_after"] == (found["layers_before"][0], "1: Tanh()", *found["layers_before"][2:])
    assert not found["history_after"].notes


def test_another_loss_is_said_to_be_one():
    baseline = baseline_of(epochs=1)
    run = Run(baseline.run.case, Alteration(standardize_targets=True), baseline.run.yardstick, baseline.run.ledger)
    run.followed[run.num_steps] = next(iter(_followed(baseline)))
    assert before_and_after(baseline, run)["history_after"].notes == (OTHER_LOSS,)


def _followed(baseline):
    run = Run(baseline.run.case, Alteration(learning_rate=2.0), baseline.run.yardstick, baseline.run.ledger)
    run.advance(run.num_steps)
    return run.followed.values()


def test_a_healthy_training_has_its_own_curves_only():
    record = cured(learning_rate=1e-2).record
    assert record.state == "nothing to repair"
    assert (record.history_after, record.learned_after) == (None, None)
    assert len(record.history_before.epochs) == 20


def test_more_epochs_begin_with_the_users_own():
    baseline = baseline_of()
    run, _ = train_longer(baseline, Alteration(epochs=2.0))
    found = before_and_after(baseline, run)
    assert found["history_after"].epochs[:4] == (1, 2, 3, 4)
    assert found["history_after"].validation_loss[:4] == found["history_before"].validation_loss
    assert found["history_after"].epochs[-1] == 12
    assert found["learned_after"].share[-1] == run.last_share


def test_layers_are_named_and_none_takes_more_than_a_line():
    class Odd(nn.Module):
        def __repr__(self):
            raise RuntimeError

    module = nn.ModuleDict({"a": nn.Sequential(nn.ReLU()), "b": Odd(), "c": nn.Softmax(dim=1)})
    assert layers_of(module) == ("a.0: ReLU()", "b: Odd", "c: Softmax(dim=1)")
    assert layers_of(nn.ReLU()) == ("network: ReLU()",)
    assert len(layers_of(nn.Sequential(*(nn.ReLU() for _ in range(1000))))) == 400


def test_a_record_without_curves_is_still_read(slow):
    stored = to_json(slow.record)
    again = from_json(CureRecord, stored)
    assert again.learned_after == slow.record.learned_after
    assert math.isfinite(again.history_after.train_loss[0])
