"""Tables, their problems (how many training rows, how much noise in the targets), and how rows are dealt out."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import torch
from sklearn.datasets import load_iris

from justfit.sweep import NEVER_HELD_OUT, Problem
from justfit.tables import Encoder, drop_unlabelled, infer_target, read_table

TABLES = Path(__file__).resolve().parents[3] / "shared" / "data" / "tables"
TARGETS = {"a_arrhythmia": "class", "adult": "income_status", "california_housing": "median_house_value",
           "cnae_9": "Class"}  # fmt: skip
FILES = (
    "a_arrhythmia.csv.gz", "adult.csv.gz", "australian.tsv.gz", "california_housing.csv.gz", "car.tsv.gz",
    "cnae_9.csv.gz", "credit_g.tsv.gz", "gal_concrete.csv.gz", "gal_energy.csv.gz", "gal_kin8nm.csv.gz",
    "gal_power-plant.csv.gz", "gal_yacht.csv.gz", "kr_vs_kp.tsv.gz", "phoneme.tsv.gz", "pima.tsv.gz", "sonar.tsv.gz",
    "splice.tsv.gz", "vehicle.tsv.gz",
)  # fmt: skip
SHIPPED = ("digits", "breast_cancer", "wine", "iris", "diabetes")
NUM_FINAL = 8
# By problem: share of classes replaced by another one; or standard deviation of what is added to a quantity, in its own
NOISE = {
    "classification": ((0.0, 0.05, 0.1), (0.15, 0.2, 0.3), (0.0, 0.1, 0.2), (0.0,)),
    "regression": ((0.0, 0.2, 0.4), (0.5, 0.8, 1.2), (0.0, 0.3, 0.6), (0.0,)),
}
SHARE_OF_TRAINING_ROWS = ((1.0, 1.0), (0.3, 0.6), (0.06, 0.15), (0.5, 1.0))  # by problem: drawn from this range
SHARE_OF_TEST_ROWS = (0.4, 0.4, 0.4, 0.5)
FEWEST_TRAINING_ROWS = 40
FEWEST_ROWS_PER_CLASS = 20
FOLD = 0  # validation and test rows: no variant trains on them


def digest(*name):
    """63 bits that depend on a name alone."""
    text = "/".join(map(str, name)).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little") >> 1


def names():
    """Every table, in an order that depends on the names alone; the first eight are final."""
    everything = [file.split(".")[0] for file in FILES] + list(SHIPPED)
    return sorted(everything, key=lambda name: hashlib.blake2b(f"fit cases/{name}".encode(), digest_size=8).hexdigest())


def split_of(name):
    """Which tables nobody tunes on is decided by their names, before any network is trained."""
    return "final" if name in names()[:NUM_FINAL] else "tune"


@dataclass(frozen=True)
class Dealt:
    """One problem: training rows, validation rows, test rows in two halves; all with the same noise.

    Attributes:
        problem: All rows; those of fold 0 are not trained on.
        train, validation, test: Row numbers.
        small: The first rows of `validation`: a validation set as small as people often have.
        half: [test rows] 0 or 1.
        noise: See `NOISE`.
    """

    name: str
    number: int
    problem: Problem
    train: torch.Tensor
    validation: torch.Tensor
    small: torch.Tensor
    test: torch.Tensor
    half: np.ndarray
    noise: float


def deal(name, number):
    """Deal the rows of a table to one problem.

    Problem 0 has many training rows, problem 1 noisy targets, problem 2 few training rows, problem 3 the targets as
    they are and other rows: of a small table more of them for testing.
    """
    frame, column = _read(name)
    target = infer_target(frame[column])
    rng = np.random.default_rng(digest("deal", name) if number < 3 else digest("deal again", name))
    order = rng.permutation(frame.height)
    num_test = min(1_500, int(SHARE_OF_TEST_ROWS[number] * len(order)))
    num_validation = min(400, int(0.2 * len(order)))
    num_train = min(800 if frame.width < 100 else 400, len(order) - num_test - num_validation)
    rng = np.random.default_rng(digest("deal", name, number))
    num_train = min(num_train, max(FEWEST_TRAINING_ROWS, int(num_train * rng.uniform(*SHARE_OF_TRAINING_ROWS[number]))))
    held, pool = order[: num_test + num_validation], order[num_test + num_validation :]
    train = rng.permutation(pool)[:num_train]
    rows = np.concatenate([train, held])
    if target.task == "regression":
        target = target.fit_scale(frame[column][train])
    levels = NOISE[target.task][number]
    noise = levels[digest("noise", name, number) % len(levels)]
    targets = _noisy(target.encode(frame[column])[rows], target, noise, rng)
    encoder = Encoder().fit(frame[train], exclude=column)
    fold_of_rows = torch.full((len(rows),), FOLD)
    fold_of_rows[: len(train)] = NEVER_HELD_OUT
    is_classes = target.task == "classification"
    inputs = torch.from_numpy(encoder.transform(frame[rows])).float().contiguous()
    targets = torch.from_numpy(targets) if is_classes else torch.from_numpy(targets).float()
    problem = Problem(inputs, targets, fold_of_rows, target.task, len(target.classes) if is_classes else 1)
    parts = torch.split(torch.arange(len(rows)), [len(train), num_test, num_validation])
    num_small = int(rng.integers(30, max(31, min(200, num_validation))))
    half = np.arange(num_test) % 2
    return Dealt(name, number, problem, parts[0], parts[2], parts[2][:num_small], parts[1], half, noise)


def _noisy(codes, target, noise, rng):
    if target.task == "regression":
        return codes + noise * rng.standard_normal(len(codes))
    redrawn = rng.random(len(codes)) < noise
    others = (codes + rng.integers(1, len(target.classes), len(codes))) % len(target.classes)
    return np.where(redrawn, others, codes)


def _read(name):
    if name == "iris":
        bunch = load_iris()
        frame = pl.DataFrame(bunch.data, schema=[f"x{i}" for i in range(4)]).with_columns(target=bunch.target)
    elif name in SHIPPED:
        frame = read_table(name).frame
    else:
        path = TABLES / next(file for file in FILES if file.split(".")[0] == name)
        if name.startswith("gal_"):  # these files have no header
            frame = read_table(pl.read_csv(path, has_header=False)).frame
        else:
            frame = read_table(path).frame
    column = frame.columns[-1] if name.startswith("gal_") else TARGETS.get(name, "target")
    frame, _ = drop_unlabelled(frame, column)
    if infer_target(frame[column]).task == "classification":  # a class of five rows can neither be learned nor tested
        counts = frame[column].value_counts()
        kept = counts.filter(pl.col("count") >= FEWEST_ROWS_PER_CLASS)[column]
        frame = frame.filter(pl.col(column).is_in(kept.implode()))
    return frame, column
