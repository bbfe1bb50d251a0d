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
            "one": -0.063,
            "rise": 1.78,
            "gap": -0.576,
            "fall": 1.012,
        },
        "overfitting": {
            "one": -3.425,
            "rise": 0.0,
            "gap": 1.416,
            "fall": -0.682,
        },
    },
    "referenced": {
        "wrong": {
            "one": -11.67,
            "rise": 0.25,
            "gap": 2.172,
            "fall": 1.031,
            "descent": 1.186,
            "excess": 3.613,
            "bias": 1.62,
        },
        "overfitting": {
            "one": -0.011,
            "rise": 0.235,
            "gap": 0.074,
            "fall": -0.674,
            "descent": 0.602,
            "bias": -1.674,
        },
    },
}
# Of `OnlineJudge`; the size is not fitted.
STOPPING = {"one": -0.453, "rise": 1.788, "descent": 0.282, "size": 0.02}
