"""Repair a training: find by intervention what is wrong with it, and prove what cures it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from justfit.checkup import check
from justfit.errors import ArgumentError, JustFitError
from justfit.records import Checkup, CureState, Finding, OnProgress, Progress
from justfit.repair._alteration import Alteration
from justfit.repair._assemble import assemble
from justfit.repair._baseline import Baseline, train_baseline
from justfit.repair._case import Case, outputs_on, with_optimizer_read
from justfit.repair._hypotheses import hypotheses_of
from justfit.repair._ledger import Ledger
from justfit.repair._reference import reference_outputs
from justfit.repair._result import Cure
from justfit.repair._rows import examples_of
from justfit.repair._run import Run
from justfit.repair._search import Search, Trial
from justfit.repair._symptoms import Symptoms, read_symptoms
from justfit.repair._yardstick import Yardstick, yardstick_for
from justfit.sweep import (
    LearningRateSchedule,
    LossFunction,
    OptimizerFactory,
    Setting,
    Training,
    default_generator_kept,
)


def cure(
    build: Callable[[], nn.Module],
    train: Any,
    validation: Any = None,
    *,
    loss_fn: LossFunction | None = None,
    optimizer: str | OptimizerFactory = "adam",
    learning_rate: float = 1e-3,
    epochs: int = 30,
    batch_size: int = 32,
    schedule: LearningRateSchedule = "constant",
    l2: float = 0.0,
    clip_norm: float | None = None,
    budget: float = 3.0,
    seed: int = 0,
    on_progress: OnProgress | None = None,
) -> Cure:
    """Find out by intervention why a training fails, and prove what cures it."""
    case = _case(
        build, train, validation, loss_fn=loss_fn, l2=l2, seed=seed, optimizer=optimizer, learning_rate=learning_rate,
        epochs=epochs, batch_size=batch_size, schedule=schedule, clip_norm=clip_norm,
    )  # fmt: skip
    return Repair(case, budget, on_progress).run()


def _case(
    build: Callable[[], nn.Module],
    train: Any,
    validation: Any,
    *,
    loss_fn: LossFunction | None,
    l2: float,
    seed: int,
    **how: Any,
) -> Case:
    from justfit.repair._pairing import default_loss

    training = Training(
        build=build, examples=examples_of(train, validation, seed), loss_fn=loss_fn or default_loss, **how
    )
    with default_generator_kept():
        return with_optimizer_read(Case(training=training, setting=Setting(l2=l2), seed=seed))


@dataclass(slots=True)
class Repair:
    """One repair on its way."""

    case: Case
    budget: float
    on_progress: OnProgress | None = None
    static: tuple[Finding, ...] = ()
    checkup: Checkup | None = None
    trouble: str = ""
    notes: list[str] = field(default_factory=list)

    def run(self) -> Cure:
        """Check, train, try, prove."""
        module = self._check()
        yardstick = self._yardstick(module)
        reference = self._reference(yardstick)
        ledger = Ledger(budget=self.budget, num_steps=1, epochs=self.case.training.epochs)
        run = Run(self.case, Alteration(), yardstick, ledger)
        ledger.num_steps = run.num_steps
        baseline = train_baseline(
            run, static=self.static, reference=reference, tick=lambda done: self._tick("your training, watched", done)
        )
        symptoms = read_symptoms(baseline, self.static, reference)
        if not symptoms.is_sick:
            return self._assembled(baseline, symptoms, "nothing to repair", None, [])
        search = Search(baseline, hypotheses_of(self.case, symptoms, module), symptoms.reference_share, self._tick)
        best = search.best()
        if best is not None:
            best = search.finish(best)
        return self._assembled(baseline, symptoms, _state(search, best), best, search.tried)

    def _check(self) -> nn.Module:
        with default_generator_kept():
            module = self.case.network(Alteration()).module
        inputs, targets = self.case.batch
        positional, keywords = (
            ((), inputs) if isinstance(inputs, dict) else (inputs if isinstance(inputs, tuple) else (inputs,), {})
        )
        self.checkup = check(module, *positional, targets=targets, loss_fn=self.case.training.loss_fn, **keywords)
        self.static = self.checkup.findings
        return module

    def _yardstick(self, module: nn.Module) -> Yardstick:
        inputs, _ = self.case.batch
        _, targets = self.case.validation
        return yardstick_for(outputs_on(module, inputs), targets, self.case.training_targets)

    def _reference(self, yardstick: Yardstick) -> Tensor | None:
        examples = self.case.examples
        rows = examples.training_rows(0)
        held, _ = self.case.validation
        if not isinstance(examples.inputs, Tensor):
            return None
        outputs = reference_outputs(
            examples.inputs[rows], self.case.training_targets, held, yardstick, seed=self.case.seed
        )
        return None if outputs is None else yardstick.scores(outputs)

    def _tick(self, stage: str, done: float) -> None:
        if self.on_progress is not None:
            self.on_progress(Progress(stage=stage, fraction=min(done, 1.0)))

    def _assembled(
        self, baseline: Baseline, symptoms: Symptoms, state: CureState, best: Trial | None, tried: list[Trial]
    ) -> Cure:
        return assemble(baseline, symptoms, state, best if state == "cured" else None, tried)


def _state(search: Search, best: Trial | None) -> CureState:
    if best is None or best.gain is None:
        return "no cure found"
    if search.is_proven(best):
        return "cured"
    return "undecided" if best.gain.upper > 0 and best.gain.mean > 0 else "no cure found"
