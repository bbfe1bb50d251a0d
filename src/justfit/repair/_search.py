"""Counterfactual runs: every hypothesis on a short horizon, the best on longer ones, the smallest that is as good."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from justfit.repair._alteration import Alteration, Hypothesis
from justfit.repair._baseline import Baseline, go_on
from justfit.repair._compare import Gain, gain_of, run_noise
from justfit.repair._ledger import Ledger
from justfit.repair._run import Run

# Hypotheses that are kept after the short horizon, and how much longer the next one is.
KEPT = 3
LONGER = 3
# Share of what is left beside one full training that the short horizon may take.
SCREENING = 0.6
# No short horizon is longer than this share of a training.
LONGEST_SCREENING = 0.25
MOST_COMBINED = 4


@dataclass(slots=True)
class Trial:
    """One hypothesis and what became of it.

    Attributes:
        hypothesis: What was done differently.
        run: Its network; None where it could not be built or trained.
        epoch: At which it was last held against the baseline.
        gain: By how much it was better there; None where it could not be told.
        trouble: What it raised; "" if nothing.
    """

    hypothesis: Hypothesis
    run: Run | None = None
    epoch: int = 0
    gain: Gain | None = None
    trouble: str = ""

    @property
    def mean(self) -> float:
        """Its gain, or less than any."""
        return self.gain.mean if self.gain is not None else -math.inf


@dataclass(slots=True)
class Search:
    """The search for the cure of one sick training.

    Attributes:
        baseline: What every change is held against, epoch by epoch, with the same draws.
        hypotheses: What may be tried, the most plausible first.
        tick: Called with words and the share that is done.
        tried: Every hypothesis so far.
    """

    baseline: Baseline
    hypotheses: list[Hypothesis]
    tick: Callable[[str, float], None]
    tried: list[Trial] = field(default_factory=list)

    @property
    def ledger(self) -> Ledger:
        """Where epochs are counted."""
        return self.baseline.run.ledger

    @property
    def epochs(self) -> int:
        """Of one training."""
        return self.ledger.epochs

    def best(self) -> Trial | None:
        """Find the change that helps: the smallest whose effect cannot be told from that of the best."""
        horizon = self._screening()
        for place, hypothesis in enumerate(self.hypotheses):
            if not self.ledger.can_pay(horizon):
                break
            self.tick(hypothesis.name, place / len(self.hypotheses))
            self._try(hypothesis, horizon)
        kept = self._kept(horizon)
        if not kept:
            return None
        for hypothesis in self._combined(kept):
            if self._can_pay_beside_full(horizon, kept[0]):
                self.tick(hypothesis.name, 1.0)
                self._try(hypothesis, horizon)
        return self._longer(self._kept(horizon), horizon)

    def finish(self, trial: Trial) -> None:
        """Train a change to its last epoch, and hold it against the baseline there if that can still be paid."""
        run = trial.run
        assert run is not None  # noqa: S101  # a change that helped was trained
        until = min(run.network.training.epochs, run.epoch + self.ledger.left)
        self.tick(f"full training: {trial.hypothesis.name}", 0.0)
        run.advance(until)
        missing = until - self.baseline.run.epoch
        if self.baseline.run.diverged or (missing > 0 and self.ledger.can_pay(missing)):
            self.tick("the baseline, to the same epoch", 0.5)
            go_on(self.baseline, until)
        if until in self.baseline.run.judged:
            self._judge(trial, until)

    def gain(self, better: Run, worse: Run, epoch: int) -> Gain:
        """By how much one network is better than another at an epoch of both."""
        return gain_of(
            [worse.judged[epoch].scores],
            [better.judged[epoch].scores],
            unit=better.yardstick.unit,
            run_noise=run_noise(self.baseline.shares),
            num_tried=max(len(self.tried), 1),
        )

    def _screening(self) -> int:
        beside = self.ledger.left - self.epochs
        allowed = SCREENING * beside if beside > 0 else self.ledger.left / 2
        horizon = int(allowed / max(len(self.hypotheses), 1))
        return max(1, min(horizon, math.ceil(LONGEST_SCREENING * self.epochs)))

    def _can_pay_beside_full(self, epochs: int, trial: Trial) -> bool:
        done = trial.run.epoch if trial.run is not None else 0
        return self.ledger.can_pay(epochs + self.epochs - done)

    def _try(self, hypothesis: Hypothesis, epoch: int) -> None:
        trial = Trial(hypothesis)
        self.tried.append(trial)
        base = self.baseline.run
        try:
            trial.run = Run(base.case, hypothesis.alteration, base.yardstick, self.ledger)
            trial.run.advance(epoch)
        except Exception as error:  # noqa: BLE001 - a change may not suit the network; that is its result
            trial.run, trial.trouble = None, f"{type(error).__name__}: {error}"
            return
        self._judge(trial, epoch)

    def _judge(self, trial: Trial, epoch: int) -> None:
        assert trial.run is not None  # noqa: S101  # only trained changes are judged
        if epoch not in self.baseline.run.judged:
            go_on(self.baseline, epoch)
        trial.epoch, trial.gain = epoch, self.gain(trial.run, self.baseline.run, epoch)

    def _kept(self, epoch: int) -> list[Trial]:
        """The best few, and every smaller change that cannot be told from the best."""
        trained = [
            t for t in self.tried if t.run is not None and not t.run.diverged and t.mean > 0 and t.epoch >= epoch
        ]
        ranked = sorted(trained, key=lambda t: -t.mean)
        kept = ranked[:KEPT]
        for trial in ranked[KEPT:]:
            if self._order(trial) < self._order(ranked[0]) and not self._is_worse(trial, ranked[0], epoch):
                kept.append(trial)
        return kept

    def _combined(self, kept: list[Trial]) -> list[Hypothesis]:
        """The best change with each other that helps, and with a larger and a smaller step."""
        first = kept[0].hypothesis
        others = [
            t.hypothesis for t in kept[1:] if not set(t.hypothesis.alteration.causes) & set(first.alteration.causes)
        ]
        rates = [0.1, 10.0] if "learning rate" not in first.alteration.causes else [_outward(first.alteration)]
        pairs = [(other.name, other.alteration) for other in others]
        pairs += [(_rate_words(rate), Alteration(learning_rate=rate)) for rate in rates]
        found = [
            Hypothesis(
                name=f"{first.name}, and {name}", alteration=first.alteration.with_(alteration), because=first.because
            )
            for name, alteration in pairs
        ]
        known = [t.hypothesis.alteration for t in self.tried]
        return [hypothesis for hypothesis in found if hypothesis.alteration not in known][:MOST_COMBINED]

    def _longer(self, kept: list[Trial], horizon: int) -> Trial:
        """Run the kept ones on until one is left, or until only a full training can still be paid."""
        epoch = horizon
        while len(kept) > 1:
            following = min(epoch * LONGER, self.epochs)
            price = (following - epoch) * len(kept)
            if following == epoch or not self.ledger.can_pay(price + self.epochs - following):
                break
            for place, trial in enumerate(kept):
                self.tick(trial.hypothesis.name, place / len(kept))
                assert trial.run is not None  # noqa: S101  # kept ones were trained
                trial.run.advance(following)
                self._judge(trial, following)
            epoch = following
            kept = sorted(kept, key=lambda t: -t.mean)[: max(2, len(kept) // 2)]
            if len(kept) == 2 and epoch >= horizon * LONGER:
                break
        return self._smallest(kept, epoch)

    def _smallest(self, kept: list[Trial], epoch: int) -> Trial:
        ranked = sorted(kept, key=lambda t: -t.mean)
        alike = [trial for trial in ranked if not self._is_worse(trial, ranked[0], epoch)]
        return min(alike, key=self._order)

    def _is_worse(self, trial: Trial, best: Trial, epoch: int) -> bool:
        if trial is best:
            return False
        assert trial.run is not None  # noqa: S101  # kept ones were trained
        assert best.run is not None  # noqa: S101  # the same
        return self.gain(best.run, trial.run, epoch).is_proven

    def _order(self, trial: Trial) -> tuple[bool, int, float]:
        """What a finding names comes first, then the smaller change, then the larger gain."""
        return (not trial.hypothesis.named, trial.hypothesis.alteration.size, -trial.mean)


def _outward(alteration: Alteration) -> float:
    return 0.1 if alteration.learning_rate < 1 else 10.0


def _rate_words(factor: float) -> str:
    return f"{factor:g} times the learning rate" if factor > 1 else f"1/{1 / factor:.3g} of the learning rate"
