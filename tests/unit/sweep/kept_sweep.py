"""A sweep that is kept in a folder, as a program of its own: the tests kill it."""

import sys

import torch

import justfit
from justfit.records import to_json
from tests.unit.sweep.modules import build, make_data


def run(folder, **settings):
    asked = {
        "l2": [0, 0.1, 1, 10, 100, 1000],
        "dropout": [0, 0.3],
        "folds": 2,
        "epochs": 12,
        "batch_size": 6,
        "learning_rate": 0.02,
        "tier": "loop",
        "executor": "serial",
        "out": folder,
    }
    return justfit.sweep(build, make_data(), **{**asked, **settings})


if __name__ == "__main__":
    torch.set_num_threads(1)
    sys.stdout.write("begin\n")
    sys.stdout.flush()
    result = run(sys.argv[1])
    sys.stdout.write(to_json(result.record.cells))
