"""JF402."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

from justfit.records import FirstFailure, Severity, WatchEvidence
from justfit.rules._rule import NotApplicable
from justfit.rules._watch_rule import WatchOutcome, WatchRule

_CURES = {
    "input": "Clean the data: drop or fill the missing values, and look for infinities in the batch that is named.",
    "parameter": "Go back to the last checkpoint without it; the weights were broken before this step.",
    "forward": "Keep the operation's input inside its range: add an epsilon, clamp, or scale the input down.",
    "loss": "Use the loss that takes logits, or keep the output inside the loss's range.",
    "backward": "Look for a root, norm, division or logarithm at zero: add an epsilon before it, not after it.",
    "optimizer": "Clip the gradient, lower the learning rate, or raise the optimizer's epsilon.",
    "unknown": "Look for a root, norm, division or logarithm at zero: add an epsilon before it, not after it.",
}
_WATCH_CLOSER = " To learn which operation it was, watch with `replay=True` and `every=1` or a larger `overhead`."
_CLEAN_TARGETS = "Clean the targets: drop or fill the missing values, and look for infinities in them."


@dataclass(frozen=True, slots=True)
class NonFiniteInTraining(WatchRule):
    """A loss, gradient or weight becomes NaN or infinite while the network trains.

    How it is detected:
        The first step whose loss or gradients are not finite, and in it the first operation whose inputs were finite
        and whose result was not; steps with such numbers > `threshold`. Scaled gradients that a gradient scaler throws
        away are none. Where nobody saw the step itself, a loss that was finite in every step and then in none any more.
    Why it matters:
        One update with NaN makes every weight NaN; nothing that is learned or measured after it means anything.
    When it is wrong:
        A loop that looks for such steps itself and skips them is not harmed.
    What helps:
        An epsilon or a clamp before the operation that is named, a smaller learning rate, clipping, clean data.

    References:
        IEEE 754. Goldberg 1991, "What every computer scientist should know about floating-point arithmetic".
    """

    code: ClassVar[str] = "JF402"
    name: ClassVar[str] = "NaN or infinity in training"
    severity: ClassVar[Severity] = "error"
    why: ClassVar[str] = "One update with NaN makes every weight NaN."
    when_wrong: ClassVar[str] = "A loop that skips such steps itself is not harmed."
    cure: ClassVar[str] = "Clip the gradient, lower the learning rate, and look at the batch that is named."
    threshold: float = 0.0

    def check(self, evidence: WatchEvidence) -> WatchOutcome:
        """Name the step, the layer and the operation that came first."""
        was_seen = evidence.losses.first_step or any(one.num_steps for one in evidence.optimizers)
        if evidence.first_failure is None and not was_seen:
            return NotApplicable("no step was seen")
        count = max(
            _bad_losses(evidence), evidence.first_failure is not None and evidence.first_failure.cause != "divergence"
        )
        first = evidence.first_failure
        if first is None or first.cause == "divergence":
            return self._unreported(evidence) if self.threshold < 1 else ()
        count = max(_bad_losses(evidence), 1)
        if count <= self.threshold:
            return ()
        kind = "NaN" if first.cause == "nan" else "infinity"
        name = first.operation if "`" in first.operation else f"`{first.operation}`"
        operation = f" of {name}" if first.operation else ""
        batch = f", batch {first.batch}" if first.batch >= 0 else ""
        kept = "; the weights were not yet updated with it" if first.weights_intact else ""
        where = f" after `{first.layer}`" if first.stage == "forward" and first.layer and not first.source else ""
        examples = f", {first.named_examples}" if first.named_examples else ""
        stage = "stage unknown" if first.stage == "unknown" else first.stage
        words = f"{kind} first{operation} ({stage}){where} at step {first.step}{batch}{examples}{kept}"
        return (
            self.finding(
                first.layer,
                float(count),
                self.threshold,
                unit="steps",
                evidence=words,
                since=first.step,
                source=first.source,
                cure=_cure(first),
            ),
        )

    def _unreported(self, evidence: WatchEvidence) -> WatchOutcome:
        """Look for infinite norms, and for losses that ended."""
        bad = next(_bad_samples(evidence), None)
        if bad is not None:
            step, where, source = bad
            words = f"infinite norms of `{where}` at step {step}"
            return (self.finding(where, 1.0, self.threshold, unit="steps", evidence=words, since=step, source=source),)
        sizes, steps = evidence.losses.num_steps, evidence.losses.first_step
        seen = max((i + 1 for i, size in enumerate(sizes) if size), default=0)
        if seen < 1 or len(sizes) - seen < LEAST_MISSING or any(_missing(evidence)[: seen - 1]):
            return ()
        since = steps[seen - 1] + sizes[seen - 1]
        words = f"no loss is finite from step {since} on, after every loss before was"
        count = float(evidence.losses.first_step[-1] - since + 1)
        return (self.finding("network", count, self.threshold, unit="steps", evidence=words, since=since),)


def _cure(first: FirstFailure) -> str:
    if first.is_target:
        return _CLEAN_TARGETS
    came_late = first.stage in ("backward", "unknown") and not first.weights_intact
    return _CURES[first.stage] + _WATCH_CLOSER * came_late


# Bins without a finite loss at the end of the run from which on they are no accident.
LEAST_MISSING = 3


def _missing(evidence: WatchEvidence) -> list[int]:
    """Losses of each bin but the last that were not seen or not finite."""
    bins = evidence.losses
    lengths = [after - before for before, after in pairwise(bins.first_step)]
    return [max(length - size, 0) for length, size in zip(lengths, bins.num_steps, strict=False)]


def _bad_losses(evidence: WatchEvidence) -> int:
    """Losses that are missing from bins after losses were seen: they were not finite."""
    return sum(_missing(evidence)) if sum(evidence.losses.num_steps) else 0


def _bad_samples(evidence: WatchEvidence) -> Iterator[tuple[int, str, str | None]]:
    """Sampled steps at which a norm was infinite, earliest first."""
    found = []
    for layer in evidence.layers:
        if 0 <= layer.optimizer < len(evidence.optimizers):
            steps = evidence.optimizers[layer.optimizer].steps
            for step, *norms in zip(steps, layer.weight_norm, layer.update_norm, strict=False):
                if any(map(math.isinf, norms)):
                    found.append((step, layer.name, layer.source))
    yield from sorted(found, key=lambda one: one[0])
