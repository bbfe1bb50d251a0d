"""Watched runs to render: healthy, sick, broken, blind, large, and one with hostile names."""

import dataclasses
import math

from justfit.records import FirstFailure, FlightFrame, History, OverheadFigures, Unjudged, WatchRecord
from tests.unit.logs.records import finding, verdict
from tests.unit.report.judgements import HOSTILE
from tests.unit.rules import runs

NAN = math.nan


def overhead(**changed):
    given = {
        "allowed_fraction": 0.01, "measured_fraction": 0.005, "step_seconds": 0.01, "sample_seconds": 0.001,
        "passive_seconds": 1e-5, "interval": 16, "num_steps": 400, "num_samples": 12, **changed,
    }  # fmt: skip
    return OverheadFigures(**given)


def frames(num=20, last=400, *, layers=7, **changed):
    return tuple(
        FlightFrame(**{
            "step": last - num + 1 + k,
            "train_loss": 0.2 + 0.01 * (k % 3),
            "gradient_norm": 1.0 if k % 8 == 0 else NAN,
            "layers": (0.3,) * layers if k % 8 == 0 else (),
            "batch": k,
            "examples": tuple(range(32)),
            **changed,
        })
        for k in range(num)
    )  # fmt: skip


def since(step, code="JF408", where="layer3", **changed):
    return dataclasses.replace(finding(code, where=where, since=step), since_unit="step", **changed)


def record(evidence=None, **changed):
    given = {
        "evidence": runs.run() if evidence is None else evidence,
        "findings": (),
        "frames": frames(),
        "overhead": overhead(),
        "finished": True,
        "version": "1.0",
    }
    return WatchRecord(**{**given, **changed})


def epochs(num=10):
    each = tuple(range(1, num + 1))
    return History(
        epochs=each, train_loss=tuple(1 / e for e in each), validation_loss=tuple(1.1 / e + 0.02 * e for e in each)
    )


def healthy():
    return record()


def overfits():
    return record(runs.run(history=epochs()), verdict=verdict("overfitting", best_epoch=7, last_epoch=10))


def sick():
    """Two findings since one step, one since another, one without a step."""
    found = (since(64), since(64, "JF412"), since(200, "JF403", "layer0"), finding("JF105", "info"))
    evidence = runs.run(20, each=lambda i: {"gradient_norm": 10.0 ** (i - 20)}, notes=("Not all was measured.",))
    return record(evidence, findings=found, unjudged=(Unjudged(code="JF405", reason="none"),))


def broken():
    losses = [*runs.losses(num_steps=300), *[NAN] * 100]
    failure = FirstFailure(
        cause="nan", stage="loss", step=301, epoch=3, layer="layer2", operation="log", source="net.py:7", batch=4,
        examples=tuple(range(32)), how="The batch was run again.", rows=(3,),
    )  # fmt: skip
    lost = (*frames(12, 300), *frames(8, 308, train_loss=NAN, gradient_norm=math.inf))
    rising = {"gradient_norm": (0.3,) * 10 + (1e3, math.inf)}
    return record(
        runs.run(values=losses, at={2: rising}, first_failure=failure), frames=lost, findings=(since(301, "JF402"),)
    )


def blind():
    return record(runs.without_samples(runs.run(values=[NAN] * 400)), frames=(), finished=False)


def nothing():
    empty = dataclasses.replace(
        runs.run(0, values=[1.0]), layers=(), optimizers=(), losses=runs.bins([]), num_parameters=0
    )
    return record(empty, frames=(), overhead=overhead(num_steps=0, measured_fraction=NAN), finished=False)


def extreme():
    values = [10.0 ** (300 - k * 1.4) for k in range(400)]
    return record(
        runs.run(values=values, each=lambda i: {"gradient_norm": 10.0 ** (300 - 100 * i), "update_norm": 0.0})
    )


def hostile():
    failure = FirstFailure(
        cause="inf", stage="forward", step=7, epoch=1, layer=HOSTILE, operation=HOSTILE, source=HOSTILE, how=HOSTILE
    )
    evidence = runs.run(history=epochs(), first_failure=failure, module=HOSTILE, notes=(HOSTILE,), gradients=HOSTILE)
    named = tuple(
        dataclasses.replace(
            layer, name=f"{k}{HOSTILE}" if k else "🔥שלום" + "x" * 10_000, kind=HOSTILE, activation=HOSTILE
        )
        for k, layer in enumerate(evidence.layers)
    )
    evidence = dataclasses.replace(evidence, layers=named, optimizers=(runs.optimizer(name=HOSTILE, kind=HOSTILE),))
    told = (since(7, HOSTILE, HOSTILE), dataclasses.replace(since(9), since_unit=HOSTILE))
    return record(
        evidence, findings=told, unjudged=(Unjudged(code=HOSTILE, reason=HOSTILE),),
        verdict=verdict("undecided", best_epoch=3, last_epoch=10, reasons=(HOSTILE,), notes=(HOSTILE,)),
    )  # fmt: skip


def large(layers=1000):
    """A hundred thousand steps of a thousand layers, all series as long as watching ever makes them."""
    samples = tuple(range(1, 100_001, 196))[:512]
    rates = tuple(0.1 * (1 - k / 600) for k in range(len(samples)))
    base = runs.run(0, values=runs.losses(num_steps=100_000), length=196)
    series = {
        name: tuple(value * (1 + k / 512) for k in range(len(samples)))
        for name, value in (("weight_norm", 8.0), ("gradient_norm", 0.3), ("update_norm", 0.03), ("dead_fraction", 0.1))
    }
    every = tuple(
        dataclasses.replace(base.layers[0], name=f"blocks.{k}.attention.projection", **series) for k in range(layers)
    )
    optimizer = runs.optimizer(steps=samples, learning_rate=rates, num_steps=100_000)
    found = tuple(since(1 + 100 * k, f"JF4{k % 15:02}", f"blocks.{k}.attention.projection") for k in range(layers))
    evidence = dataclasses.replace(base, layers=every, optimizers=(optimizer,), notes=("A note.",) * 500)
    return record(evidence, frames=frames(256, 100_000, layers=layers), findings=found)


ALL = {
    made.__name__: made
    for made in (healthy, overfits, sick, broken, blind, nothing, extreme, hostile)
}  # fmt: skip
