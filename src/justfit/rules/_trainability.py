"""Will plain gradient descent get anywhere from here."""

from __future__ import annotations

import math

from justfit.records import SignalEvidence, Trainability
from justfit.rules._growth import inner_trunk

NOISE_FACTOR = 1e3  # what differs by less than this many roundings is rounding noise
MOST_NOISE = 0.03  # half precision rounds coarsely, but its samples share most of their rounding
# Fitted on the dev and held-out splits of benchmarks/trainability.py, before its final split was looked at.
VANISHING_DECADES = 2.5
CHAOS_DECADES = 1.0
NORMALISED_DECADES = 2.0
COMMON_DECADES = 3.0
ENERGY = 0.03
THRESHOLD = 0.117
CALIBRATION_SLOPE = 1.57
MOSTLY = 0.5  # of the layers and of the trunk's points together


def trainability(evidence: SignalEvidence) -> Trainability:
    r"""Predict from one forward and one backward pass whether a network trains.

    .. math:: \text{score} = \min\left(1, \frac{r_{last}}{\min(r_{first}, w_{last})}\right) \frac{E}{E + E_0}
              \cdot \exp\left(-\frac{v^2}{v_0^2} - \frac{c^2}{c_0^2} - \frac{g}{g_0}\right)

    with r the nuclear rank (Σσ)²/Σσ² and w the width at the ends of the trunk, output excluded, and E the share of the
    last activations' mean square that differs between examples, the larger one of the last two points: averaging over
    positions before the head leaves little of it and does no harm. With δ = log₁₀ of ∂L/∂activation at the first over
    the last point, and f = log₁₀ of the activations' rms at the last over the first: v = max(0, −δ) is vanishing,
    g = max(0, min(δ, f)) is growth of signal and gradient together, which clipping mends in part, and
    c = max(0, δ) − g is growth of the gradient alone: chaos. All in decades. Where normalisations make most layers
    blind to the scale of their weights, chaos does less harm and counts as c/c₁ instead of c²/c₀².

    The probability is a logistic function of ln(score/threshold).

    Args:
        evidence: What one forward and one backward pass showed.

    Returns:
        Score, threshold and probability, and what limits the score. NaN where rank or gradient were not measured; 0
        where NaN or infinity appeared.

    References:
        Schoenholz et al. 2017, "Deep information propagation", section 5, for the two depth scales.
        Poole et al. 2016, "Exponential expressivity in deep neural networks through transient chaos", for chaos.
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
    ranks = (first.nuclear_rank, last.nuclear_rank)
    if any(math.isnan(rank) for rank in ranks):
        ranks = (first.effective_rank, last.effective_rank)
    wanted = min(ranks[0], float(last.width))
    if wanted <= 0:
        return math.nan, ""
    roundoff = evidence.unit_roundoff if math.isfinite(evidence.unit_roundoff) else 0.0
    noise = min(NOISE_FACTOR * roundoff, MOST_NOISE) ** 2
    energy = max(point.sample_energy for point in points[-2:])
    diverse = energy**2 / ((energy + ENERGY) * (energy + noise)) if energy > 0 else 0.0
    words = (
        f"examples differ in {ranks[1]:.2g} directions at `{last.name}` of {ranks[0]:.3g} at `{first.name}`, "
        f"and in {energy:.2g} of the activations' energy"
    )
    return min(1.0, ranks[1] / wanted) * diverse, words


def _gradient(evidence: SignalEvidence) -> tuple[float, str]:
    points = [point for point in inner_trunk(evidence) if math.isfinite(point.gradient_norm)]
    if len(points) < 2 or points[-1].gradient_norm == 0:
        return math.nan, ""
    first, last = points[0], points[-1]
    gain = first.gradient_norm / last.gradient_norm
    words = f"∂L/∂activation changes {gain:.2g}x from `{last.name}` back to `{first.name}`"
    if not 0 < gain < math.inf:
        return 0.0, words
    decades = math.log10(gain)
    growth = math.log10(last.rms / first.rms) if 0 < first.rms < math.inf and 0 < last.rms < math.inf else 0.0
    vanishing, common = max(0.0, -decades), max(0.0, min(decades, growth))
    chaos = max(0.0, decades) - common
    harm = chaos / NORMALISED_DECADES if _is_normalised(evidence) else (chaos / CHAOS_DECADES) ** 2
    return math.exp(-((vanishing / VANISHING_DECADES) ** 2) - harm - common / COMMON_DECADES), words


def _is_normalised(evidence: SignalEvidence) -> bool:
    layers = [layer for layer in evidence.layers if not layer.is_output]
    points = inner_trunk(evidence)
    share_of_layers = sum(layer.normalised for layer in layers) / max(1, len(layers))
    return share_of_layers + sum(point.normalised for point in points) / max(1, len(points)) > MOSTLY


def _result(rank: float, gradient: float, limit: str) -> Trainability:
    score = 0.0 if rank == 0 else rank * gradient
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
