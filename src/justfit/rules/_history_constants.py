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

# Fitted by `benchmarks/fit_judge.py` on 1034 cases of 14 tables, split "tune".
WEIGHTS: dict[str, dict[str, dict[str, float]]] = {
    "plain": {
        "wrong": {
            "one": -0.642,
            "rise": 2.088,
            "gap": -0.559,
            "fall": 0.949,
        },
        "overfitting": {
            "one": -3.193,
            "rise": 0.0,
            "gap": 1.621,
            "fall": -0.926,
        },
    },
    "referenced": {
        "wrong": {
            "one": -11.514,
            "rise": 0.133,
            "gap": 3.154,
            "fall": 1.041,
            "descent": 1.25,
            "excess": 3.215,
            "bias": 2.192,
        },
        "overfitting": {
            "one": 0.399,
            "rise": 0.076,
            "gap": 0.333,
            "fall": -0.886,
            "descent": 0.177,
            "bias": -1.302,
        },
    },
}
# Of `OnlineJudge`.
STOPPING = {"one": -1.546, "rise": 1.051, "descent": 0.173, "wait": 1.39}
