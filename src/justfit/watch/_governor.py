"""When to sample: as often as the budget pays for, and denser at the start, where faults are born."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from justfit.records import OverheadFigures

START_STEPS = 100  # the first steps, in which
START_FRACTION = 0.03  # this share of the step time is spent on top, so that early faults are seen
SMOOTHING = 0.1  # weight of the newest number in a running mean
OUTLIER = 2.0  # a number this many times the mean counts as that in the mean: the computer was busy otherwise
LONG_STEP = 10.0  # a step that takes longer than this many usual ones is a pause, and earns no more than they
MAX_SAVED = 4.0  # samples that may be saved up
FREE_SAMPLES = 2  # the first ones build what the others use again; they are counted, but need not be earned
TOO_MUCH = 0.6  # share of the budget that steps without a sample may take before something is left out
RESERVED = 0.15  # share of what is earned that goes to judging, writing and showing
LOOK_EVERY = 50  # steps, at least, between looks whether they do
MAX_INTERVAL = 1000  # steps after which one is sampled even where plain steps take all that is earned
MAX_AHEAD = 15  # steps that pass without a decision
LONG_SECONDS = 0.02  # of a step beside which a decision costs nothing


@dataclass(slots=True)
class Governor:
    """Keeps the books: what the loop took, what watching took, and what that leaves.

    Every step earns `overhead` of its own time; a sample is taken once what it costs has been saved up.

    Attributes:
        overhead: Budget as a share of the loop's own time.
        every: Sample every so many steps whatever it costs; None to decide by the budget.
    """

    overhead: float
    every: int | None
    loop_seconds: float = 0.0
    own_seconds: float = 0.0
    step_seconds: float = 0.0
    sample_seconds: float = 0.0
    passive_seconds: float = 0.0
    saved_seconds: float = 0.0
    reserved_seconds: float = 0.0
    num_steps: int = 0
    num_samples: int = 0
    last_sample: int = 0
    next_look: int = LOOK_EVERY
    interval: int = 1
    peak_bytes: int = 0

    def step_done(self, loop_seconds: float, own_seconds: float, *, sampled: bool) -> None:
        """Enter one step.

        Args:
            loop_seconds: What the loop itself took since the step before.
            own_seconds: What watching took since the step before.
            sampled: The step was sampled.
        """
        num = self.num_steps = self.num_steps + 1
        loop_seconds = max(loop_seconds, 0.0)
        self.loop_seconds += loop_seconds
        self.own_seconds += own_seconds
        usual = self.step_seconds
        # The first step sets things up; from the second on the mean follows, slowly where a step is far longer.
        usual = loop_seconds if num <= 2 else _moved(usual, loop_seconds)
        self.step_seconds = usual
        longest = LONG_STEP * usual
        earned = loop_seconds if loop_seconds < longest else longest
        earned *= self.overhead + START_FRACTION if num <= START_STEPS else self.overhead
        if sampled:
            self._sampled(own_seconds)
            if self.num_samples <= FREE_SAMPLES:
                return
        elif num - self.num_samples == 1:
            self.passive_seconds = own_seconds
        else:
            self.passive_seconds = _moved(self.passive_seconds, own_seconds)
        reserved = RESERVED * earned
        self.reserved_seconds += reserved
        saved = self.saved_seconds + earned - reserved - own_seconds
        most = MAX_SAVED * self.sample_seconds
        self.saved_seconds = saved if saved < most else most

    def _sampled(self, own_seconds: float) -> None:
        self.num_samples += 1
        first = self.num_samples <= FREE_SAMPLES
        self.sample_seconds = own_seconds if first else _moved(self.sample_seconds, own_seconds)
        self.interval = max(self.num_steps - self.last_sample, 1)
        self.last_sample = self.num_steps

    def wants_sample(self) -> bool:
        """Say whether the step that comes next is sampled."""
        if self.every is not None:
            return self.num_steps % self.every == 0
        if self.num_samples < FREE_SAMPLES or self.saved_seconds >= self.sample_seconds:
            return True
        return self.num_steps - self.last_sample >= MAX_INTERVAL and self.sample_seconds <= self.step_seconds

    def num_ahead(self) -> int:
        """Say how many steps may pass before anything has to be decided: few at the start and where steps are long."""
        most = min(MAX_AHEAD, self.num_steps // 8)
        if self.every is not None:
            return min(most, self.every - self.num_steps % self.every - 1)
        return most if self.step_seconds < LONG_SECONDS else 0

    def is_too_much(self) -> bool:
        """Say whether steps without a sample take so much that hardly any would be paid for; looks now and then."""
        if self.num_steps < self.next_look:
            return False
        self.next_look = self.num_steps + LOOK_EVERY
        return self.passive_seconds > TOO_MUCH * self.overhead * self.step_seconds

    def can_pay(self) -> bool:
        """Say whether judging, writing and showing have been paid for."""
        return self.reserved_seconds >= 0

    def pay(self, seconds: float) -> None:
        """Enter what judging, writing or showing took; the next time waits until that is earned."""
        self.own_seconds += seconds
        self.reserved_seconds -= seconds

    def figures(self) -> OverheadFigures:
        """Return what watching cost so far."""
        return OverheadFigures(
            allowed_fraction=self.overhead,
            measured_fraction=self.own_seconds / self.loop_seconds if self.loop_seconds else 0.0,
            step_seconds=self.step_seconds,
            sample_seconds=self.sample_seconds,
            passive_seconds=self.passive_seconds,
            interval=self.every or self.interval,
            num_steps=self.num_steps,
            num_samples=self.num_samples,
            peak_record_bytes=self.peak_bytes,
        )

    def state_dict(self) -> dict[str, Any]:
        """Return what `load_state_dict` takes: numbers."""
        return {name: getattr(self, name) for name in self.__slots__ if name not in ("overhead", "every")}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up the books of a stored run."""
        for name, value in state.items():
            setattr(self, name, value)


def _moved(mean: float, newest: float) -> float:
    """Follow a number; one far above the mean, which the computer's other work causes, moves it no further."""
    most = OUTLIER * mean
    return mean + SMOOTHING * ((newest if newest < most else most) - mean)
