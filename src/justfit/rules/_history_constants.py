"""Constants of the judge of histories, and where they come from."""

from __future__ import annotations

import math

# How much of the error of a loss is left in its difference to another network's loss on the same rows, or to its own in
# another epoch: √(2(1 − ρ)) with ρ = 0.9.
PAIRED = 0.45

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

# Fitted by `benchmarks/fit_judge.py` on 1219 cases of 14 tables, split "tune".
WEIGHTS: dict[str, dict[str, dict[str, float]]] = {
    "plain": {
        "wrong": {
            "one": -0.878,
            "rise": 2.068,
            "gap": -0.474,
            "fall": 1.035,
        },
        "overfitting": {
            "one": -2.934,
            "rise": 0.0,
            "gap": 1.283,
            "fall": -0.85,
        },
    },
    "referenced": {
        "wrong": {
            "one": -9.399,
            "rise": 0.522,
            "gap": 2.444,
            "fall": 0.877,
            "descent": 0.797,
            "excess": 2.682,
            "bias": 1.725,
        },
        "overfitting": {
            "one": 0.264,
            "rise": 0.402,
            "gap": 0.0,
            "fall": -0.835,
            "descent": 0.075,
            "bias": -1.128,
        },
    },
}
# Of `OnlineJudge`.
STOPPING = {"one": -1.486, "rise": 0.975, "descent": 0.197, "wait": 1.401}
