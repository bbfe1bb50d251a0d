"""Repairs to render: each state, what could not be trained, and one with hostile names."""

import dataclasses
import math

from justfit.records import Change, CureCost, CureRecord, History, Learned, TriedChange
from tests.unit.logs.records import finding, verdict
from tests.unit.report.judgements import HOSTILE

NAN = math.nan
LAYERS = ("0: Linear(20, 32)", "1: Sigmoid()", "2: Linear(32, 32)", "3: Sigmoid()", "4: Linear(32, 2)")


def tried(gain=0.3, *, name="initialize with scheme auto", chosen=False, half=0.02, **changed):
    given = {
        "name": name, "cause": "initialization", "because": (), "epochs": 10.0, "share": 0.5, "gain": gain,
        "gain_se": 0.01, "gain_lower": gain - half, "gain_upper": gain + half, "num_seeds": 1, "chosen": chosen,
    }  # fmt: skip
    return TriedChange(**{**given, **changed})


def history(end=0.4, num=10, **changed):
    epochs = tuple(range(1, num + 1))
    given = {
        "epochs": epochs,
        "train_loss": tuple(end + 0.5 / e for e in epochs),
        "validation_loss": tuple(end + 0.1 + 0.5 / e for e in epochs),
        "train_loss_se": (0.01,) * num,
        "validation_loss_se": (0.02,) * num,
    }
    return History(**{**given, **changed})


def learned(end=0.8, num=10):
    return Learned(
        epochs=tuple(k / 2 for k in range(1, num + 1)),
        share=tuple(end * k / num for k in range(1, num + 1)),
        share_se=(0.02,) * num,
    )


def change(**changed):
    given = {
        "kind": "initialization", "where": "network", "source": "net.py:7", "before": "as built", "after": "auto",
        "code": "initialize_(net)", "why": "Signals keep their size.", **changed,
    }  # fmt: skip
    return Change(**given)


def record(**changed):
    gain = tried(0.6, chosen=True)
    given = {
        "state": "cured", "cause": "initialization", "module": "Net", "reasons": ("JF201 vanishing gradient",),
        "changes": (change(),), "patch": "net.py:7: as built → auto.\n    initialize_(net)\n",
        "tried": (tried(-0.1, name="layer normalization"), gain, tried(0.01, name="momentum", half=0.05)),
        "findings": (finding("JF201", "error", "3"),), "verdict": None, "share_before": 0.2, "share_after": 0.8,
        "error_before": 0.5, "error_after": 0.1, "reference_share": 0.82, "epochs_before": 10.0, "epochs_after": 10.0,
        "gain": gain, "notes": (), "interrupted": False,
        "cost": CureCost(network_epochs=30.0, trainings=2.5, seconds=1.0, training_seconds=0.4, budget=3.0),
        "history_before": history(0.6), "history_after": history(0.1), "learned_before": learned(0.2),
        "learned_after": learned(0.8),
    }  # fmt: skip
    return CureRecord(**{**given, **changed})


def cured():
    return record()


def new_layers():
    relu = tuple(line.replace("Sigmoid", "ReLU") for line in LAYERS)
    changes = tuple(
        change(kind="activation", where=f"{k}", before="nn.Sigmoid()", after="nn.ReLU()", why="It saturates.")
        for k in range(12)
    )
    return record(layers_before=LAYERS, layers_after=relu, changes=changes, repeated=tried(0.55, chosen=True))


def other_loss():
    return record(history_after=history(30.0, notes=("The loss is another one than that of your training.",)))


def far_short():
    return record(share_before=-3.0, share_after=0.1, gain=tried(3.1, chosen=True), learned_before=learned(-3.0))


def _nothing(**changed):
    return {
        "cause": "",
        "changes": (),
        "patch": "",
        "gain": None,
        "history_after": None,
        "learned_after": None,
        **changed,
    }


def nothing_to_repair():
    judged = verdict("just_right", best_epoch=10, last_epoch=10)
    return record(**_nothing(state="nothing to repair", tried=(), findings=(), reasons=(), verdict=judged))


def no_cure():
    failed = tried(NAN, name="added dropout", half=NAN, share=NAN, trouble="RuntimeError: no")
    note = "The likely cause: `2.weight` is frozen."
    wild = tried(-400.0, name="ten times the rate", half=900.0)
    return record(**_nothing(state="no cure found", tried=(failed, wild), notes=(note, "Another."), share_after=0.2))


def more_data():
    return record(**_nothing(state="more data, not more regularization", verdict=verdict("overfitting", last_epoch=10)))


def undecided():
    return record(**_nothing(state="undecided", tried=(tried(0.05, half=0.1),), reference_share=NAN))


def untrained():
    given = _nothing(state="no cure found", tried=(), history_before=None, learned_before=None, interrupted=True)
    return record(**given, share_before=NAN, share_after=NAN, error_before=NAN, error_after=NAN)


def hostile():
    gain = tried(0.6, chosen=True, name=HOSTILE, cause=HOSTILE)
    relu = tuple(f"{line}{HOSTILE}" for line in LAYERS)
    lines = "\n".join([HOSTILE, "x" * 10_000, "    indented 🔥 שלום"])
    return record(
        module=HOSTILE, cause=HOSTILE, reasons=(HOSTILE,), patch=lines, tried=(gain, tried(NAN, trouble=HOSTILE)),
        gain=gain, notes=(HOSTILE,), layers_before=LAYERS, layers_after=relu,
        changes=(change(where=HOSTILE, source=HOSTILE, before=HOSTILE, after="x" * 10_000, code=HOSTILE, why=HOSTILE),),
        findings=(dataclasses.replace(finding(HOSTILE, "error", HOSTILE), why=HOSTILE),),
    )  # fmt: skip


ALL = {
    made.__name__: made
    for made in (
        cured, new_layers, other_loss, far_short, nothing_to_repair, no_cure, more_data, undecided, untrained, hostile,
    )
}  # fmt: skip
