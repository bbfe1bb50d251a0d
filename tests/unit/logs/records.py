"""A verdict and a watch record, small and whole."""

from justfit.records import (
    Finding,
    FitVerdict,
    LossBins,
    OverheadFigures,
    WatchEvidence,
    WatchRecord,
)


def finding(code="JF105", severity="warning", where="network", since=3):
    return Finding(
        code=code, name="a disease", severity=severity, where=where, value=9.0, threshold=6.0, unit="nats",
        why="It matters.", when_wrong="Seldom.", cure="Change it.", since=since, since_unit="epoch",
    )  # fmt: skip


def verdict(state="overfitting", findings=(), **changed):
    probabilities = dict.fromkeys(("overfitting", "underfitting", "just_right"), 0.05)
    if state == "undecided":
        probabilities = {"overfitting": 0.5, "underfitting": 0.3, "just_right": 0.2}
    else:
        probabilities[state] = 0.9
    nan = float("nan")
    numbers = {
        "train_loss": 0.1, "train_loss_se": 0.01, "validation_loss": 0.5, "validation_loss_se": 0.02,
        "generalization_gap": 0.4, "generalization_gap_se": 0.02, "reference_loss": nan, "reference_name": "",
        "avoidable_bias": nan, "avoidable_bias_se": nan, "excess_loss": nan, "excess_loss_se": nan,
        "constant_loss": nan, "unit": "nats", "reasons": ("The validation loss rose.",), "best_epoch": 2,
        "last_epoch": 4, "further_epochs_cost": 0.1, "further_epochs_cost_se": 0.01, "overfitting_since": 3,
        "notes": ("Seen.",), **changed,
    }  # fmt: skip
    return FitVerdict(
        state=state, probability=max(probabilities.values()), probabilities=probabilities, decision_probability=0.8,
        findings=tuple(findings), **numbers,
    )  # fmt: skip


def record(history, findings=None):
    return WatchRecord(
        evidence=WatchEvidence(
            module="Net", num_parameters=10, unit_roundoff=1e-7, optimizers=(), layers=(), losses=LossBins(),
            history=history,
        ),
        findings=(finding("JF402", "error", "encoder.0"),) if findings is None else findings,
        overhead=OverheadFigures(
            allowed_fraction=0.01, measured_fraction=0.005, step_seconds=0.01, sample_seconds=0.001,
            passive_seconds=1e-5, interval=16, num_steps=100, num_samples=7,
        ),
    )  # fmt: skip
