"""A proven cure once more, with other draws of weights, batches and masks."""

from __future__ import annotations

from justfit.repair._alteration import Alteration
from justfit.repair._compare import ALPHA, Gain, gain_of, run_noise
from justfit.repair._run import Run, mark
from justfit.repair._search import COMPARED, Search
from justfit.repair._trial import Trial

# Shortest horizon at which two pairs are worth looking at, besides those of a chosen change.
SHORTEST = 0.25


def repeat(search: Search, trial: Trial) -> Trial | None:
    """Run before and after with the next seed, as far as the rest of the budget goes.

    It is told beside the proof and does not take part in it: a budget that ends here unproves nothing.

    Returns:
        Both pairs together, with the variance between them in the interval; None where the budget does not reach, or
        where the user's training cannot be run.
    """
    base, run = search.baseline.run, trial.trained
    marks = [mark(search.num_steps, fraction) for fraction in (*reversed(COMPARED), SHORTEST)]
    known = [step for step in marks if step in base.judged and step in run.judged]
    step = next((step for step in known if search.ledger.can_pay(2 * step)), 0)
    if not step or trial.hypothesis.at_end or (base.diverged and not base.step):
        return None
    search.tick("once more with other draws", 0.95)
    seed, alteration = base.case.seed + 1, trial.hypothesis.alteration
    before = Run(base.case, Alteration(), base.yardstick, search.ledger, seed=seed)
    after = Run(base.case, alteration, base.yardstick, search.ledger, seed=seed)
    before.advance(step)
    after.advance(step)
    return Trial(trial.hypothesis, run, step, _gain(search, (base, before), (run, after), step))


def _gain(search: Search, before: tuple[Run, Run], after: tuple[Run, Run], step: int) -> Gain:
    return gain_of(
        [run.judged[step].scores for run in before],
        [run.judged[step].scores for run in after],
        unit=before[0].yardstick.unit,
        run_noise=run_noise(search.baseline.shares),
        alpha=ALPHA,
    )
