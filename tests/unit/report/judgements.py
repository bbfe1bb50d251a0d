"""Judged histories to render: each state, the odd ones, and one with hostile names."""

import math

from justfit.records import History, Judgement
from tests.unit.logs.records import finding, verdict

NAN = math.nan
HOSTILE = "</script><b onload=x>\x1b[31m\u202e[red]" + "a" * 500


def history(num=20, **changed):
    epochs = tuple(range(1, num + 1))
    given = {
        "epochs": epochs,
        "train_loss": tuple(1.0 / epoch for epoch in epochs),
        "validation_loss": tuple(1.2 / epoch + 0.01 * epoch for epoch in epochs),
        "source": "runs/log.csv",
        "kind": "Keras history (csv)",
        "train_name": "loss",
        "validation_name": "val_loss",
    }
    return History(**{**given, **changed})


def judged(state="overfitting", *, read=None, **changed):
    read = history() if read is None else read
    best = {
        "best_epoch": 11,
        "last_epoch": read.epochs[-1],
        "overfitting_since": 13 if state == "overfitting" else None,
    }
    return Judgement(history=read, verdict=verdict(state, **{**best, **changed}))


def overfitting():
    return judged(findings=(finding(), finding("JF106", "info")))


def with_errors():
    errors = (0.02,) * 20
    return judged(
        read=history(train_loss_se=errors, validation_loss_se=errors), reference_loss=0.3, reference_name="boosting",
        constant_loss=1.0,
    )  # fmt: skip


def score():
    read = history(
        validation_loss=tuple(0.9 - 1 / (e + 2) for e in range(20)), direction="maximize", train_mode=True,
        train_loss=tuple(0.95 - 1 / (e + 2) for e in range(20)),
    )  # fmt: skip
    return judged("just_right", read=read, best_epoch=20, unit="")


def sparse():
    values = tuple(1.0 / epoch if epoch % 5 == 0 else NAN for epoch in range(1, 21))
    return judged("underfitting", read=history(validation_loss=values, epoch_name="step"), best_epoch=20)


def without_validation():
    read = history(validation_loss=(NAN,) * 20)
    missing = dict.fromkeys(
        ("validation_loss", "validation_loss_se", "generalization_gap", "generalization_gap_se", "further_epochs_cost",
         "further_epochs_cost_se"), NAN,
    )  # fmt: skip
    return judged("undecided", read=read, best_epoch=None, **missing)


def empty():
    read = history(1, train_loss=(NAN,), validation_loss=(NAN,), source="", kind="")
    return judged("undecided", read=read, best_epoch=None, last_epoch=1, train_loss=NAN, reasons=(), notes=())


def long():
    return judged(read=history(50_000), best_epoch=100, overfitting_since=49_000)


def extreme():
    read = history(validation_loss=tuple(10.0 ** (30 - e) for e in range(20)), train_loss=(-1e300,) * 20)
    return judged(read=read, validation_loss=1e300, further_epochs_cost=1e-300, further_epochs_cost_se=0.0)


def hostile():
    read = history(source=HOSTILE, kind=HOSTILE, train_name=HOSTILE, validation_name=HOSTILE, epoch_name=HOSTILE)
    return judged(
        read=read, unit=HOSTILE, reference_name=HOSTILE, reference_loss=0.5, reasons=(HOSTILE,), notes=(HOSTILE,),
        findings=(finding(HOSTILE, "error", HOSTILE),),
    )  # fmt: skip


ALL = {
    made.__name__: made
    for made in (overfitting, with_errors, score, sparse, without_validation, empty, long, extreme, hostile)
}
