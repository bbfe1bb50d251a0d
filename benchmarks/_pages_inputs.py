"""What the pages of `pages.py` show: fits, a checkup, a watched run and a sweep, made once and kept in a folder.

All but the sweep are real runs. A sweep of 10,000 cells takes too long to train for a test of its page: its record
holds learning curves by a formula, with noise in every digit.
"""

import json
import math
import os
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

import justfit
from _depth_nets import digits, every_layer, multilayer_perceptron
from justfit.records import to_json

ROOT = Path(__file__).resolve().parents[1]
NUM_LAYERS, NUM_STEPS, NUM_CELLS, NUM_EPOCHS = 10_000, 100_000, 10_000, 100
LAYER_SERIES = ("activation_rms", "gradient_norm", "forward_gain", "backward_gain", "effective_rank")


def fit(folder, *arguments):
    """`justfit fit`, as a user calls it; what it took is kept beside its result."""
    took = folder / "took.json"
    if not took.exists():
        before, started = os.times(), time.perf_counter()
        command = [sys.executable, "-m", "justfit", "fit", *arguments, "--quick", "-q", "--overwrite", "--out", folder]
        subprocess.run(command, check=True)
        after = os.times()
        cpu = after.children_user + after.children_system - before.children_user - before.children_system
        took.write_text(json.dumps({"wall": time.perf_counter() - started, "cpu": cpu}))
    return folder / "result.json", json.loads(took.read_text())


def fitted_digits(work):
    return fit(work / "digits", "digits")


def table(work):
    """1,000 rows of 10 numbers: nine normal ones, of which three make the tenth, with noise."""
    place = work / "table.csv"
    draws = np.random.default_rng(0)
    x = draws.normal(size=(1000, 9))
    y = np.sin(2 * x[:, 0]) + x[:, 1] * x[:, 2] + 0.3 * draws.normal(size=1000)
    names = ",".join([*(f"x{k}" for k in range(9)), "y"])
    np.savetxt(place, np.column_stack([x, y]), delimiter=",", header=names, comments="", fmt="%.6g")
    return place


def fitted_table(work):
    return fit(work / "fit", str(table(work)), "--target", "y")


def content_of(result):
    """What the peers are given of a fit: curves of all cells, and the map of the losses."""
    sweep = json.loads(result.read_text())["sweep"]
    cells = [
        {
            "l2": curve["l2"], "dropout": curve["dropout"], "epochs": curve["epochs"],
            "train": curve["train_loss"], "validation": curve["validation_loss"],
        }
        for curve in sweep["curves"]
    ]  # fmt: skip
    named = {"l2": sweep["l2"], "dropout": sweep["dropout"], "unit": sweep["unit"], "cells": cells}
    return {**named, "loss": sweep["validation_loss"], "loss_se": sweep["validation_loss_se"]}


def checkup(work):
    """(record, series) of a tanh network of 10,000 layers, orthogonal weights, digits."""
    record, series = work / "checkup.json", work / "checkup.npz"
    if not series.exists():
        torch.manual_seed(0)
        network = multilayer_perceptron(NUM_LAYERS, "tanh")
        every_layer(network, nn.init.orthogonal_)
        x, y = (part[:128] for part in digits()[:2])
        found = justfit.check(network, x, targets=y, loss_fn=functional.cross_entropy)
        record.write_bytes(encoded(found))
        layers = found.evidence.layers
        lines = {name: [getattr(layer, name) for layer in layers] for name in LAYER_SERIES}
        save_lines(series, np.arange(len(layers)), lines)
    return record, series


def watched(work):
    """(record, series) of 100,000 steps of a small network on digits; the series hold what each step gave."""
    record, series = work / "watch.json", work / "watch.npz"
    if not series.exists():
        torch.manual_seed(0)
        x, y, _, _ = digits()
        sizes = (64, 64, 64, 64)
        hidden = [part for a, b in pairwise(sizes) for part in (nn.Linear(a, b), nn.ReLU())]
        network = nn.Sequential(*hidden, nn.Dropout(0.5), nn.Linear(64, 10))
        weights = [parameter for name, parameter in network.named_parameters() if name.endswith("weight")]
        optimizer = torch.optim.SGD(network.parameters(), 0.02)
        losses, norms = np.empty(NUM_STEPS), np.empty((NUM_STEPS, len(weights)))
        with justfit.watch(network, optimizer, live=False) as run:
            for step in range(NUM_STEPS):
                rows = torch.randint(0, len(x), (32,))
                optimizer.zero_grad()
                loss = functional.cross_entropy(network(x[rows]), y[rows])
                loss.backward()
                losses[step] = loss.item()
                norms[step] = torch.stack(torch._foreach_norm([weight.grad for weight in weights])).numpy()
                optimizer.step()
        record.write_bytes(encoded(run.record))
        lines = {"loss": losses, **{f"gradient norm {k}": norms[:, k] for k in range(len(weights))}}
        save_lines(series, np.arange(1, NUM_STEPS + 1), lines)
    return record, series


def swept(work):
    """(record, series) of 100 λ × 100 dropouts."""
    record, series = work / "sweep.json", work / "sweep.npz"
    if not series.exists():
        made = sweep_record()
        record.write_bytes(encoded(made))
        gap = [math.nan]
        epochs = np.concatenate([[*cell.epochs, math.nan] for cell in made.cells])
        lines = {
            kind: np.concatenate([[*getattr(cell, kind), *gap] for cell in made.cells])
            for kind in ("train_loss", "validation_loss")
        }
        side = math.isqrt(NUM_CELLS)
        save_lines(series, epochs, lines, map=np.array([cell.loss for cell in made.cells]).reshape(side, side))
    return record, series


def sweep_record():
    sys.path.insert(0, str(ROOT))
    from tests.unit.records.test_module_sweep import make_cell, make_record

    draws, side = np.random.default_rng(0), math.isqrt(NUM_CELLS)
    epochs = tuple(range(1, NUM_EPOCHS + 1))
    decay = 1 / np.arange(1, NUM_EPOCHS + 1)
    cells = []
    for i in range(side):
        for j in range(side):
            least = 0.3 + ((i - 60) / side) ** 2 + (0.6 * j / side - 0.2) ** 2
            train = least - 0.1 + decay + 0.01 * draws.normal(size=NUM_EPOCHS)
            validation = least + decay + 0.02 * draws.normal(size=NUM_EPOCHS)
            error = 0.02 + 0.002 * draws.random(NUM_EPOCHS)
            cell = make_cell(
                0.0 if i == 0 else 10 ** (-3 + 5 * i / side), 0.6 * j / side, loss=float(validation[-1]),
                ridge=least < 0.31, epochs=epochs, best_epoch=NUM_EPOCHS, stopped_epoch=NUM_EPOCHS,
                train_loss=tuple(train.tolist()), train_loss_se=tuple(error.tolist()),
                validation_loss=tuple(validation.tolist()), validation_loss_se=tuple(error.tolist()),
            )  # fmt: skip
            cells.append(cell)
    best = min(range(len(cells)), key=lambda k: cells[k].loss)
    return make_record(cells=tuple(cells), best=best, chosen=best, num_epochs=NUM_EPOCHS)


def save_lines(place, x, lines, **more):
    ys = {f"{name}/y": np.asarray(y, dtype=float) for name, y in lines.items()}
    np.savez(place, **{f"{name}/x": x for name in lines}, **ys, **more)


def encoded(record):
    text = to_json(record)
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
