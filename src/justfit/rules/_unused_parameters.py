"""JF503."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from justfit.records import Severity, SignalEvidence, UnusedParameter
from justfit.rules._rule import NotApplicable
from justfit.rules._signal_rule import SignalOutcome, SignalRule, worst_first


@dataclass(frozen=True, slots=True)
class UnusedParameters(SignalRule):
    """Trainable parameters that the loss does not depend on.

    How it is detected:
        Trainable parameters without a gradient after one backward pass > `threshold`, put together under the largest
        module of which nothing was used. Experts beside others that got examples, and parameters that stand alone (such
        as a mask token), are information.
    Why it matters:
        A layer that was built and forgotten in the forward pass stays random; it costs memory, is decayed, and breaks
        distributed training.
    When it is wrong:
        Parts that only some batches use: routed experts, a mask token, an auxiliary head without its loss.
    What helps:
        Use the module in the forward pass, remove it, or freeze it with requires_grad_(False).

    References:
        PyTorch's documentation of DistributedDataParallel, `find_unused_parameters`.
    """

    code: ClassVar[str] = "JF503"
    name: ClassVar[str] = "unused parameters"
    severity: ClassVar[Severity] = "warning"
    why: ClassVar[str] = "A layer that the loss does not depend on stays random."
    when_wrong: ClassVar[str] = "Other batches, or another loss, may use it."
    cure: ClassVar[str] = "Use it in the forward pass, remove it, or freeze it with requires_grad_(False)."
    things: ClassVar[str] = "modules"
    threshold: float = 0.0

    def check(self, evidence: SignalEvidence) -> SignalOutcome:
        """Group the parameters without a gradient by module."""
        if not evidence.layers:
            return NotApplicable("no layer was measured")
        if len(evidence.unused) <= self.threshold:
            return ()
        names = {unused.name for unused in evidence.unused}
        used = [layer.name for layer in evidence.layers if layer.parameter not in names]
        groups: dict[str, list[UnusedParameter]] = defaultdict(list)
        for unused in evidence.unused:
            groups[_group(unused.name, used)].append(unused)
        found = []
        for where, members in groups.items():
            aside = all(member.routed or _is_aside(member.name, names) for member in members)
            listed = ", ".join(f"`{member.name}`" for member in members[:3])
            more = f" and {len(members) - 3} more" if len(members) > 3 else ""
            finding = self.finding(
                where,
                float(len(members)),
                self.threshold,
                unit="parameters",
                evidence=f"no gradient reaches {listed}{more}",
                source=members[0].source,
                severity="info" if aside else "warning",
            )
            found.append((float(len(members)), finding))
        return worst_first(found)


def _group(name: str, used: Iterable[str]) -> str:
    """The largest module around a parameter under which no layer was used; the parameter itself where there is none."""
    parts = name.split(".")
    for length in range(1, len(parts)):
        prefix = ".".join(parts[:length])
        if not any(layer == prefix or layer.startswith(f"{prefix}.") for layer in used):
            return prefix
    return name


def _is_aside(name: str, unused: set[str]) -> bool:
    """Whether it does no harm: a token or a scale of its own, or a bias that cancels where its weight is used."""
    owner, _, last = name.rpartition(".")
    if last == "bias":
        return f"{owner}.weight" not in unused
    return not last.startswith(("weight", "bias", "in_proj"))
