"""One series of a history, prepared: entries pooled into blocks, lone spikes cut, its noise estimated.

Notation: n entries, B blocks, x positions, y values, σ the noise of one entry.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

# Entries in a block: one up to this entry, then this part of those before it. The time scales of a learning curve grow
# with its age, so nothing is lost, and 100,000 epochs become about 1,500 blocks.
RESOLUTION = 200
SPIKE_NOISES = 6.0  # an entry this many noises away from both neighbours, which agree, stands alone
LEAST_NOISE = 1e-4  # in units of the whole range: logs are rounded, and seldom to more than four digits
PRIOR_NOISE = 0.015  # in the same units; weighs as much as ten differences, so that few of them do not claim none
PRIOR_WEIGHT = 10.0
TRIMMED = 0.9  # share of the differences that the noise is estimated from; the rest are jumps, such as restarts
# E|z| of a standard normal z given |z| below its 0.9 quantile; the second difference y - (y₋ + y₊)/2 has σ√1.5
TRIMMED_MEAN, DIFFERENCE = 0.6573, 1.5**0.5
# Second differences of noise turn over at nearly every step: this many or more of one sign are a bend, and no noise.
CURVED = 6
NEIGHBOURHOOD, MOST_WINDOWS = 41, 400  # differences that a local noise is estimated from; of such places, at most
MOST_CORRELATION = 4.0


@dataclass(frozen=True, slots=True)
class Blocks:
    """What is left of a series.

    Attributes:
        entries: [B] index of the entry in the middle of each block.
        positions: [B] mean index.
        values: [B] mean value.
        variances: [B] of a block's mean, from the noise alone.
        num_spikes: Lone entries that were cut.
    """

    entries: NDArray[np.int64]
    positions: Array
    values: Array
    variances: Array
    num_spikes: int


def pool(values: Array) -> Blocks:
    """Prepare a series in O(n).

    Args:
        values: [n] one an epoch, NaN where missing, in units of the history's range; at least one is finite.
    """
    import numpy as np

    entries = np.flatnonzero(np.isfinite(values))
    known = values[entries]
    noise = _noise(known)
    known, num_spikes = _without_spikes(known, noise)
    starts = _starts(len(known))
    sizes = np.diff(starts, append=len(known))
    return Blocks(
        entries=entries[starts + (sizes - 1) // 2],
        positions=np.add.reduceat(entries.astype(float), starts) / sizes,
        values=np.add.reduceat(known, starts) / sizes,
        variances=np.add.reduceat(noise**2, starts) / sizes**2 * _correlation(known),
        num_spikes=num_spikes,
    )


def _starts(count: int) -> NDArray[np.int64]:
    """First entry of each block."""
    import numpy as np

    starts = list(range(min(count, RESOLUTION)))
    start = len(starts)
    while start < count:
        starts.append(start)
        start += start // RESOLUTION
    return np.array(starts, dtype=np.int64)


def _second_differences(known: Array) -> Array:
    return known[1:-1] - (known[:-2] + known[2:]) / 2


def _trimmed_scale(magnitudes: Array) -> Array:
    """Standard deviation of what has these magnitudes, [rows, count] → [rows]; the largest tenth is left out."""
    import numpy as np

    kept = max(1, round(TRIMMED * magnitudes.shape[1]))
    smallest = np.partition(magnitudes, kept - 1, axis=1)[:, :kept]
    return smallest.mean(axis=1) / TRIMMED_MEAN  # type: ignore[no-any-return]  # numpy widens to Any here


def _noise(known: Array) -> Array:
    """[n] σ of each entry, estimated from the second differences around it."""
    import numpy as np

    differences = _second_differences(known) / DIFFERENCE
    magnitudes, count = np.abs(differences), len(differences)
    if count == 0:
        return np.full(len(known), PRIOR_NOISE)
    width = min(count, NEIGHBOURHOOD)
    many = min(MOST_WINDOWS, 1 + 2 * (count // width))
    centres = np.unique(np.linspace(0, count - width, many).round().astype(int))
    windows = np.lib.stride_tricks.sliding_window_view(magnitudes, width)[centres]
    signs = np.lib.stride_tricks.sliding_window_view(np.sign(differences), width)[centres]
    bent = (np.abs(signs.sum(axis=1)) == width) & (width >= CURVED)
    scales = np.where(bent, 0.0, _trimmed_scale(windows))
    local = np.interp(np.arange(len(known)), centres + (width + 1) / 2, scales)
    shrunk = (width * local**2 + PRIOR_WEIGHT * PRIOR_NOISE**2) / (width + PRIOR_WEIGHT)
    return np.sqrt((shrunk if width < NEIGHBOURHOOD else local**2) + LEAST_NOISE**2)


def _correlation(known: Array) -> float:
    """By how much neighbours move together: variance of means of 8 entries over what it were if they did not."""
    import numpy as np

    width, late = 8, known[len(known) // 3 :]
    if len(late) < 6 * width:
        return 1.0
    means = late[: len(late) // width * width].reshape(-1, width).mean(axis=1)
    single, pooled = (_trimmed_scale(np.abs(_second_differences(y))[None])[0] for y in (late, means))
    ratio = width * pooled**2 / (single**2 + (DIFFERENCE * LEAST_NOISE) ** 2)
    return float(np.clip(ratio, 1.0, MOST_CORRELATION))


def _without_spikes(known: Array, noise: Array) -> tuple[Array, int]:
    """Put an entry that stands alone between its neighbours; the last one, on the one before it."""
    import numpy as np

    if len(known) < 5:
        return known, 0
    middle = (known[:-2] + known[2:]) / 2
    away = np.abs(known[1:-1] - middle)
    apart = np.abs(known[2:] - known[:-2])
    alone = (away > SPIKE_NOISES * np.maximum(noise[1:-1], PRIOR_NOISE)) & (apart < away / 2)
    cut = known.copy()
    cut[1:-1][alone] = middle[alone]
    reach = SPIKE_NOISES * max(float(noise[-1]), PRIOR_NOISE)
    if min(abs(known[-1] - cut[-2]), abs(known[-1] - (2 * cut[-2] - cut[-3]))) > reach:
        cut[-1] = cut[-2]  # one entry is no trend; where it goes on, the next ones will tell
    return cut, int((cut != known).sum())
