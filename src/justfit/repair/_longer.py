"""More epochs: the user's own training, gone on with."""

from __future__ import annotations

import copy

from justfit.repair._alteration import Alteration
from justfit.repair._baseline import Baseline
from justfit.repair._compare import ALPHA, gain_of, run_noise
from justfit.repair._run import Run, mark

# Of the user's epochs, at most.
MOST_TIMES = 4


def is_rising(baseline: Baseline) -> bool:
    """Whether a whole training still learned in its last quarter, beyond chance and by as much as is worth it."""
    run = baseline.run
    if baseline.stopped or run.diverged or run.step < run.num_steps:
        return False
    return rises(baseline, run, mark(run.num_steps, 0.75), run.num_steps)


def rises(baseline: Baseline, run: Run, before: int, after: int) -> bool:
    """Whether a network is better at one of its steps than at an earlier one, both looked at already."""
    if before not in run.judged or after not in run.judged:
        return False
    return gain_of(
        [run.judged[before].scores],
        [run.judged[after].scores],
        unit=run.yardstick.unit,
        run_noise=run_noise(baseline.shares),
        alpha=ALPHA,
    ).is_proven


def gone_on(baseline: Baseline, alteration: Alteration) -> Run:
    """A run with more epochs than the user's.

    With a constant learning rate its first steps are the user's own, so that it begins where that training ended;
    another schedule stretches, and it has to begin anew.
    """
    base = baseline.run
    run = Run(base.case, alteration, base.yardstick, base.ledger)
    if base.case.training.schedule == "constant" and base.step == base.num_steps:
        run.network.module.load_state_dict(base.network.module.state_dict())
        run.network.optimizer.load_state_dict(base.network.optimizer.state_dict())
        run.network.step = base.step
    return run


def train_longer(baseline: Baseline, alteration: Alteration) -> tuple[Run, Alteration]:
    """Double the epochs, and go on as long as the last ones were worth it and the budget lasts.

    Args:
        baseline: A training that went on to its end.
        alteration: Any factor of epochs.

    Returns:
        The run, and the change that it is in the end.
    """
    base, times = baseline.run, 2
    run = gone_on(baseline, alteration.with_(Alteration(epochs=MOST_TIMES / alteration.epochs)))
    if not run.step:
        run = gone_on(baseline, alteration.with_(Alteration(epochs=times / alteration.epochs)))
    steps, before = base.num_steps, base.step
    run.judged[before] = base.judged[before]
    run.advance(times * steps)
    while (times + 1) * steps <= run.num_steps and base.ledger.can_pay(steps):
        if run.diverged or not rises(baseline, run, before, times * steps):
            break
        before, weights = times * steps, copy.deepcopy(run.network.module.state_dict())
        times += 1
        run.advance(times * steps)
        if run.share(times * steps) < run.share(before):
            run.network.module.load_state_dict(weights)
            times -= 1
            del run.judged[(times + 1) * steps]
            break
    final = alteration.with_(Alteration(epochs=times / alteration.epochs))
    run.num_steps, run.alteration = times * steps, final
    return run, final


def price_of_longer(baseline: Baseline) -> int:
    """Steps that twice the epochs take."""
    constant = baseline.run.case.training.schedule == "constant"
    return baseline.run.num_steps * (1 if constant else 2)
