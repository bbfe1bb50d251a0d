"""Constants of the judge of histories, and where they come from."""

from __future__ import annotations

import math

# The size from which on a share counts: that of the margins of the rules, not fitted. `one` carries the constants of
# the model: arsinh(1.1752) = 1.
SIZES = {
    "one": math.sinh(1.0),
    "rise": 0.02,
    "gap": 0.1,
    "fall": 0.02,
    "descent": 0.05,
    "excess": 0.05,
    "bias": 0.05,
}

# Fitted by `benchmarks/fit_judge.py` on 812 cases of 14 tables, split "tune".
WEIGHTS: dict[str, dict[str, dict[str, float]]] = {
    "plain": {
        "wrong": {
            "one": 0.044,
            "rise": 2.252,
            "gap": -0.514,
            "fall": 0.962,
        },
        "overfitting": {
            "one": -3.522,
            "rise": 0.0,
            "gap": 1.678,
            "fall": -0.89,
        },
    },
    "referenced": {
        "wrong": {
            "one": -11.316,
            "rise": 0.355,
            "gap": 2.657,
            "fall": 1.01,
            "descent": 1.095,
            "excess": 3.19,
            "bias": 1.795,
        },
        "overfitting": {
            "one": 0.18,
            "rise": 0.245,
            "gap": 0.008,
            "fall": -0.72,
            "descent": 0.608,
            "bias": -1.716,
        },
    },
}
# Of `OnlineJudge`.
STOPPING = {"one": -0.445, "rise": 1.796, "descent": 0.279}
