"""When to sample: as often as the budget pays for, and denser at the start, where faults are born."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from justfit.records import OverheadFigures

START_STEPS = 100  # the first steps, in which
START_FRACTION = 0.03  # this share of the step time is spent on top, so that early faults are seen
SMOOTHING = 0.1  # weight of the newest cost in a running mean
LONG_STEP = 10.0  # a step that takes longer than this many usual ones is a pause, and earns no more than they
MAX_SAVED = 4.0  # samples that may be saved up


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
    num_steps: int = 0
    num_samples: int = 0
    last_sample: int = 0
    interval: int = 1
    peak_bytes: int = 0

    def step_done(self, loop_seconds: float, own_seconds: float, *, sampled: bool) -> None:
        """Enter one step.

        Args:
            loop_seconds: What the loop itself took since the step before.
            own_seconds: What watching took since the step before.
            sampled: The step was sampled.
        """
        self.num_steps += 1
        self.loop_seconds += loop_seconds
        self.own_seconds += own_seconds
        usual = self.step_seconds
        if self.num_steps == 2 or loop_seconds < usual:
            usual = loop_seconds if self.num_steps == 2 else usual + SMOOTHING * (loop_seconds - usual)
        elif self.num_steps > 2:
            usual += SMOOTHING * (min(loop_seconds, 2 * usual) - usual)  # follows slow-downs, not pauses
        self.step_seconds = usual
        earning = min(loop_seconds, LONG_STEP * usual) if usual else 0.0
        share = self.overhead + (START_FRACTION if self.num_steps <= START_STEPS else 0.0)
        if sampled:
            self.num_samples += 1
            self.interval = max(self.num_steps - self.last_sample, 1)
            self.last_sample = self.num_steps
            first = self.num_samples <= 2  # the very first builds what the others use again
            self.sample_seconds = own_seconds if first else _moved(self.sample_seconds, own_seconds)
        else:
            first = self.num_steps - self.num_samples == 1
            self.passive_seconds = own_seconds if first else _moved(self.passive_seconds, own_seconds)
        most = MAX_SAVED * max(self.sample_seconds, self.overhead * usual)
        self.saved_seconds = min(self.saved_seconds + share * earning - own_seconds, most)

    def wants_sample(self) -> bool:
        """Say whether the step that comes next is sampled."""
        if self.every is not None:
            return self.num_steps % self.every == 0
        if self.num_steps < 2:
            return True
        return self.saved_seconds >= self.sample_seconds

    def can_pay(self, seconds: float) -> bool:
        """Say whether something of a known cost can be afforded now."""
        return self.saved_seconds >= seconds

    def pay(self, seconds: float) -> None:
        """Enter a cost that belongs to no step, such as judging and writing."""
        self.own_seconds += seconds
        self.saved_seconds -= seconds

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
    return mean + SMOOTHING * (newest - mean)
