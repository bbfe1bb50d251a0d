"""Counterfactual runs: every hypothesis on a short horizon, the best on longer ones, the smallest that is as good."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from justfit.repair._alteration import OVERFITTING, Hypothesis
from justfit.repair._baseline import Baseline, go_on
from justfit.repair._compare import ALPHA, MATERIAL, Gain, gain_of, run_noise
from justfit.repair._ledger import Ledger
from justfit.repair._longer import price_of_longer, train_longer
from justfit.repair._run import FRACTIONS, Run, mark
from justfit.repair._trial import Trial, combined

# Hypotheses that are kept after the short horizon.
KEPT = 3
# Hypotheses that are tried at most, the most plausible ones.
MOST = 6
# Trainings that the short horizon may take, beside the full one that is kept back.
SCREENING = 0.9
# A smaller change is as good as the best if it lies this close behind it at the end of a training, in shares of the
# learnable: two points of accuracy or so. Earlier it may lie further behind, as a power of the share of the
# training that is done: changes differ in speed before they differ in where they lead. And so may one that a finding
# names, by a factor.
AS_GOOD = 0.05
NAMED_FACTOR = 2.0
# From this plausibility on a finding points to a change: only such are tried of a training that went on to its end.
POINTED = 0.5
# Shares of a training at which a chosen change is looked at on its way to the end.
COMPARED = (0.5, 0.75, 1.0)
# A hypothesis less plausible than this, to which nothing points, is not tried once something is proven to which
# something does.
LEFT_OUT = 0.3


@dataclass(slots=True)
class Search:
    """The search for the cure of one sick training.

    Attributes:
        baseline: What every change is held against, step by step, with the same draws.
        hypotheses: What may be tried, the most plausible first.
        reference_share: Of the learnable that a closed-form fit reaches; NaN where there is none.
        tick: Called with words and the share that is done.
        tried: Every hypothesis so far.
    """

    baseline: Baseline
    hypotheses: list[Hypothesis]
    reference_share: float
    tick: Callable[[str, float], None]
    tried: list[Trial] = field(default_factory=list)

    @property
    def ledger(self) -> Ledger:
        """Where steps are counted."""
        return self.baseline.run.ledger

    @property
    def num_steps(self) -> int:
        """Of one training."""
        return self.ledger.num_steps

    def best(self) -> Trial | None:
        """Find the change that helps: the smallest that is as good as the best."""
        if self.hypotheses and all(h.because == OVERFITTING for h in self.hypotheses):
            return self._regularised()
        pointed = [h for h in self.hypotheses if h.because and h.weight >= POINTED]
        if not self.baseline.stopped and pointed:
            plausible = [h for h in self.hypotheses if h.weight >= POINTED]  # λ and dropout leave no trace of their own
            self.hypotheses = sorted(plausible, key=lambda h: h.alteration.epochs > 1)  # what is faulty may learn on
            return self._one_by_one()
        self.hypotheses = self.hypotheses[:MOST]
        horizon = self._screening()
        for place, hypothesis in enumerate(self.hypotheses):
            if not self._can_pay(horizon, self.num_steps) or self._is_settled(hypothesis):
                break
            explained = any(t.is_proven and t.hypothesis.because for t in self.tried)
            if explained and not hypothesis.because and hypothesis.weight < LEFT_OUT:
                continue
            self.tick(hypothesis.name, place / len(self.hypotheses))
            self._try(hypothesis, horizon)
        kept, horizon = self._longer(self._kept(horizon), horizon)
        if not kept:
            return None
        smallest = self._smallest(kept, horizon)
        if not self._restores(smallest) and smallest.is_proven:
            smallest = self._with_another(smallest, horizon)
        return smallest

    def _with_another(self, first: Trial, horizon: int) -> Trial:
        """Try other changes together with one that helps and leaves a gap, at the longest horizon that can be paid."""
        following = combined(first, self.tried)
        steps = [mark(self.num_steps, fraction) for fraction in FRACTIONS[2::-1]]
        payable = (
            (num, step) for step in steps for num in range(len(following), 0, -1)
            if step <= horizon and step in first.trained.judged and self._can_pay(step * num, self.num_steps - step)
        )  # fmt: skip
        num, step = next(payable, (0, 0))
        alone, best = first, first
        for hypothesis in following[:num]:
            self.tick(hypothesis.name, 1.0)
            self._try(hypothesis, step)
            trial = self.tried[-1]
            if trial.run is not None and trial.is_proven and self._is_worse(alone, trial, step, names=1.0):
                best = trial if best is alone or trial.mean > best.mean else best
        return best

    def _one_by_one(self) -> Trial | None:
        """Of a training that went on to its end, run what the findings point to as far; the first that is proven."""
        half = mark(self.num_steps, 0.5)
        for place, hypothesis in enumerate(self.hypotheses):
            if not self.ledger.can_pay(half):
                break
            self.tick(hypothesis.name, place / len(self.hypotheses))
            if hypothesis.alteration.epochs > 1:
                if self.ledger.can_pay(price_of_longer(self.baseline)) and self._go_on(hypothesis).is_proven:
                    return self.tried[-1]
                continue
            self._try(hypothesis, half)
            trial = self.tried[-1]
            hopeless = trial.gain is None or trial.gain.upper < 0
            if hopeless or not self.ledger.can_pay(trial.trained.num_steps - half):
                continue
            trial.trained.advance(trial.trained.num_steps)
            self._judge(trial, trial.trained.num_steps)
            if trial.is_proven:
                return trial
        return max((t for t in self.tried if t.run is not None), key=lambda t: t.mean, default=None)

    def _go_on(self, hypothesis: Hypothesis) -> Trial:
        """Give the user's training more epochs, and hold it against its own end."""
        run, alteration = train_longer(self.baseline, hypothesis.alteration)
        named = replace(hypothesis, name=f"{alteration.epochs:g} times the epochs", alteration=alteration)
        self.tried.append(Trial(named, run))
        self._judge(self.tried[-1], run.num_steps)
        return self.tried[-1]

    def _regularised(self) -> Trial | None:
        """Of a training that overfits, run each remedy half way, the best one on; all against its end."""
        half = mark(self.num_steps, 0.5)
        for place, hypothesis in enumerate(self.hypotheses):
            if self.ledger.can_pay(half):
                self.tick(hypothesis.name, place / len(self.hypotheses))
                self._try(hypothesis, half)
        trained = [t for t in self.tried if t.run is not None and not t.run.diverged]
        best = max(trained, key=lambda t: t.mean, default=None)
        if best is None:
            return None
        alike = [t for t in trained if best.mean - t.mean <= AS_GOOD and t.is_proven]
        return min(alike, key=self._order, default=best)

    def finish(self, trial: Trial) -> Trial:
        """Train the change to its last step; then what else the budget allows, and the better of them."""
        self._train_out(trial)
        if not self._restores(trial) and trial.is_proven:  # else the comparison with the user's training comes first
            trial = self._better_of(trial, self._rival(trial))
        self._against_baseline(trial)
        return trial

    def _better_of(self, trial: Trial, rival: Trial) -> Trial:
        if rival is not trial:
            self._train_out(rival)
            self._against_baseline(rival)
        return rival if rival.is_proven else trial

    def _against_baseline(self, trial: Trial) -> None:
        """Hold a change against the user's training at the latest step that can be paid."""
        for fraction in reversed(COMPARED):
            step = mark(self.num_steps, fraction)
            step = min(step, trial.trained.num_steps)
            payable = self.ledger.can_pay(self._baseline_price(step))
            if payable and step > trial.step and step in trial.trained.judged:
                self.tick("your training, to the same step", 0.9)
                go_on(self.baseline, step)
                self._judge(trial, step)
                break

    def _train_out(self, trial: Trial) -> None:
        run = trial.trained
        for fraction in COMPARED:
            step = mark(run.num_steps, fraction)
            if step > run.step and self.ledger.can_pay(step - run.step):
                self.tick(f"full training: {trial.hypothesis.name}", fraction)
                run.advance(step)

    def gain(self, better: Run, worse: Run, step: int, *, at: int | None = None) -> Gain:
        """By how much one network is better at a step than another there, or at a step of its own."""
        return gain_of(
            [worse.judged[step if at is None else at].scores],
            [better.judged[step].scores],
            unit=better.yardstick.unit,
            run_noise=run_noise(self.baseline.shares),
            alpha=ALPHA,
        )

    def _screening(self) -> int:
        """The longest horizon, up to a quarter of a training, on which all hypotheses can be paid beside a full one."""
        beside = min(self.ledger.left - self.num_steps, SCREENING * self.num_steps)
        for fraction in FRACTIONS[2::-1]:
            if mark(self.num_steps, fraction) * len(self.hypotheses) <= beside:
                return mark(self.num_steps, fraction)
        return mark(self.num_steps, FRACTIONS[0])

    def _can_pay(self, steps: int, beside: int) -> bool:
        return self.ledger.can_pay(steps + beside)

    def _baseline_price(self, step: int) -> int:
        """Steps that the user's training still has to take to be held against a change at a step."""
        return 0 if self.baseline.run.diverged else max(0, step - self.baseline.run.step)

    def _restores(self, trial: Trial) -> bool:
        """It has reached what a closed-form fit reaches, by all that matters."""
        return trial.trained.last_share >= self.reference_share - MATERIAL

    def _is_settled(self, hypothesis: Hypothesis) -> bool:
        """Something more plausible, and no larger, has restored the fit already."""
        size = hypothesis.alteration.size
        return any(
            t.is_proven and self._restores(t)
            and t.hypothesis.alteration.size <= size and t.hypothesis.weight > hypothesis.weight
            for t in self.tried
        )  # fmt: skip

    def _try(self, hypothesis: Hypothesis, step: int) -> None:
        trial = Trial(hypothesis)
        self.tried.append(trial)
        base = self.baseline.run
        try:
            trial.run = Run(base.case, hypothesis.alteration, base.yardstick, self.ledger)
            step = min(step, trial.run.num_steps)
            trial.run.advance(step)
        except Exception as error:
            trial.run, trial.trouble = None, f"{type(error).__name__}: {error}"
            return
        self._judge(trial, step)

    def _judge(self, trial: Trial, step: int) -> None:
        """Hold a change against the user's training at the same step; where its end is at fault, against that."""
        run, base = trial.trained, self.baseline.run
        at = self.num_steps if trial.hypothesis.at_end else step
        if at not in base.judged:
            go_on(self.baseline, at)
        trial.step = step
        trial.gain = gain_of(
            [base.judged[at].scores],
            [run.judged[step].scores],
            unit=run.yardstick.unit,
            run_noise=run_noise(self.baseline.shares),
            alpha=self._level(trial.hypothesis),
        )

    def _level(self, hypothesis: Hypothesis) -> float:
        """α_h, over all that was planned and tried."""
        planned = {h.name: h.weight for h in self.hypotheses} | {
            t.hypothesis.name: t.hypothesis.weight for t in self.tried
        }
        return ALPHA * hypothesis.weight / sum(planned.values())

    def _kept(self, step: int) -> list[Trial]:
        """The best few and every smaller change that is as good; the most plausible where none is seen to help yet."""
        trained = [t for t in self.tried if t.run is not None and not t.run.diverged and t.step >= step]
        if not any(t.is_proven for t in trained):
            return sorted(trained, key=lambda t: -t.hypothesis.weight)[:KEPT]
        ranked = sorted((t for t in trained if t.mean > 0), key=lambda t: -t.mean)
        kept = ranked[:KEPT]
        smaller = [t for t in ranked[KEPT:] if self._order(t) < self._order(ranked[0])]
        return kept + [t for t in smaller if not self._is_worse(t, ranked[0], step)]

    def _longer(self, kept: list[Trial], step: int) -> tuple[list[Trial], int]:
        """Run the kept ones on, fewer each time, until one is left or only a full training can be paid."""
        for fraction in FRACTIONS[:-1]:
            following = mark(self.num_steps, fraction)
            alone = len(kept) < 2 and step >= mark(self.num_steps, FRACTIONS[2])
            if following <= step or alone or not kept:
                continue
            price = (following - step) * len(kept) + self._baseline_price(following)
            if not self._can_pay(price, self.num_steps - following):
                break
            for place, trial in enumerate(kept):
                self.tick(trial.hypothesis.name, place / len(kept))
                trial.trained.advance(following)
                self._judge(trial, following)
            step = following
            best = max(kept, key=lambda t: t.mean)
            if best.is_proven:
                kept = [t for t in kept if not self._is_worse(t, best, step)]
                kept = sorted(kept, key=self._order)[:1] + [t for t in kept if t is best]
                kept = list({id(t): t for t in kept}.values())
            elif step >= mark(self.num_steps, FRACTIONS[2]):  # too early to tell: on with the most plausible
                kept = sorted(kept, key=lambda t: (not t.hypothesis.named, -t.hypothesis.weight))[:1]
        return kept, step

    def _rival(self, trial: Trial) -> Trial:
        """The best other change, run on as far as can be paid; it takes the place of one that it proves better than."""
        rivals = [t for t in self.tried if t is not trial and t.run is not None and t.mean > 0 and not t.run.diverged]
        rivals.sort(key=lambda t: -t.trained.last_share)
        for rival in rivals[:1]:
            step = max(
                (
                    mark(self.num_steps, f)
                    for f in (*FRACTIONS, *COMPARED)
                    if self.ledger.can_pay(mark(self.num_steps, f) - rival.trained.step)
                ),
                default=0,
            )
            step = min(step, trial.trained.step)
            if step > rival.step and step in trial.trained.judged:
                self.tick(f"against it: {rival.hypothesis.name}", 0.5)
                rival.trained.advance(step)
                if self._is_worse(trial, rival, step) or self._beats_the_end_of(trial, rival, step):
                    return rival
        return trial

    def _beats_the_end_of(self, trial: Trial, rival: Trial, step: int) -> bool:
        """Proven better, though at an earlier step, than a change that has been run to its end: no matter of speed."""
        end = trial.trained.num_steps
        lead = self.gain(rival.trained, trial.trained, step, at=end) if end in trial.trained.judged else None
        return lead is not None and lead.is_proven and lead.mean > AS_GOOD

    def _smallest(self, kept: list[Trial], step: int) -> Trial:
        best = max(kept, key=lambda t: t.mean)
        return min((trial for trial in kept if not self._is_worse(trial, best, step)), key=self._order)

    def _is_worse(self, trial: Trial, best: Trial, step: int, names: float = NAMED_FACTOR) -> bool:
        """Proven worse, by more than changes differ in speed, and short of what a closed-form fit reaches.

        A best one that reaches that already is no matter of speed.
        """
        if trial is best or self._restores(trial):
            return False
        lead = self.gain(best.trained, trial.trained, step)
        slower = 1.0 if self._restores(best) else (self.num_steps / step) ** 0.75
        allowed = AS_GOOD * slower * (names if trial.hypothesis.named else 1.0)
        return lead.is_proven and lead.mean > allowed

    def _order(self, trial: Trial) -> tuple[bool, int, float]:
        """What a finding names comes first, then the smaller change, then the larger gain."""
        return (not trial.hypothesis.named, trial.hypothesis.alteration.size, -trial.mean)
