"""One record of every kind that shows itself, healthy and hostile."""

from __future__ import annotations

import math
from dataclasses import replace

from justfit.records import (
    FirstFailure,
    FitVerdict,
    LayerTrace,
    LossBins,
    OptimizerTrace,
    WatchRecord,
)
from justfit.rules import judge
from tests.unit.logs.records import record as watch_record
from tests.unit.records.test_module_sweep import make_cell, make_record
from tests.unit.report import checkups, judgements, labs, patients
from tests.unit.report.test_cure_text import record as cure_record
from tests.unit.report.test_cure_text import tried

NAN = math.nan
HOSTILE = judgements.HOSTILE + "$\\frac{$_&%#\u05e9\u05dc\u05d5\u05dd 🦩"


def watched(name="features.0", *, failed=False) -> WatchRecord:
    steps = tuple(range(1, 101, 5))
    layers = tuple(
        LayerTrace(name=f"{name}{k}", kind="Linear", num_parameters=10, num_trainable=10,
                   gradient_norm=tuple(0.5**k * 0.99**step for step in steps),
                   weight_norm=(1.0,) * len(steps), update_norm=(0.01,) * len(steps))
        for k in range(4)
    )  # fmt: skip
    bins = LossBins(
        first_step=tuple(range(1, 101, 10)), num_steps=(10,) * 10, mean=tuple(2.0 * 0.8**k for k in range(10)),
        std=(0.1,) * 10, minimum=tuple(1.8 * 0.8**k for k in range(10)), maximum=tuple(2.2 * 0.8**k for k in range(10)),
    )  # fmt: skip
    made = watch_record(judgements.history())
    failure = FirstFailure(cause="nan", stage="forward", step=77, epoch=2, layer=name) if failed else None
    evidence = replace(
        made.evidence, module=name, layers=layers, losses=bins, first_failure=failure,
        optimizers=(OptimizerTrace(name="optimizer", kind="SGD", steps=steps, num_steps=100),),
    )  # fmt: skip
    return replace(made, evidence=evidence, finished=True)


def judged_live() -> FitVerdict:
    """What `justfit.judge` gives back, with its history."""
    train = [2.3 * 0.8**epoch for epoch in range(40)]
    return judge(train, [loss + 0.3 + 0.02 * epoch for epoch, loss in enumerate(train)], unit="nats")


def cured():
    others = (
        tried(0.31, chosen=True),
        tried(-0.02, name="clip the gradient to norm 1"),
        tried(NAN, name="standardize the inputs"),
        tried(3.5, name="10 times the learning rate"),
    )
    return cure_record(tried=others, gain=others[0])


def hostile_cure():
    return cure_record(
        module=HOSTILE, patch=HOSTILE, notes=(HOSTILE,), reasons=(HOSTILE,), tried=(tried(name=HOSTILE, chosen=True),)
    )


def hostile_sweep():
    cells = [make_cell(l2) for l2 in (0.0, 1.0)]
    cells = tuple(replace(cell, setting=replace(cell.setting, init=HOSTILE[k:])) for k, cell in enumerate(cells))
    return make_record(cells=cells, best=1, chosen=1, module=HOSTILE, unit=HOSTILE, notes=(HOSTILE,))


EVERY = {
    "fit": patients.overfitting,
    "checkup": checkups.vanishing,
    "schemes": lambda: checkups.comparison(12),
    "judgement": judgements.overfitting,
    "verdict": lambda: patients.overfitting().verdict,
    "verdict with history": judged_live,
    "lab": labs.healthy,
    "watch": watched,
    "watch that failed": lambda: watched(failed=True),
    "cure": cured,
    "sweep": make_record,
}
ATTACKS = {
    "fit": patients.hostile,
    "checkup": checkups.hostile,
    "schemes": checkups.hostile_comparison,
    "judgement": judgements.hostile,
    "verdict": lambda: patients.hostile().verdict,
    "lab": labs.hostile,
    "watch": lambda: watched(HOSTILE, failed=True),
    "cure": hostile_cure,
    "sweep": hostile_sweep,
}
ODD = {
    "nothing finite": patients.all_diverged,
    "one cell": patients.single_cell,
    "10⁹": patients.regression,
    "without layers": checkups.empty,
    "unmeasured": checkups.unmeasured,
    "no scheme": checkups.failed_comparison,
    "no losses": judgements.empty,
    "without validation": judgements.without_validation,
    "extreme": judgements.extreme,
    "sparse": judgements.sparse,
    "a score": judgements.score,
    "nothing watched": lambda: watch_record(judgements.history()),
    "nothing tried": lambda: cure_record(tried=(), gain=None, state="no cure found"),
    "one setting": lambda: make_record(cells=(make_cell(0.0),), best=0, chosen=0),
}
