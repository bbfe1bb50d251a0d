r"""How likely each state is, given what a history shows.

.. math:: P(\text{wrong}) = \mathrm{E}\,\sigma(z_1), \quad P(\text{overfitting}) = \mathrm{E}\,\sigma(z_1)\,\sigma(z_2),
          \quad z_k = b_k + \sum_i w_{ki} \operatorname{asinh}\frac{x_i}{\tau_i}

First whether the fit is wrong at all, then in which direction; each a logistic model of a few shares x of what was
learned. asinh is a line up to about τ, the size from which on a share counts, and a logarithm above: ten times as much
harm is not ten times as certain. The expectation is over the noise of the x, so what is noisy is less certain.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from justfit.rules._history_constants import PAIRED, SIZES, WEIGHTS
from justfit.rules._history_overfitting import OverfittingFromEpoch
from justfit.rules._history_rule import HistoryEvidence

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

NUM_DRAWS = 64  # of the noise; the seed is fixed
MEANT = OverfittingFromEpoch().margin  # a rise from which on V is said to rise


def state_probabilities(evidence: HistoryEvidence) -> dict[str, float]:
    """Weigh what a history shows.

    Args:
        evidence: With a train and a validation loss.

    Returns:
        Probability of overfitting, underfitting and just_right; they sum to 1.
    """
    import numpy as np

    model = "referenced" if math.isfinite(evidence.reference_loss) else "plain"
    drawn = shares(evidence)
    bent = {name: np.arcsinh(share / SIZES[name]) for name, share in drawn.items()}
    wrong, upward = (
        1 / (1 + np.exp(-sum(weight * bent[name] for name, weight in of.items()))) for of in WEIGHTS[model].values()
    )
    if model == "plain":
        upward = meant(upward, drawn["rise"])
    draws = {"overfitting": wrong * upward, "underfitting": wrong * (1 - upward), "just_right": 1 - wrong}
    return {state: float(draw.mean()) for state, draw in draws.items()}


def meant(upward: Array, rise: Array) -> Array:
    """Draw a probability of overfitting to 1 where V rises while T does not: that is what the word means.

    Only without a reference: with one, a network may rise on a level that is far too high.

    Args:
        upward: Probability that a wrong fit is overfitting.
        rise: Share of what was learned that V rose.
    """
    return upward + (1 - upward) * rise**4 / (rise**4 + MEANT**4)


def shares(evidence: HistoryEvidence) -> dict[str, Array]:
    """What the model looks at, as shares of what there is to learn.

    Args:
        evidence: With a train and a validation loss.

    Returns:
        Each [NUM_DRAWS], drawn from its noise: `rise` of V that is overfitting, `gap`, `fall` that both losses still
        had in the last fifth, `descent` of T since V was lowest, at most 1; with a reference `excess` of V and `bias`
        of T over the best that is known; and `one`, for the constants of the model, at its size. The noise of the
        history is drawn where a small share decides, in `rise` and `excess`; in `gap` and `bias` that of the rows.
    """
    import numpy as np

    reading = evidence.reading
    noise = np.random.default_rng(0).standard_normal((4, NUM_DRAWS))
    noise = (noise - noise.mean(axis=1, keepdims=True)) / noise.std(axis=1, keepdims=True)
    # what of the errors was given with the losses; the rest is the noise of the history
    given = PAIRED * math.sqrt(max(0.0, reading.validation_error**2 - reading.validation_noise**2))
    given_train = PAIRED * math.sqrt(max(0.0, reading.train_error**2 - reading.train_noise**2))
    # taken in training mode, a train loss may lie above the validation loss, but not the network's own
    own = min(reading.train, reading.validation) if evidence.in_train_mode else reading.train
    validation, train = reading.validation + given * noise[0], own + given_train * noise[1]
    # most histories do not rise: what is seen of a rise is believed as far as it stands out of its noise
    squares = reading.harm**2, reading.rise_error**2
    believed = squares[0] / sum(squares) if reading.harm > 0 else 0.0
    descent = min(1.0, max(0.0, reading.train_then - reading.train))
    drawn = {
        "rise": np.maximum(believed * reading.harm + math.sqrt(believed) * reading.rise_error * noise[2], 0.0),
        "gap": validation - train,
        "fall": np.full(NUM_DRAWS, max(0.0, min(reading.train_fall, reading.validation_fall))),
        "descent": np.full(NUM_DRAWS, descent),
    }
    if math.isfinite(evidence.reference_loss):
        reference = (evidence.sign * evidence.reference_loss - reading.zero_loss) / reading.unit_loss
        best = min(reference, reading.lowest)  # a reference that this very network beat on its way is not the best
        error = math.hypot(reading.validation_noise, given)
        drawn |= {"excess": reading.validation + error * noise[3] - best, "bias": train - best}
    ratio = reading.unit_loss / evidence.learnable
    return {"one": np.full(NUM_DRAWS, SIZES["one"]), **{name: share * ratio for name, share in drawn.items()}}
