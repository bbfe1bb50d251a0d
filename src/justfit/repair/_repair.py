"""One repair from the check to the proof."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from torch import Tensor, nn

from justfit.checkup import check
from justfit.errors import ArgumentError
from justfit.records import CureState, Finding, OnProgress, Progress
from justfit.repair._alteration import OVERFITTING, Alteration
from justfit.repair._assemble import assemble
from justfit.repair._baseline import Baseline, train_baseline, untrained
from justfit.repair._case import HELD_OUT, Case, outputs_on
from justfit.repair._compare import MATERIAL
from justfit.repair._data import faults_of_data, no_cure_can_help, nothing_to_learn
from justfit.repair._first_look import check_recipe
from justfit.repair._frozen import frozen_words
from justfit.repair._hypotheses import hypotheses_of
from justfit.repair._ledger import Ledger
from justfit.repair._reference import reference_outputs
from justfit.repair._repeat import repeat
from justfit.repair._result import Cure
from justfit.repair._run import Run
from justfit.repair._search import Search
from justfit.repair._structure_faults import structure_faults
from justfit.repair._symptoms import Symptoms, read_symptoms
from justfit.repair._trial import Trial
from justfit.repair._yardstick import Yardstick, yardstick_for
from justfit.sweep import call_arguments, default_generator_kept


@dataclass(slots=True)
class Repair:
    """One repair on its way.

    Attributes:
        case: The user's recipe.
        budget: Trainings that may be spent.
        on_progress: Called at each tick.
        trouble: What check or training raised; "" if nothing.
        notes: What else was seen, such as faults of the data.
    """

    case: Case
    budget: float
    on_progress: OnProgress | None = None
    trouble: str = ""
    notes: list[str] = field(default_factory=list)

    def run(self) -> Cure:
        """Check, train, try, prove."""
        module = self._built()
        check_recipe(self.case, module)
        static = self._checked(module)
        yardstick = self._yardstick(module)
        self.notes += faults_of_data(self.case, yardstick)
        reference = self._reference(yardstick)
        ledger = Ledger(budget=self.budget, num_steps=1, epochs=self.case.training.epochs)
        run = Run(self.case, Alteration(), yardstick, ledger)
        ledger.num_steps = run.num_steps
        baseline = self._baseline(run, static, reference)
        structure = structure_faults(module, self.case.batch[0])
        symptoms = read_symptoms(baseline, static, reference, self.trouble, structure)
        if not symptoms.is_sick and not baseline.interrupted:
            return self._assembled(baseline, symptoms, "nothing to repair", None, [])
        self.notes = nothing_to_learn(baseline, symptoms) + self.notes
        frozen = frozen_words(module)
        self.notes += [frozen] if frozen else []
        if baseline.interrupted or no_cure_can_help(self.notes):
            return self._assembled(baseline, symptoms, "no cure found", None, [], interrupted=baseline.interrupted)
        with _quiet():
            hypotheses = hypotheses_of(self.case, symptoms, module)
        search = Search(baseline, hypotheses, symptoms.reference_share, self._tick)
        best, interrupted = _searched(search)
        state = _state(search, best)
        if not search.tried and not interrupted:
            self.notes.insert(0, _why_nothing(search))
        again = _repeated(search, best) if state == "cured" and not interrupted else None
        return self._assembled(baseline, symptoms, state, best, search.tried, again=again, interrupted=interrupted)

    def _built(self) -> nn.Module:
        with default_generator_kept():
            return self.case.network(Alteration()).module

    def _checked(self, module: nn.Module) -> tuple[Finding, ...]:
        inputs, targets = self.case.batch
        positional, keywords = call_arguments(inputs)
        try:
            with _quiet():
                loss_fn = self.case.training.loss_fn
                return check(module, *positional, targets=targets, loss_fn=loss_fn, **keywords).findings
        except ArgumentError:
            raise
        except Exception as error:
            self.trouble = _words(error)
            return ()

    def _yardstick(self, module: nn.Module) -> Yardstick:
        inputs, _ = self.case.batch
        _, targets = self.case.validation
        try:
            outputs = outputs_on(module, inputs)
        except Exception as error:
            raise ArgumentError(
                "The network must run on the inputs it is trained on.",
                found=f"`{_words(error)}`",
                way_out="Correct it: a network that cannot be run has no counterfactual.",
            ) from error
        return yardstick_for(outputs, targets, self.case.training_targets)

    def _reference(self, yardstick: Yardstick) -> Tensor | None:
        rows = self.case.examples.training_rows(HELD_OUT)
        inputs = self.case.examples.inputs
        if not isinstance(inputs, Tensor):
            return None
        held, _ = self.case.validation
        targets = self.case.training_targets
        outputs = reference_outputs(inputs[rows], targets, held, yardstick, seed=self.case.seed)
        return None if outputs is None else yardstick.scores(outputs)

    def _baseline(self, run: Run, static: tuple[Finding, ...], reference: Tensor | None) -> Baseline:
        if not self.trouble:
            try:
                return train_baseline(
                    run,
                    static=static,
                    reference=reference,
                    tick=lambda done: self._tick("your training, watched", done),
                )
            except Exception as error:
                self.trouble = _words(error)
        return untrained(run, self.trouble)

    def _tick(self, stage: str, done: float) -> None:
        if self.on_progress is not None:
            self.on_progress(Progress(stage=stage, fraction=min(done, 1.0)))

    def _assembled(
        self,
        baseline: Baseline,
        symptoms: Symptoms,
        state: CureState,
        best: Trial | None,
        tried: list[Trial],
        *,
        again: Trial | None = None,
        interrupted: bool = False,
    ) -> Cure:
        cured = best if state == "cured" else None
        notes = (*self.notes, *([baseline.stopped_words] if baseline.stopped else []))
        return assemble(baseline, symptoms, state, cured, tried, again=again, notes=notes, interrupted=interrupted)


def _searched(search: Search) -> tuple[Trial | None, bool]:
    """The cure, and whether Ctrl-C cut the search short; then it is the best change so far."""
    best: Trial | None = None
    try:
        best = search.best()
        return (best if best is None else search.finish(best)), False
    except KeyboardInterrupt:
        trained = [trial for trial in search.tried if trial.is_proven]
        return best or max(trained, key=lambda trial: trial.mean, default=None), True


@contextmanager
def _quiet() -> Iterator[None]:
    """Leave out what the user's loss warns of while it is looked at: what matters in it is a finding."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _why_nothing(search: Search) -> str:
    """Why no change was tried."""
    if not search.hypotheses:
        return "Nothing was found that could be changed."
    spent, budget = search.ledger.trainings, search.ledger.budget
    return f"Your own training took {spent:.3g} of the budget of {budget:g} trainings: too little is left for a change."


def _repeated(search: Search, best: Trial | None) -> Trial | None:
    """The cure with other draws; Ctrl-C there takes nothing from what is proven."""
    try:
        return None if best is None else repeat(search, best)
    except KeyboardInterrupt:
        return None


def _state(search: Search, best: Trial | None) -> CureState:
    overfits = bool(search.hypotheses) and search.hypotheses[0].because == OVERFITTING
    nothing: CureState = "more data, not more regularization" if overfits else "no cure found"
    if best is None or best.gain is None:
        return nothing
    worse = best.trained.last_share < search.baseline.run.last_share
    if best.is_proven and not worse and best.trained.last_share > 0:  # what is below the best constant is no cure
        return "cured"
    return "undecided" if best.gain.upper >= MATERIAL and best.gain.mean >= MATERIAL else nothing


def _words(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
