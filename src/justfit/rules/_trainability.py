"""Will plain gradient descent get anywhere from here."""

from __future__ import annotations

import math

from justfit.records import SignalEvidence, Trainability
from justfit.rules._growth import inner_trunk

# Scale and threshold were fitted on plain digit networks of width 64; benchmarks/trainability.py fits all three. The
# slope is a starting value until that has run.
GRADIENT_DECADES = 1.5
THRESHOLD = 0.177
CALIBRATION_SLOPE = 2.0


def trainability(evidence: SignalEvidence) -> Trainability:
    r"""Predict from one forward and one backward pass whether a network trains.

    .. math:: \text{score} = \min\left(1, \frac{r_{last}}{\min(r_{first}, w_{last})}\right)
              \cdot \exp\left(-\left(\frac{\log_{10}\delta}{s}\right)^2\right),
              \quad \delta = \frac{\lVert\partial L/\partial a_{first}\rVert}{\lVert\partial L/\partial a_{last}\rVert}

    with r the effective rank and w the width at the ends of the trunk, output excluded, and s = 1.5 decades. The
    probability is a logistic function of ln(score/threshold).

    Args:
        evidence: What one forward and one backward pass showed.

    Returns:
        Score, threshold and probability, and what limits the score. NaN where rank or gradient were not measured; 0
        where NaN or infinity appeared.

    References:
        Schoenholz et al. 2017, "Deep information propagation", section 5, for the two depth scales.
    """
    if evidence.nonfinite is not None:
        return _result(0.0, 0.0, f"NaN or infinity in `{evidence.nonfinite.operation}`")
    rank, rank_words = _rank(evidence)
    gradient, gradient_words = _gradient(evidence)
    return _result(rank, gradient, rank_words if rank <= gradient else gradient_words)


def _rank(evidence: SignalEvidence) -> tuple[float, str]:
    points = [point for point in inner_trunk(evidence) if not math.isnan(point.effective_rank)]
    if len(points) < 2:
        return math.nan, ""
    first, last = points[0], points[-1]
    wanted = min(first.effective_rank, float(last.width))
    if wanted <= 0:
        return math.nan, ""
    words = f"effective rank {last.effective_rank:.2g} at `{last.name}` of {first.effective_rank:.3g} at `{first.name}`"
    return min(1.0, last.effective_rank / wanted), words


def _gradient(evidence: SignalEvidence) -> tuple[float, str]:
    points = [point for point in inner_trunk(evidence) if math.isfinite(point.gradient_norm)]
    if len(points) < 2 or points[-1].gradient_norm == 0:
        return math.nan, ""
    first, last = points[0], points[-1]
    gain = first.gradient_norm / last.gradient_norm
    words = f"∂L/∂activation changes {gain:.2g}x from `{last.name}` back to `{first.name}`"
    if not 0 < gain < math.inf:
        return 0.0, words
    return math.exp(-((math.log10(gain) / GRADIENT_DECADES) ** 2)), words


def _result(rank: float, gradient: float, limit: str) -> Trainability:
    score = rank * gradient
    return Trainability(
        score=score,
        threshold=THRESHOLD,
        probability=_probability(score),
        rank_part=rank,
        gradient_part=gradient,
        limited_by=limit if score < THRESHOLD else "",
    )


def _probability(score: float) -> float:
    """Logistic in ln(score), one half at the threshold."""
    if math.isnan(score):
        return math.nan
    odds = math.pow(score / THRESHOLD, CALIBRATION_SLOPE)
    return odds / (1 + odds)
