"""Stand-ins for the estimators and the report, so that the command line is tested alone and in milliseconds.

`install` puts them into sys.modules, in this process or in one that a test has started.
"""

import dataclasses
import json
import os
import signal
import sys
import time
import types
from pathlib import Path

from justfit.errors import ColumnError
from justfit.records import Progress
from tests.unit.records.samples import RESULT


def _refuse(**_):
    raise ColumnError("`--target` must name a column.", found="`diagnose`", way_out="Did you mean `diagnosis`?")


def _break(**_):
    raise KeyError("layer 3")


def _exhaust(**_):
    raise MemoryError


def _interrupt(**_):
    raise KeyboardInterrupt


def _wait_for_a_signal(*, on_progress, **_):
    try:
        on_progress(Progress(stage="sweep: 60 networks", fraction=0.1))
        time.sleep(60)
    except KeyboardInterrupt:
        return fitted(interrupted_by_user=True)
    raise AssertionError("no signal came")


def _wait_and_give_up(*, on_progress, **_):
    on_progress(Progress(stage="reading", fraction=0.0))
    time.sleep(60)


def _signal_itself(**_):
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(60)


def _train(*, on_progress, **_):
    if on_progress is not None:
        for stage in ("reading", "sweep: 60 networks"):
            for fraction in (0.0, 0.5, 1.0):
                on_progress(Progress(stage=stage, fraction=fraction, detail="epoch 30 of [60]"))
    return fitted()


def _run_out_of_time(**_):
    return fitted(interrupted=True)


def _stop_early(**_):
    return fitted(interrupted_by_user=True)


BEHAVIOURS = {
    behaviour.__name__.strip("_"): behaviour
    for behaviour in (
        _refuse, _break, _exhaust, _interrupt, _wait_for_a_signal, _wait_and_give_up, _signal_itself, _train,
        _run_out_of_time, _stop_early,
    )
}  # fmt: skip


def fitted(*, interrupted_by_user=False, interrupted=False):
    result = dataclasses.replace(RESULT, interrupted=interrupted or interrupted_by_user)
    files = {"report": Path("digits-fit/report.html"), "result": Path("digits-fit/result.json")}
    return types.SimpleNamespace(result=result, files=files, interrupted_by_user=interrupted_by_user)


def predicted():
    import polars as pl  # late: some tests ask that nothing heavy is loaded

    frame = pl.DataFrame({"prediction": ["ü", "b"], "p_ü": [0.75, 0.25]})
    return types.SimpleNamespace(frame=frame, notes=("2 unknown categories in `town`",))


def install(behaviour="train"):
    """Replace justfit.estimators and justfit.report; return the list in which the calls are kept."""
    calls = []

    def fit_table(source, **arguments):
        calls.append((source, arguments))
        return BEHAVIOURS[behaviour](**arguments)

    def predict_table(directory, source, **arguments):
        calls.append((directory, source, arguments))
        return predicted() if behaviour == "train" else BEHAVIOURS[behaviour](**arguments)

    def render_text(result, console):
        console.print(f"verdict: {result.verdict.state} λ")

    def render_json(result):
        return json.dumps({"verdict": result.verdict.state, "note": "λ"}, ensure_ascii=False)

    for name, functions in (
        ("justfit.estimators", (fit_table, predict_table)),
        ("justfit.report", (render_text, render_json)),
    ):
        module = types.ModuleType(name)
        module.__dict__.update({function.__name__: function for function in functions})
        sys.modules[name] = module
    return calls
