"""JF501."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from justfit.records import Finding, InputSignal, Severity, SignalEvidence
from justfit.rules._rule import NotApplicable
from justfit.rules._signal_rule import SignalOutcome, SignalRule, worst_first


@dataclass(frozen=True, slots=True)
class UnscaledInput(SignalRule):
    """An input comes in a unit that the network does not expect.

    How it is detected:
        Of an input that a weight reads as it is (nothing normalises or rescales it before): rms > `largest`; or
        |mean| > `offset` standard deviations with rms > `offset_from`; or the largest standard deviation of a feature
        > `ratio` times the smallest, which is information unless rms > `offset_from`; or rms < `smallest`, which is
        information down to `negligible`.
    Why it matters:
        The first layer's outputs, gradients and best learning rate are off by that factor, and features with large
        units drown the others.
    When it is wrong:
        Counts and coordinates whose size is meant, with a first layer that was initialized for them.
    What helps:
        Standardize each feature with the training rows' mean and standard deviation; divide pixels by 255.

    References:
        LeCun et al. 1998, "Efficient BackProp", section 4.3.
    """

    code: ClassVar[str] = "JF501"
    name: ClassVar[str] = "unscaled input"
    severity: ClassVar[Severity] = "warning"
    why: ClassVar[str] = "The first layer's outputs, gradients and best learning rate are off by that factor."
    when_wrong: ClassVar[str] = "The size may be meant, with a first layer that was initialized for it."
    cure: ClassVar[str] = "Standardize each feature with the training rows' mean and std; divide pixels by 255."
    things: ClassVar[str] = "inputs"
    largest: float = 10.0
    offset: float = 10.0
    offset_from: float = 3.0
    ratio: float = 1e3
    smallest: float = 3e-3
    negligible: float = 1e-4

    def check(self, evidence: SignalEvidence) -> SignalOutcome:
        """Look at each input that a weight reads as it is."""
        read = [signal for signal in evidence.inputs if 0 < signal.rms < math.inf and signal.read_by]
        if not read:
            return NotApplicable("no floating-point input that a weight reads was measured")
        direct = [signal for signal in read if not signal.normalised and self._is_direct(signal, evidence)]
        judged = [self._judge(signal) for signal in direct]
        return worst_first([found for found in judged if found is not None])

    @staticmethod
    def _is_direct(signal: InputSignal, evidence: SignalEvidence) -> bool:
        """Whether the first layer gets the input as it is: a forward pass may scale or embed it first."""
        sizes = [layer.input_rms for layer in evidence.layers if layer.name == signal.read_by]
        return all(math.isclose(size, signal.rms, rel_tol=0.05) for size in sizes)

    def _judge(self, signal: InputSignal) -> tuple[float, Finding] | None:
        if signal.rms > self.largest:
            return self._found(signal, signal.rms, self.largest, "root mean square", "warning")
        if signal.rms > self.offset_from and abs(signal.mean) > self.offset * signal.std:
            ratio = abs(signal.mean) / signal.std if signal.std > 0 else math.inf
            return self._found(signal, ratio, self.offset, "standard deviations from zero", "warning")
        if signal.feature_std_ratio > self.ratio:
            severity: Severity = "warning" if signal.rms > self.offset_from else "info"
            return self._found(signal, signal.feature_std_ratio, self.ratio, "largest over smallest std", severity)
        if signal.rms < self.smallest:
            severity = "warning" if signal.rms < self.negligible else "info"
            return self._found(signal, signal.rms, self.smallest, "root mean square", severity)
        return None

    def _found(
        self, signal: InputSignal, value: float, threshold: float, unit: str, severity: Severity
    ) -> tuple[float, Finding]:
        words = (
            f"{value:.3g} {unit}, threshold {threshold:g}; values from {signal.minimum:.3g} to {signal.maximum:.3g}, "
            f"read by `{signal.read_by}`"
        )
        finding = self.finding(
            signal.name,
            value,
            threshold,
            unit=unit,
            evidence=words,
            source=signal.source,
            severity=severity,
        )
        return abs(math.log(value / threshold)) if value < math.inf else math.inf, finding
