"""JF306."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import dataclass
from statistics import median
from typing import ClassVar

from justfit.records import Finding, LayerSignal, Severity, SignalEvidence
from justfit.rules._rule import NotApplicable
from justfit.rules._signal_rule import SignalOutcome, SignalRule, worst_first


@dataclass(frozen=True, slots=True)
class _Family:
    """Weights of one distribution and one size; `power` 0.5 compares σ·√fan_in, 0 compares σ."""

    members: tuple[LayerSignal, ...]
    power: float
    size: float

    def usual(self, layer: LayerSignal) -> float:
        """The σ that the family would give to this layer."""
        return self.size / math.pow(layer.fan_in, self.power)

    @property
    def is_default(self) -> bool:
        """Most of it has the framework's default values."""
        return 2 * sum(layer.has_default_values for layer in self.members) > len(self.members)


@dataclass(frozen=True, slots=True)
class InitializationNotApplied(SignalRule):
    r"""One weight was drawn in another way than its siblings: an initialization seems not to have reached it.

    How it is detected:
        Among at least `siblings` weights of one operation, a share of at least `share` has one distribution and one
        size (σ or σ·√fan_in, within `tolerance` of the median). A weight outside that family that has the framework's
        default values, or another distribution, is information. It is a warning where the weight has the default
        values, the family has not, and a sibling has the very same shape. Heads, first layers, embeddings and zeros
        are not judged.
    Why it matters:
        An `isinstance` or a name that does not match leaves a layer at its default without a word; for PyTorch that is
        a variance of 1/(3·fan_in), and the signal loses a factor at that layer.
    When it is wrong:
        Layers that are meant to start differently: gates, routers, the last layer of a branch.
    What helps:
        Initialize that weight like its siblings, or all with `justfit.initialize_(module, *inputs, scheme='auto')`.

    References:
        He et al. 2015, "Delving deep into rectifiers", eq. 10, for what the default misses. Lecture C13, C16, C17.
    """

    code: ClassVar[str] = "JF306"
    name: ClassVar[str] = "initialization did not apply"
    severity: ClassVar[Severity] = "info"
    why: ClassVar[str] = "An initialization that was meant for all layers seems not to have reached this one."
    when_wrong: ClassVar[str] = "The layer may be meant to start differently."
    cure: ClassVar[str] = (
        "Initialize it like its siblings, or all with justfit.initialize_(module, *inputs, scheme='auto')."
    )
    siblings: int = 5
    share: float = 0.8
    tolerance: float = 0.25

    def check(self, evidence: SignalEvidence) -> SignalOutcome:
        """Compare each weight with those of the same operation."""
        groups: dict[str, list[LayerSignal]] = defaultdict(list)
        for layer in evidence.layers[1:]:
            if not layer.is_output and layer.operation != "embedding" and 0 < layer.weight_rms < math.inf:
                groups[layer.operation].append(layer)
        large = [group for group in groups.values() if len(group) >= self.siblings]
        if not large:
            return NotApplicable("too few weights of one operation to compare with each other")
        return worst_first([odd for group in large for odd in self._odd_ones(group)])

    def _odd_ones(self, group: list[LayerSignal]) -> list[tuple[float, Finding]]:
        family = max((self._family(group, power) for power in (0.0, 0.5)), key=lambda found: len(found.members))
        if len(family.members) < self.share * len(group):
            return []
        inside = {layer.name for layer in family.members}
        odd = []
        for layer in group:
            left_alone = layer.has_default_values and not family.is_default
            if layer.name not in inside and (left_alone or layer.distribution != family.members[0].distribution):
                odd.append((abs(math.log(layer.weight_rms / family.usual(layer))), self._found(layer, family)))
        return odd

    def _family(self, group: list[LayerSignal], power: float) -> _Family:
        kind, _ = Counter(layer.distribution for layer in group).most_common(1)[0]
        alike = [
            (layer, layer.weight_rms * math.pow(layer.fan_in, power)) for layer in group if layer.distribution == kind
        ]
        size = median(scaled for _, scaled in alike)
        members = tuple(layer for layer, scaled in alike if abs(scaled / size - 1) <= self.tolerance)
        return _Family(members, power, size)

    def _found(self, layer: LayerSignal, family: _Family) -> Finding:
        left_alone = layer.has_default_values and not family.is_default
        same_shape = any(layer.shape == sibling.shape for sibling in family.members)
        usual = family.usual(layer)
        default = ", the framework's default" if layer.has_default_values else ""
        words = (
            f"{layer.distribution} weights of std {layer.weight_rms:.3g}{default}; {len(family.members)} siblings have "
            f"{family.members[0].distribution} ones, of std {usual:.3g} at this size"
        )
        return self.finding(
            layer.name,
            layer.weight_rms,
            usual,
            unit="standard deviation of the weights",
            evidence=words,
            source=layer.source,
            severity="warning" if left_alone and same_shape else "info",
        )
