import torch
from torch import nn

from justfit.repair._alteration import Alteration
from justfit.repair._baseline import go_on, train_baseline
from justfit.repair._case import HELD_OUT, Case, with_optimizer_read
from justfit.repair._ledger import Ledger
from justfit.repair._pairing import default_loss
from justfit.repair._run import Run
from justfit.repair._yardstick import yardstick_for
from justfit.sweep import Setting, SweepVariant, Training, Unit, as_examples, run_unit

INPUTS = torch.randn(150, 5, generator=torch.Generator().manual_seed(0))
TARGETS = (INPUTS[:, 0] > 0).long()


def build():
    return nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 2))


def run_of(learning_rate=1e-2, budget=3.0):
    training = Training(
        build=build, examples=as_examples((INPUTS, TARGETS), seed=3), loss_fn=default_loss, epochs=4, batch_size=16,
        learning_rate=learning_rate,
    )  # fmt: skip
    case = with_optimizer_read(Case(training=training, setting=Setting(l2=0.5), seed=3))
    _, targets = case.validation
    run = Run(case, Alteration(), yardstick_for(None, targets, case.training_targets), Ledger(budget, 1, 4))
    run.ledger.num_steps = run.num_steps
    return run


def plain_twin(run):
    variant = SweepVariant(setting=Setting(l2=0.5), seed=3, fold=HELD_OUT)
    state, _ = run_unit(run.case.training, Unit(variants=(variant,), tier="loop", until=4))
    return {name: tensor[0] for name, tensor in state.tensors.items() if name.startswith("parameter.")}


def test_the_watched_baseline_is_the_plain_training_bit_for_bit():
    run = run_of()
    baseline = train_baseline(run, static=(), reference=None, tick=lambda _: None)
    twin = plain_twin(run)
    for name, parameter in run.network.module.named_parameters():
        assert torch.equal(parameter, twin[f"parameter.{name}"]), name
    assert len(baseline.train_loss) == 4
    assert run.ledger.spent == run.num_steps
    assert run.ledger.plain_seconds > 0


def test_a_stopped_baseline_goes_on_as_if_it_had_never_stopped():
    run = run_of()
    baseline = train_baseline(run, static=(), reference=None, tick=lambda _: None)
    halves = run_of()
    halves.advance(run.num_steps // 2 + 1)
    stopped = type(baseline)(halves)
    go_on(stopped, run.num_steps)
    for one, other in zip(run.network.module.parameters(), halves.network.module.parameters(), strict=True):
        assert torch.equal(one, other)


def test_the_random_state_is_left_alone():
    before = torch.random.get_rng_state()
    train_baseline(run_of(), static=(), reference=None, tick=lambda _: None)
    assert torch.equal(before, torch.random.get_rng_state())


def test_how_far_the_weights_move_grows_with_the_learning_rate():
    slow = train_baseline(run_of(1e-6), static=(), reference=None, tick=lambda _: None).moved
    fast = train_baseline(run_of(1e-2), static=(), reference=None, tick=lambda _: None).moved
    assert slow < 0.01
    assert fast > 0.1
