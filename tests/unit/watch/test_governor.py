"""The books of the overhead, on made-up clocks."""

import pytest

from justfit.watch._governor import LOOK_EVERY, Governor


def run_through(governor: Governor, *, step: float, sample: float, passive: float, num_steps: int) -> float:
    """Let the governor decide over many steps; return the share of the loop's time that watching took."""
    own = loop = 0.0
    due, ahead = True, 0
    for _ in range(num_steps):
        cost = sample if due else passive
        governor.step_done(step, cost, sampled=due)
        own, loop = own + cost, loop + step
        ahead = 0 if due else ahead - 1
        due = ahead <= 0 and governor.wants_sample()
        ahead = governor.num_ahead() if ahead <= 0 else ahead
    return own / loop


@pytest.mark.parametrize("overhead", [0.002, 0.01, 0.05])
@pytest.mark.parametrize(("step", "sample", "passive"), [(1e-3, 3e-4, 1e-6), (0.1, 0.01, 1e-5), (5.0, 0.02, 1e-5)])
def test_the_budget_is_kept_and_used(overhead, step, sample, passive):
    governor = Governor(overhead=overhead, every=None)
    share = run_through(governor, step=step, sample=sample, passive=passive, num_steps=20_000)
    start = (3 * sample + 100 * 0.03 * step) / (20_000 * step)
    assert share <= overhead + start
    most = min(overhead, sample / step)
    assert share >= 0.7 * most  # what is there is used
    assert governor.figures().measured_fraction == pytest.approx(share)


def test_early_steps_are_sampled_denser():
    governor = Governor(overhead=0.01, every=None)
    run_through(governor, step=1e-3, sample=3e-4, passive=1e-6, num_steps=100)
    early = governor.num_samples
    run_through(governor, step=1e-3, sample=3e-4, passive=1e-6, num_steps=1000)
    assert early >= 10
    assert (governor.num_samples - early) / 1000 < early / 100


def test_plain_steps_that_take_everything_leave_a_sample_now_and_then():
    governor = Governor(overhead=0.01, every=None)
    share = run_through(governor, step=1e-3, sample=3e-4, passive=1.1e-5, num_steps=20_000)
    assert 19 <= governor.num_samples <= 40
    assert share < 0.011 + 0.001


def test_fixed_interval():
    governor = Governor(overhead=0.01, every=16)
    run_through(governor, step=1e-3, sample=1e-3, passive=1e-6, num_steps=161)
    assert governor.num_samples == 11
    assert governor.figures().interval == 16


def test_a_long_pause_earns_nothing():
    governor = Governor(overhead=0.01, every=None)
    run_through(governor, step=1e-3, sample=3e-4, passive=1e-6, num_steps=1000)
    before = governor.num_samples
    governor.step_done(3600.0, 1e-6, sampled=False)
    run_through(governor, step=1e-3, sample=3e-4, passive=1e-6, num_steps=100)
    assert governor.num_samples - before < 20


def test_expensive_plain_steps_are_noticed():
    for passive, expected in ((1e-6, False), (9e-6, True)):
        governor = Governor(overhead=0.01, every=None)
        run_through(governor, step=1e-3, sample=1e-4, passive=passive, num_steps=LOOK_EVERY)
        assert governor.is_too_much() is expected


def test_judging_waits_until_it_is_earned():
    governor = Governor(overhead=0.01, every=None)
    run_through(governor, step=1e-3, sample=1e-4, passive=1e-6, num_steps=100)
    assert governor.can_pay()
    governor.pay(0.1)
    assert not governor.can_pay()
    run_through(governor, step=1e-3, sample=1e-4, passive=1e-6, num_steps=40_000)
    assert not governor.can_pay()
    run_through(governor, step=1e-3, sample=1e-4, passive=1e-6, num_steps=40_000)
    assert governor.can_pay()


def test_state():
    governor = Governor(overhead=0.01, every=None)
    run_through(governor, step=1e-3, sample=1e-4, passive=1e-6, num_steps=200)
    other = Governor(overhead=0.02, every=None)
    other.load_state_dict(governor.state_dict())
    assert (other.num_steps, other.num_samples, other.overhead) == (200, governor.num_samples, 0.02)
