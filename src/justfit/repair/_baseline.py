"""The user's own training, watched: the same network to the last bit as unwatched, and what the rules make of it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from justfit.records import Finding, FitVerdict, History
from justfit.repair._case import Case
from justfit.repair._compare import MATERIAL, gain_of
from justfit.repair._run import Run
from justfit.rules import judge_history
from justfit.sweep import Unit, default_generator_kept
from justfit.watch import watch

# Steps that are sampled in one training, evenly: enough for every rule's series, and a share of the time that stays
# small. By number and not by seconds, so that the same seed finds the same.
NUM_SAMPLES = 40
# Shares of the epochs at which an evidently sick training may be stopped, so that budget is left for its cure.
LOOKS = (0.2, 0.35, 0.5)
# A training that has learned less of the learnable than this at such a look, and has a finding, is sick.
BARELY = 0.1
# Or that is this far behind the reference, as a share of what the reference has learned.
FAR_BEHIND = 0.5


@dataclass(slots=True)
class Baseline:
    """The user's training as far as it was run.

    Attributes:
        run: The network, and what it was worth at each epoch.
        findings: Of the rules, while it was trained; worst first.
        train_loss, validation_loss, train_loss_se, validation_loss_se: The history, in the unit of the user's loss.
        constant_loss: The user's loss of the best constant prediction; NaN where it cannot be told.
        stopped: Why it was stopped before its last epoch; "" if it was not.
    """

    run: Run
    constant_loss: float = math.nan
    findings: tuple[Finding, ...] = ()
    train_loss: list[float] = field(default_factory=list)
    train_loss_se: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    validation_loss_se: list[float] = field(default_factory=list)
    stopped: str = ""

    @property
    def shares(self) -> list[float]:
        """Share of the learnable after each epoch."""
        return [self.run.share(epoch) for epoch in range(1, len(self.validation_loss) + 1)]

    @property
    def verdict(self) -> FitVerdict:
        """Whether the network fits, by its history so far."""
        history = History(
            epochs=tuple(range(1, len(self.train_loss) + 1)),
            train_loss=tuple(self.train_loss),
            validation_loss=tuple(self.validation_loss),
            train_loss_se=tuple(self.train_loss_se),
            validation_loss_se=tuple(self.validation_loss_se),
            train_mode=False,
        )
        return judge_history(history, constant_loss=self.constant_loss)


def train_baseline(
    run: Run, *, static: tuple[Finding, ...], reference: Tensor | None, tick: Callable[[float], None]
) -> Baseline:
    """Train the user's network under watch, to its last epoch or until it is evidently sick.

    Args:
        run: The network, not trained yet.
        static: What the check before training found.
        reference: [n] scores of the closed-form reference; None where there is none.
        tick: Called with the share that is done.
    """
    case, ledger = run.case, run.ledger
    baseline = Baseline(run, constant_loss=_constant_loss(case, run))
    epochs, looks = case.training.epochs, {math.ceil(case.training.epochs * share) for share in LOOKS}
    plain = 0.0
    with (
        default_generator_kept(),
        watch(run.network.module, run.network.optimizer, live=False, every=_every(run), replay=False) as watched,
    ):
        while run.epoch < epochs:
            started = time.process_time()
            _one_epoch(baseline)
            plain += time.process_time() - started
            ledger.plain_seconds = plain / (1 + _own_share(watched.overhead.measured_fraction)) / run.epoch
            tick(run.epoch / epochs)
            if run.diverged:
                baseline.stopped = "the network is no longer finite"
            elif run.epoch in looks and run.epoch < epochs:
                baseline.stopped = _evidently_sick(baseline, (*static, *watched.findings), reference)
            if baseline.stopped:
                break
    baseline.findings = watched.findings
    return baseline


def go_on(baseline: Baseline, until: int) -> None:
    """Train a stopped baseline further, so that it can be held against a cure at the same epoch."""
    with default_generator_kept():
        while baseline.run.epoch < until and not baseline.run.diverged:
            _one_epoch(baseline)
    for epoch in range(baseline.run.epoch + 1, until + 1):  # it is what it is
        baseline.run.judged.setdefault(epoch, baseline.run.judged[baseline.run.epoch])


def _one_epoch(baseline: Baseline) -> None:
    run = baseline.run
    epoch = run.epoch + 1
    unit = Unit(variants=(run.network.variant,), tier="loop", until=epoch, measure=(epoch,))
    report = run.network.train(unit)
    run.ledger.num_epochs += 1
    held = report.validation_losses[0][0].double()
    run.look(epoch).losses = held
    baseline.validation_loss.append(float(held.mean()))
    baseline.validation_loss_se.append(float(held.std() / math.sqrt(len(held))))
    baseline.train_loss.append(float(report.train_loss[0, 0]))
    baseline.train_loss_se.append(float(report.train_loss_se[0, 0]))
    run.diverged = not math.isfinite(baseline.validation_loss[-1])


def _every(run: Run) -> int:
    training = run.case.training
    rows = len(run.case.examples.training_rows(run.network.variant.fold))
    return max(1, training.epochs * max(1, rows // training.batch_size) // NUM_SAMPLES)


def _own_share(fraction: float) -> float:
    return fraction if math.isfinite(fraction) else 0.0


def _evidently_sick(baseline: Baseline, findings: tuple[Finding, ...], reference: Tensor | None) -> str:
    run = baseline.run
    share = run.share(run.epoch)
    alarms = [finding for finding in findings if finding.severity != "info"]
    ceiling = 1.0 if reference is None else run.yardstick.share(reference)
    if alarms and share < max(BARELY, FAR_BEHIND * ceiling if reference is not None else 0.0):
        return f"{alarms[0].code}, and {max(share, 0):.0%} of the learnable was learned"
    if reference is not None and share < FAR_BEHIND * ceiling:
        behind = gain_of(
            [run.judged[run.epoch].scores], [reference], unit=run.yardstick.unit, run_noise=0.0, num_tried=1
        )
        if behind.lower > MATERIAL and baseline.shares[-1] - baseline.shares[len(baseline.shares) // 2] < MATERIAL:
            return f"it stands still at {max(share, 0):.0%} of the learnable; the reference learns {ceiling:.0%}"
    return ""


def _constant_loss(case: Case, run: Run) -> float:
    """The user's loss of the best constant prediction, where the loss takes one."""
    yardstick = run.yardstick
    _, targets = case.validation
    try:
        if yardstick.kind == "classes":
            known = case.training_targets
            classes = known.argmax(1) if known.is_floating_point() else known
            if classes.ndim != 1:
                return math.nan
            counts = torch.bincount(classes, minlength=yardstick.num_classes).float()
            constant = (counts.clamp_min(0.5) / counts.sum()).log().expand(len(targets), -1)
        elif yardstick.kind == "numbers":
            constant = case.training_targets.float().mean(0, keepdim=True).expand(targets.shape)
        else:
            return math.nan
        return float(case.training.loss_fn(constant, targets))
    except Exception:  # noqa: BLE001 - a loss of the user's that takes no such output says nothing here
        return math.nan
