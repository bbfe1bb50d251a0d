"""Read a history: losses of any scale and direction to the numbers of a `Reading`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from justfit.records import History
from justfit.rules._history_blocks import pool
from justfit.rules._history_constants import PAIRED
from justfit.rules._history_reading import RISEN, Reading
from justfit.rules._history_smooth import Smooth, smoothed
from justfit.rules._history_trend import falls, moved, still_falls

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

# The range is at most five times the lowest loss, where a loss has a zero: then 2 % of it are a tenth of the loss that
# remains, as in `Overfitting`. But at least a tenth of it; and of a start above a hundred times the lowest loss, which
# says nothing about what there was to learn, no more than that.
REMAINING, LEAST, MOST_START = 5.0, 0.1, 100.0
DIGITS = 11  # of a normalised loss; what is beyond is rounding of the user's unit
CEILING = 1e3  # in units of the range; above, all is equally bad
RECENT = 0.2  # the last part of a history, whose fall tells whether it was at its end
RESTART = 0.1  # of T's range, up and down again


def read(history: History) -> Reading:
    """Read a history.

    Args:
        history: At least one epoch.

    Returns:
        Its numbers.
    """
    import numpy as np

    with np.errstate(
        over="ignore", invalid="ignore"
    ):  # near the largest number a computer knows; what overflows is clipped
        return _read(history)


def _read(history: History) -> Reading:
    import numpy as np

    sign = -1.0 if history.direction == "maximize" else 1.0
    given = sign * np.array([history.train_loss, history.validation_loss], dtype=float)
    diverged_from = _diverged_from(given)
    losses = np.where(np.isfinite(given), given, math.nan)
    if diverged_from is not None:
        losses[:, diverged_from:] = math.nan
    shift, scale = _range(losses, has_zero=history.direction == "minimize")
    normal = np.round(np.clip((losses - shift) / scale, -CEILING, CEILING), DIGITS)
    num_train, num_validation = np.isfinite(normal).sum(axis=1).tolist()
    errors = np.array([history.train_loss_se, history.validation_loss_se], dtype=float) / scale
    train = smoothed(pool(normal[0])) if num_train else None
    validation = smoothed(pool(normal[1])) if num_validation else None
    numbers: dict[str, float | int | None] = {}
    if train is not None:
        numbers |= _of_train(train, _known_error(errors[0], train.entries[-1]))
        if falls(normal[0][np.isfinite(normal[0])]):
            numbers["learned"] = math.inf
    if validation is not None:
        numbers |= _of_validation(validation, errors[1])
        if still_falls(normal[1]):
            numbers["best"] = int(validation.entries[-1])
    if train is not None and validation is not None:
        numbers |= _of_both(train, validation, numbers)
    return Reading(
        unit_loss=scale,
        zero_loss=shift,
        num_train=num_train,
        num_validation=num_validation,
        num_spikes=sum(one.num_spikes for one in (train, validation) if one is not None),
        diverged_from=diverged_from,
        moved=moved(losses) if history.direction == "minimize" else math.nan,
        **numbers,  # type: ignore[arg-type]  # names and kinds are those of Reading
    )


def _diverged_from(losses: Array) -> int | None:
    """First entry of an end of NaN or infinity; a series that is measured every k-th epoch only has no such end."""
    import numpy as np

    finite = np.isfinite(losses).any(axis=0)
    broken = np.isinf(losses).any(axis=0)
    end = int(np.flatnonzero(finite & ~broken)[-1]) + 1 if (finite & ~broken).any() else 0
    return end if end < losses.shape[1] else None


def _range(losses: Array, *, has_zero: bool) -> tuple[float, float]:
    """Lowest loss, and the range of what was learned."""
    import numpy as np

    known = [series[np.isfinite(series)] for series in losses]
    known = [series for series in known if len(series)]
    if not known:
        return 0.0, 1.0
    lowest = min(float(series.min()) for series in known)
    learned = max(float(series[0] - series.min()) for series in known)
    if has_zero and lowest > 0:
        least = _lowest_mean(known[-1])  # of the validation loss where there is one
        learned = min(learned, max(REMAINING * least, LEAST * min(learned, MOST_START * least)))
    if learned <= 0:  # nothing ever fell below its start
        learned = max(float(np.ptp(series)) for series in known)
    return lowest, learned or 1.0


def _lowest_mean(known: Array) -> float:
    """Lowest mean of successive entries, a twentieth of all: a single lucky entry is not what a loss can reach."""
    import numpy as np

    width = 1 + len(known) // 20
    running = np.concatenate([[0.0], np.cumsum(known)])
    return float((running[width:] - running[:-width]).min() / width)


def _known_error(errors: Array, entry: int) -> float:
    return float(errors[entry]) if math.isfinite(errors[entry]) else 0.0


def _of_train(train: Smooth, error: float) -> dict[str, float | int | None]:
    import numpy as np

    values = train.values
    span = float(values.max() - values.min())
    low = int(values.argmin())
    noise = float(np.hypot(train.errors[0], train.errors[low]))
    return {
        "train": float(values[-1]),
        "train_error": math.hypot(float(train.errors[-1]), error),
        "train_noise": float(train.errors[-1]),
        "train_rise": float(values[-1] - values.min()),
        "train_fall": _recent_fall(train)[0],
        "learned": float(values[0] - values[low]) / noise,
        "restarts": _restarts(values, span),
    }


def _of_validation(validation: Smooth, errors: Array) -> dict[str, float | int | None]:
    import numpy as np

    values, own = validation.values, validation.errors
    low = int(values.argmin())
    near = values - values[low] <= np.hypot(own, own[low]) * (np.arange(len(values)) != low)
    best = int(np.flatnonzero(near[: low + 1])[0])
    # the lowest of k values of equal height lies about √(2 ln k) errors too low
    level = np.flatnonzero(values - values[low] <= own + own[low])
    tries = 1 + len(level) / float(validation.widths[low])
    too_low = float(own[low]) * math.sqrt(2 * math.log(tries)) if tries > 1 else 0.0
    measured = PAIRED * _known_error(errors, validation.entries[-1])
    rise = max(0.0, float(values[-1] - values[low]) - too_low) if low < len(values) - 1 else 0.0
    highest = float(values[low:].max() - values[low])
    fall, fall_error = _recent_fall(validation)
    return {
        "best": int(validation.entries[best]),
        "turn": _turn(validation, low),
        "validation": float(values[-1]),
        "validation_error": math.hypot(float(own[-1]), _known_error(errors, validation.entries[-1])),
        "validation_noise": float(own[-1]),
        "lowest": float(values[low]),
        "lowest_error": math.hypot(float(own[low]), _known_error(errors, validation.entries[low])),
        "rise": rise,
        "rise_error": math.hypot(float(own[-1]), float(own[low]), measured),
        "highest": highest,
        "recovered": 1 - float(values[-1] - values[low]) / highest if highest > 0 else 0.0,
        "validation_fall": fall,
        "validation_fall_error": fall_error,
    }


def _of_both(train: Smooth, validation: Smooth, numbers: dict[str, float | int | None]) -> dict[str, float]:
    import numpy as np

    beside = np.interp(validation.entries, train.entries, train.values)
    return {
        "gap": float(validation.values[-1] - train.values[-1]),
        "gap_error": math.hypot(float(numbers["train_error"] or 0), float(numbers["validation_error"] or 0)),
        "train_then": float(np.interp(int(numbers["best"] or 0), train.entries, train.values)),
        "below": float((validation.values < beside).mean()),
    }


def _recent_fall(series: Smooth) -> tuple[float, float]:
    """What the series lost over the last fifth, and the standard error of that."""
    import numpy as np

    since = (1 - RECENT) * (series.entries[-1] + 1) - 1
    before, error = (float(np.interp(since, series.entries, of)) for of in (series.values, series.errors))
    return before - float(series.values[-1]), math.hypot(error, float(series.errors[-1]))


def _turn(series: Smooth, low: int) -> int | None:
    """Entry from which on the series stays above its lowest value by more than its noise."""
    import numpy as np

    above = series.values - series.values[low] > RISEN + np.hypot(series.errors, series.errors[low])
    back = np.flatnonzero(~above)
    first = int(back[-1]) + 1  # the lowest value itself is not above
    return int(series.entries[first]) if first < len(above) else None


def _restarts(values: Array, span: float) -> int:
    """Times the series went up by a tenth of its range and came back by as much."""
    import numpy as np

    if span <= 0:
        return 0
    count, low, high = 0, float(values[0]), -math.inf
    for value in np.asarray(values).tolist():
        if high == -math.inf:
            low = min(low, value)
            high = value if value - low > RESTART * span else high
        elif high - value > RESTART * span:
            count, low, high = count + 1, value, -math.inf
        else:
            high = max(high, value)
    return count
