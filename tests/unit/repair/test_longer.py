import pytest
import torch
from torch import nn

from justfit.repair._alteration import Alteration
from justfit.repair._baseline import train_baseline
from justfit.repair._case import Case, with_optimizer_read
from justfit.repair._ledger import Ledger
from justfit.repair._longer import gone_on, is_rising, price_of_longer, train_longer
from justfit.repair._pairing import default_loss
from justfit.repair._run import Run
from justfit.repair._yardstick import yardstick_for
from justfit.sweep import Setting, Training, as_examples

INPUTS = torch.randn(400, 5, generator=torch.Generator().manual_seed(0))
TARGETS = (INPUTS[:, 0] * INPUTS[:, 1] > 0).long()


def build():
    return nn.Sequential(nn.Linear(5, 32), nn.ReLU(), nn.Dropout(0.1), nn.Linear(32, 2))


def baseline_of(epochs=4, schedule="constant", budget=3.0):
    training = Training(
        build=build, examples=as_examples((INPUTS, TARGETS), seed=3), loss_fn=default_loss, epochs=epochs,
        batch_size=16, learning_rate=3e-3, schedule=schedule,
    )  # fmt: skip
    case = with_optimizer_read(Case(training=training, setting=Setting(), seed=3))
    _, targets = case.validation
    run = Run(case, Alteration(), yardstick_for(None, targets, case.training_targets), Ledger(budget, 1, epochs))
    run.ledger.num_steps = run.num_steps
    return train_baseline(run, static=(), reference=None, tick=lambda _: None)


def test_going_on_is_the_longer_training_bit_for_bit():
    baseline = baseline_of()
    longer = gone_on(baseline, Alteration(epochs=2.0))
    assert longer.step == baseline.run.num_steps
    longer.advance(longer.num_steps)
    whole = Run(baseline.run.case, Alteration(epochs=2.0), baseline.run.yardstick, baseline.run.ledger)
    whole.advance(whole.num_steps)
    for one, other in zip(longer.network.module.parameters(), whole.network.module.parameters(), strict=True):
        assert torch.equal(one, other)


def test_a_schedule_that_stretches_begins_anew():
    baseline = baseline_of(schedule="cosine")
    assert gone_on(baseline, Alteration(epochs=2.0)).step == 0
    assert price_of_longer(baseline) == 2 * baseline.run.num_steps
    assert train_longer(baseline, Alteration(epochs=2.0))[1].epochs == 2.0


def test_it_goes_on_as_long_as_it_rises_and_the_budget_lasts():
    baseline = baseline_of()
    assert is_rising(baseline)
    run, alteration = train_longer(baseline, Alteration(epochs=2.0))
    assert alteration.epochs == 3.0
    assert baseline.run.ledger.trainings == pytest.approx(3.0)
    assert run.last_share > baseline.run.last_share + 0.02
    assert run.num_steps == 3 * baseline.run.num_steps


def test_a_training_that_stands_still_is_not_rising():
    assert not is_rising(baseline_of(epochs=60))
