"""What speaks for a sick training: findings, the fit verdict, and a closed-form reference that does better."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from torch import Tensor

from justfit.records import Finding, FitVerdict
from justfit.repair._baseline import Baseline
from justfit.repair._compare import ALPHA, gain_of, run_noise
from justfit.repair._longer import is_rising

# Weights that in a whole training move by less than this share of their norm stay what they were: JF407's threshold.
HARDLY = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Symptoms:
    """What was seen of the user's own training.

    Attributes:
        findings: Of the check before training and of the rules while it trained.
        verdict: On its history; None where it could not be trained at all.
        trouble: What it raised where it could not be trained; "" otherwise.
        share: Of the learnable that it learned.
        reference_share: That of the closed-form reference; NaN where there is none.
        behind: The reference is better, by more than chance and by as much as is worth a change.
        diverged: It ended in NaN or infinity.
        moved: How far the layer that moves most would move in a whole training, in units of its own norm.
        rising: A whole training still learned in its last quarter.
        structure: What the network is built of and should not be: kind of change that would mend it → words.
    """

    findings: tuple[Finding, ...]
    verdict: FitVerdict | None
    trouble: str = ""
    share: float = 0.0
    reference_share: float = math.nan
    behind: bool = False
    diverged: bool = False
    moved: float = math.nan
    rising: bool = False
    structure: dict[str, str] = field(default_factory=dict)

    @property
    def alarms(self) -> tuple[Finding, ...]:
        """Findings that are more than information."""
        return tuple(finding for finding in self.findings if finding.severity != "info")

    @property
    def codes(self) -> tuple[str, ...]:
        """Codes of the alarms, each once."""
        return tuple(dict.fromkeys(finding.code for finding in self.alarms))

    @property
    def only_overfits(self) -> bool:
        """The verdict is overfitting, and nothing else speaks against the training."""
        overfits = self.verdict is not None and self.verdict.state == "overfitting"
        return overfits and not set(self.codes) - {"JF105"} and not self.trouble and not self.structure

    @property
    def hardly_moves(self) -> bool:
        """The weights would stay where they began to the end of the training."""
        return self.moved < HARDLY

    @property
    def is_sick(self) -> bool:
        """Something speaks for a fault; without, nothing is tried."""
        wrong = self.verdict is not None and self.verdict.state in ("overfitting", "underfitting")
        return bool(self.trouble or self.diverged or self.alarms or self.structure or wrong or self.behind)

    @property
    def reasons(self) -> tuple[str, ...]:
        """In words, most telling first."""
        words = [self.trouble] if self.trouble else []
        words += self.structure.values()
        words += [f"{finding.code} {finding.name}" for finding in self.alarms]
        words += ["training ends in NaN or infinity"] if self.diverged else []
        if self.verdict is not None and self.verdict.state in ("overfitting", "underfitting"):
            words.append(f"the history shows {self.verdict.state}")
        words += ["it still learned in its last quarter"] if self.rising else []
        if self.hardly_moves and self.is_sick:
            words.append(f"no layer would move by more than {self.moved:.2g} of its norm in the whole training")
        if self.behind:
            words.append(
                f"a closed-form fit of the same rows learns {self.reference_share:.0%} of the learnable, "
                f"the network {max(self.share, 0.0):.0%}"
            )
        return tuple(dict.fromkeys(words))


def read_symptoms(
    baseline: Baseline,
    static: tuple[Finding, ...],
    reference: Tensor | None,
    trouble: str = "",
    structure: dict[str, str] | None = None,
) -> Symptoms:
    """Gather what speaks for a fault.

    Args:
        baseline: The user's training as far as it was run.
        static: What the check before training found.
        reference: [n] scores of the closed-form reference; None where there is none.
        trouble: What check or training raised; "" if nothing.
        structure: See `Symptoms`.
    """
    run, verdict = baseline.run, baseline.verdict
    behind, reference_share = False, math.nan
    if reference is not None:
        reference_share = run.yardstick.share(reference)
        lead = gain_of(
            [run.judged[max(run.judged)].scores],
            [reference],
            unit=run.yardstick.unit,
            run_noise=run_noise(baseline.shares),
            alpha=ALPHA,
        )
        behind = lead.is_proven
    return Symptoms(
        findings=_once((*static, *baseline.findings, *(verdict.findings if verdict else ()))),
        verdict=verdict,
        share=run.last_share,
        reference_share=reference_share,
        behind=behind,
        diverged=run.diverged and not trouble,
        trouble=trouble,
        moved=baseline.moved,
        rising=is_rising(baseline),
        structure=structure or {},
    )


def _once(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    return tuple({(finding.code, finding.where): finding for finding in reversed(findings)}.values())[::-1]
