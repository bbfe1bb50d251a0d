"""Whether a series moved at all, and whether it falls without exception."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

TREND = 4  # entries at the end that fall one after the other: then the curve still falls there


def moved(losses: Array) -> float:
    """How far the losses moved at all, as a share of the largest first one; NaN where one is not above 0."""
    import numpy as np

    known = [series[np.isfinite(series)] for series in losses]
    known = [series for series in known if len(series)]
    if not known or min(float(series.min()) for series in known) <= 0:
        return math.nan
    first = max(float(series[0]) for series in known)
    return max(float(np.ptp(series)) for series in known) / first


def falls(known: Array) -> bool:
    """Each entry is lower than the one before it, and there are enough of them that noise would not look so."""
    import numpy as np

    return len(known) >= TREND and bool((np.diff(known) < 0).all())


def still_falls(values: Array) -> bool:
    """The last entry is the lowest as measured, and those before it fall to it one after the other."""
    import numpy as np

    known = values[np.isfinite(values)]
    return falls(known[-TREND:]) and float(known.min()) == float(known[-1])
