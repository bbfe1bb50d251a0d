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
from justfit.repair._run import FRACTIONS, Judged, Run, mark
from justfit.rules import judge_history
from justfit.sweep import default_generator_kept
from justfit.watch import Run as Watch
from justfit.watch import watch

# Steps that are sampled in one training, evenly: enough for every rule's series, and a share of the time that stays
# small. By number and not by seconds, so that the same seed finds the same.
NUM_SAMPLES = 32
# Shares of the training at which an evidently sick one is stopped, so that budget is left for its cure.
LOOKS = (0.25, 0.5)
# A training that has learned less of the learnable than this at such a look, and has a finding, is sick.
BARELY = 0.1
# Or that is this far behind the reference, as a share of what the reference has learned.
FAR_BEHIND = 0.5


@dataclass(slots=True)
class Baseline:
    """The user's training as far as it was run.

    Attributes:
        run: The network, and what it was worth at each step at which it was looked at.
        findings: Of the rules, while it was trained; worst first.
        train_loss, validation_loss, train_loss_se, validation_loss_se: The history, one entry per epoch, in the unit of
            the user's loss.
        constant_loss: The user's loss of the best constant prediction; NaN where it cannot be told.
        stopped: Why it was stopped before its last epoch; "" if it was not.
        stopped_at: After how many epochs.
        interrupted: By Ctrl-C.
        moved: How far the layer that moves most would move in a whole training, in units of its own norm; or NaN.
    """

    run: Run
    constant_loss: float = math.nan
    findings: tuple[Finding, ...] = ()
    train_loss: list[float] = field(default_factory=list)
    train_loss_se: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    validation_loss_se: list[float] = field(default_factory=list)
    stopped: str = ""
    stopped_at: float = 0.0
    interrupted: bool = False
    moved: float = math.nan

    @property
    def stopped_words(self) -> str:
        """Why it was stopped, as a sentence."""
        return f"Your training was stopped after {self.stopped_at:.3g} epochs: {self.stopped}."

    @property
    def shares(self) -> list[float]:
        """Share of the learnable after each whole epoch."""
        run = self.run
        steps = run.network.steps_per_epoch
        return [run.share(k * steps) for k in range(1, len(self.train_loss) + 1) if k * steps in run.judged]

    @property
    def history(self) -> History:
        """The epochs so far."""
        return History(
            epochs=tuple(range(1, len(self.train_loss) + 1)),
            train_loss=tuple(self.train_loss),
            validation_loss=tuple(self.validation_loss),
            train_loss_se=tuple(self.train_loss_se),
            validation_loss_se=tuple(self.validation_loss_se),
            train_mode=False,
        )

    @property
    def verdict(self) -> FitVerdict | None:
        """Whether the network fits, by its history so far; None before the first epoch is done."""
        return judge_history(self.history, constant_loss=self.constant_loss) if self.train_loss else None


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
    baseline = Baseline(run, constant_loss=_constant_loss(run.case, run))
    begun = _weights(run)
    every = max(1, run.num_steps // NUM_SAMPLES)
    with watch(
        run.network.module, run.network.optimizer, live=False, every=every, overhead=1.0, replay=False
    ) as watched:
        try:
            _go_to_the_end(baseline, (watched, static), reference, tick)
        except KeyboardInterrupt:
            baseline.stopped, baseline.interrupted = "by Ctrl-C", True
            run.look(run.step)
    baseline.findings, baseline.stopped_at = watched.findings, run.epochs_done
    baseline.moved = _moved(begun, _weights(run)) * run.num_steps / max(run.step, 1)
    return baseline


def _go_to_the_end(
    baseline: Baseline, seen: tuple[Watch, tuple[Finding, ...]], reference: Tensor | None, tick: Callable[[float], None]
) -> None:
    run, (watched, static) = baseline.run, seen
    looks = {mark(run.num_steps, share) for share in LOOKS}
    plain = 0.0
    for step in _marks(run):
        started = time.process_time()
        _go_to(baseline, step)
        plain += time.process_time() - started
        own = watched.overhead.measured_fraction
        run.ledger.plain_seconds = plain / (1 + (own if math.isfinite(own) else 0.0)) / step
        tick(step / run.num_steps)
        if run.diverged:
            baseline.stopped = "the network is no longer finite"
        elif step in looks and step < run.num_steps:
            baseline.stopped = _evidently_sick(baseline, (*static, *watched.findings), reference)
        if baseline.stopped:
            break


def untrained(run: Run, trouble: str) -> Baseline:
    """What stands for a training that raised: a network that knows no more than the best constant prediction."""
    run.diverged = True
    for fraction in FRACTIONS:
        run.judged[mark(run.num_steps, fraction)] = Judged(run.yardstick.constant.clone(), math.nan)
    return Baseline(run, stopped=trouble)


def go_on(baseline: Baseline, until: int) -> None:
    """Train a stopped baseline further, so that it can be held against a cure at the same step."""
    for step in _marks(baseline.run):
        if baseline.run.step < step <= until:
            _go_to(baseline, step)
    baseline.run.advance(until)  # of a network that is no longer finite: it is what it is


def _weights(run: Run) -> list[Tensor]:
    return [p.detach().clone() for p in run.network.module.parameters() if p.requires_grad and p.ndim > 1]


def _moved(before: list[Tensor], after: list[Tensor]) -> float:
    """Largest ‖Δw‖/‖w‖ of a weight; NaN where one begins at zero or ends in NaN, or where there is none."""
    ratios = [float((new - old).norm() / old.norm()) for old, new in zip(before, after, strict=True)]
    return max(ratios) if ratios and all(math.isfinite(ratio) for ratio in ratios) else math.nan


def _marks(run: Run) -> list[int]:
    steps = run.network.steps_per_epoch
    ends = {epoch * steps for epoch in range(1, run.network.training.epochs + 1)}
    return sorted(ends | {mark(run.num_steps, fraction) for fraction in (*FRACTIONS, 0.75)})


def _go_to(baseline: Baseline, step: int) -> None:
    run = baseline.run
    run.advance(step)
    if run.diverged or step % run.network.steps_per_epoch:
        return
    with default_generator_kept():
        held, loss, error = run.network.measure()
    held = held.double()
    baseline.validation_loss.append(float(held.mean()))
    baseline.validation_loss_se.append(float(held.std() / math.sqrt(len(held))))
    baseline.train_loss.append(loss)
    baseline.train_loss_se.append(error)
    run.diverged = not math.isfinite(baseline.validation_loss[-1])


def _evidently_sick(baseline: Baseline, findings: tuple[Finding, ...], reference: Tensor | None) -> str:
    run = baseline.run
    share = run.last_share
    if reference is not None and run.yardstick.share(reference) < MATERIAL:
        return ""  # nothing says that more can be learned: it goes on, to see whether at least the training rows are
    alarms = [finding for finding in findings if finding.severity != "info"]
    ceiling = 1.0 if reference is None else run.yardstick.share(reference)
    if alarms and share < max(BARELY, FAR_BEHIND * ceiling if reference is not None else 0.0):
        return f"{alarms[0].code}, and {max(share, 0):.0%} of the learnable was learned"
    if reference is not None and share < FAR_BEHIND * ceiling:
        scores = run.judged[max(run.judged)].scores
        behind = gain_of([scores], [reference], unit=run.yardstick.unit, run_noise=0.0, alpha=0.05)
        looks = sorted(run.judged)
        if behind.is_proven and share - run.share(looks[len(looks) // 2]) < MATERIAL:
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
    except Exception:
        return math.nan
