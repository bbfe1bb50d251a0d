"""Inputs and targets of every dataset, shaped as the family reads them: rows, images or tokens."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import torch
from sklearn.datasets import load_digits

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
MAX_ROWS = 2_000


@dataclass(frozen=True)
class Data:
    """`chance` is the accuracy of always naming the most frequent class."""

    inputs: torch.Tensor
    targets: torch.Tensor
    num_classes: int
    chance: float


@cache
def load(dataset, kind):
    inputs, targets = READERS[dataset]()
    order = np.random.default_rng(0).permutation(len(inputs))[:MAX_ROWS]
    inputs, targets = torch.from_numpy(inputs[order]).float(), torch.from_numpy(targets[order]).long()
    if kind == "conv":
        inputs = inputs.unsqueeze(1)  # a picture of one channel
    elif kind == "mlp":
        inputs = inputs.flatten(1)
    return Data(inputs, targets, int(targets.max()) + 1, torch.bincount(targets).max().item() / len(targets))


def digits():
    bunch = load_digits()
    return _standardise(bunch.images, by_feature=True), bunch.target


def mnist(pool, part="train"):
    with np.load(SHARED / "images" / "mnist.npz") as file:
        images, targets = file[f"x_{part}"][:MAX_ROWS].astype(np.float64), file[f"y_{part}"][:MAX_ROWS]
    size = 28 // pool
    images = images.reshape(len(images), size, pool, size, pool).mean(axis=(2, 4))
    return _standardise(images, by_feature=False), targets.astype(np.int64)


def vehicle():
    table = _table("vehicle.tsv.gz")
    return _standardise(table[:, :-1], by_feature=True), table[:, -1].astype(np.int64) - 1


def splice():
    """60 bases of a gene, one-hot."""
    table = _table("splice.tsv.gz")
    bases = table[:, :-1].astype(np.int64)
    return _standardise(np.eye(bases.max() + 1)[bases], by_feature=False), table[:, -1].astype(np.int64)


def table(name):
    """A PMLB table; what it codes as numbers stays numbers."""
    values = _table(name)
    return _standardise(values[:, :-1], by_feature=True), np.unique(values[:, -1], return_inverse=True)[1]


def motifs(seed=7, width=16):
    """Synthetic sequences of 12 tokens: the class says which two of six prototypes occur in it."""
    rng = np.random.default_rng(seed)
    prototypes = rng.normal(size=(6, width))
    targets = rng.integers(0, 6, MAX_ROWS)
    tokens = rng.normal(size=(MAX_ROWS, 12, width))
    for row, target in enumerate(targets):
        places = rng.permutation(12)[:4]
        tokens[row, places[:2]] = prototypes[target] * 1.5 + 0.3 * tokens[row, places[:2]]
        tokens[row, places[2:]] = prototypes[(target + 1) % 6] * 1.5 + 0.3 * tokens[row, places[2:]]
    return _standardise(tokens, by_feature=False), targets


def _table(name):
    return pl.read_csv(SHARED / "tables" / name, separator="\t").to_numpy().astype(np.float64)


def _standardise(values, *, by_feature):
    axis = 0 if by_feature else None
    mean, std = values.mean(axis, keepdims=True), values.std(axis, keepdims=True)
    return (values - mean) / np.where(std > 0, std, 1.0)


READERS = {
    "digits": digits, "mnist14": lambda: mnist(2), "mnist7": lambda: mnist(4), "vehicle": vehicle, "splice": splice,
    "motifs": motifs, "mnist14b": lambda: mnist(2, "test"), "mnist7b": lambda: mnist(4, "test"),
    "kr_vs_kp": lambda: table("kr_vs_kp.tsv.gz"), "motifs9": lambda: motifs(9, 24),
}  # fmt: skip
