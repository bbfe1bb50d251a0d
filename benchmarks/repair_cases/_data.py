"""The data of the planted faults: each seed has its own draw of training, validation and test rows."""

import functools
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

SHARED = Path(__file__).resolve().parents[3] / "shared"
TABLES = SHARED / "data" / "tables"
# Rows that networks are chosen on, and rows that nothing but the final judgement reads.
VALIDATION_ROWS, TEST_ROWS = 800, 4_000
# name → (file, task, has a header, categories are coded as whole numbers)
SETS = {
    "phoneme": ("phoneme.tsv.gz", "binary", True, False),
    "kr_vs_kp": ("kr_vs_kp.tsv.gz", "classes", True, False),
    "splice": ("splice.tsv.gz", "classes", True, True),
    "car": ("car.tsv.gz", "classes", True, True),
    "vehicle": ("vehicle.tsv.gz", "classes", True, False),
    "cnae": ("cnae_9.csv.gz", "classes", True, False),
    "pima": ("pima.tsv.gz", "binary", True, False),
    "kin8nm": ("gal_kin8nm.csv.gz", "regression", False, False),
    "power": ("gal_power-plant.csv.gz", "regression", False, False),
    "energy": ("gal_energy.csv.gz", "regression", False, False),
    "concrete": ("gal_concrete.csv.gz", "regression", False, False),
    "california": ("california_housing.csv.gz", "regression", True, False),
}


@functools.cache
def whole(name):
    """All rows: features [n, d] float64, targets [n], task."""
    if name.startswith("mnist"):
        with np.load(SHARED / "data" / "images" / "mnist.npz") as stored:
            images = np.concatenate([stored["x_train"][:8_000], stored["x_test"][:6_000]])
            labels = np.concatenate([stored["y_train"][:8_000], stored["y_test"][:6_000]])
        return images.reshape(len(images), -1).astype(np.float64), labels.astype(np.int64), "classes"
    if name in ("blob", "circle"):
        with np.load(SHARED / "cases" / f"data_{name}.npz") as stored:
            inputs = np.concatenate([stored["x"], stored["x_val"]])
            targets = np.concatenate([stored["y"], stored["y_val"]])
        return (inputs, targets.argmax(1), "classes") if name == "blob" else (inputs, targets, "binary")
    import polars as pl

    file, task, has_header, is_coded = SETS[name]
    frame = pl.read_csv(
        TABLES / file, separator="\t" if ".tsv" in file else ",", has_header=has_header, infer_schema_length=None
    ).drop_nulls()
    target = frame.columns[-1] if "target" not in frame.columns else "target"
    features = frame.drop(target).select(pl.selectors.numeric())
    if is_coded:
        features = features.to_dummies(features.columns)
    targets = frame[target].to_numpy()
    if task != "regression":
        targets = np.unique(targets, return_inverse=True)[1]
    return features.to_numpy().astype(np.float64), targets, task


def load(recipe, seed):
    """Training, validation and test pairs of tensors; the scales come from the training rows."""
    return _load(recipe.data, recipe.rows, recipe.features, recipe.target, recipe.noise, seed)


@functools.lru_cache(maxsize=16)
def _load(name, rows, features, target, noise, seed):
    inputs, targets, task = whole(name)
    draw = np.random.default_rng([seed, 20_261])
    order = draw.permutation(len(inputs))
    validation = min(VALIDATION_ROWS, (len(inputs) - rows) // 3)
    cuts = np.cumsum([rows, validation, min(TEST_ROWS, len(inputs) - rows - validation)])
    parts = [order[start:stop] for start, stop in zip([0, *cuts[:-1]], cuts, strict=True)]
    scaler = Scale(inputs[parts[0]], name.startswith("mnist"), features)
    if task == "regression":
        mean, std = targets[parts[0]].mean(), targets[parts[0]].std()
        known = (targets - mean) / std + noise * draw.normal(size=len(targets))
        goal = (targets - mean) / std
        if target != "standard":
            factor, shift = {"raw": (std, mean), "times 1000": (1_000.0, 0.0)}[target]
            known, goal = known * factor + shift, goal * factor + shift
    else:
        goal, known = targets.astype(np.int64), targets.astype(np.int64)
        wrong = draw.random(len(targets)) < noise
        known = np.where(wrong, draw.integers(targets.max() + 1, size=len(targets)), known)
    pairs = []
    for place, part in enumerate(parts):
        x = torch.tensor(scaler(inputs[part]), dtype=torch.float32)
        y = torch.tensor((known if place < 2 else goal)[part])
        pairs.append((_shaped(x, name), y.float() if task == "regression" else y))
    return pairs


class Scale:
    """Features as the healthy training has them, and then what is wrong with them."""

    def __init__(self, training, is_image, features):
        self.is_image, self.features = is_image, features
        self.mean = training.mean() if is_image else training.mean(0)
        std = training.std() if is_image else training.std(0)
        self.std = np.where(std > 0, std, 1.0)

    def __call__(self, inputs):
        standard = (inputs - self.mean) / self.std
        if self.features == "one huge column":
            standard[:, 0] *= 1e4
        return {
            "standard": standard,
            "one huge column": standard,
            "raw": inputs,
            "0 to 1": inputs / 255.0,
            "times 1000": 1e3 * standard,
            "times 1/1000": 1e-3 * standard,
            "shifted by 100": standard + 100.0,
        }[self.features]


def _shaped(x, name):
    if name == "mnist images":
        return x.reshape(-1, 1, 28, 28)
    return x.reshape(-1, 14, 56) if name == "mnist rows" else x


def task_of(name):
    return whole(name)[2]


def num_outputs(name):
    _, targets, task = whole(name)
    return int(targets.max()) + 1 if task == "classes" else 1


def targets_for(loss, targets):
    """Targets in the form that a loss is given."""
    return targets.float()[:, None] if loss.startswith("bce") else targets


def one_hot(targets, like):
    return functional.one_hot(targets, like.shape[1]).to(like.dtype)
