"""The trainings on which `justfit.sweep` and Optuna are compared: real tables on an MLP, and MNIST on a small conv net.

A case is one split of one data set. Its `train` and `test` never mix; both sides see `train` only, and what they pick
is judged by the loss on `test` of networks trained on all of `train` with the same seeds.
"""

import math
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import torch
from torch import Tensor, nn
from torch.nn import functional

from justfit.sweep import NEVER_HELD_OUT, assign_folds
from justfit.sweep._training import Examples, Setting, SweepVariant, Training, Unit
from justfit.sweep._unit import run_unit
from justfit.tables import Encoder, drop_unlabelled, infer_target, read_table, split_rows

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
TARGETS = {"a_arrhythmia.csv.gz": "class", "cnae_9.csv.gz": "Class"}
# Classes of fewer rows are left out: a fold might not train on them (of these tables only arrhythmia has any).
MIN_CLASS_ROWS = 10
REFIT_SEEDS = (1_000_001, 1_000_002, 1_000_003)
LEARNING_RATE = 5e-3
CONV_LEARNING_RATE = 4e-3
CONV_ROWS, CONV_TEST_ROWS = 5_000, 5_000


@dataclass(frozen=True, slots=True)
class Case:
    """One split; everything that both sides are given."""

    name: str
    split: int
    train: tuple[Tensor, Tensor]
    test: tuple[Tensor, Tensor]
    width: int
    epochs: int
    batch_size: int
    learning_rate: float

    def build(self):
        """The network that both sides train; p is what the sweep or the trial says."""
        outputs = int(torch.cat([self.train[1], self.test[1]]).max()) + 1
        if self.name == "mnist":
            return nn.Sequential(
                nn.Conv2d(1, 6, 5, stride=2), nn.ReLU(), nn.Conv2d(6, 16, 3, stride=2), nn.ReLU(), nn.Flatten(),
                nn.Dropout(0.0), nn.Linear(400, self.width), nn.ReLU(), nn.Dropout(0.0), nn.Linear(self.width, 10),
            )  # fmt: skip
        return nn.Sequential(
            nn.Linear(self.train[0].shape[1], self.width), nn.ReLU(), nn.Dropout(0.0),
            nn.Linear(self.width, self.width), nn.ReLU(), nn.Dropout(0.0), nn.Linear(self.width, outputs),
        )  # fmt: skip

    def training(self, fold_of_rows, rows=None):
        inputs, targets = self.train if rows is None else rows
        return Training(
            build=self.build, examples=Examples(inputs, targets, fold_of_rows), loss_fn=functional.cross_entropy,
            learning_rate=self.learning_rate, epochs=self.epochs, batch_size=self.batch_size, schedule="cosine",
        )  # fmt: skip


def table_case(name, split, max_rows, *, width=64, epochs=30):
    column = TARGETS.get(name, "target")
    frame, _ = drop_unlabelled(read_table(DATA / "tables" / name).frame, column)
    frame = frame.filter(pl.len().over(column) >= MIN_CLASS_ROWS)
    target = infer_target(frame[column], task="classification", name=column)
    codes = target.encode(frame[column])
    train, test = split_rows(codes, task="classification", test_fraction=0.25, seed=split)
    train = np.random.default_rng(split).permutation(train)[:max_rows]
    encoder = Encoder().fit(frame[train], exclude=column)
    pair = [(torch.from_numpy(encoder.transform(frame[part])), torch.from_numpy(codes[part])) for part in (train, test)]
    return Case(name.split(".")[0].removeprefix("a_"), split, *pair, width, epochs, 32, LEARNING_RATE)


def conv_case(split, *, epochs=5):
    with np.load(DATA / "images" / "mnist.npz") as file:
        train = np.random.default_rng(split).permutation(len(file["y_train"]))[:CONV_ROWS]
        parts = [(file["x_train"][train], file["y_train"][train]),
                 (file["x_test"][:CONV_TEST_ROWS], file["y_test"][:CONV_TEST_ROWS])]  # fmt: skip
    pair = [
        (torch.from_numpy(x).float().div(255).sub(0.1307).div(0.3081).unsqueeze(1), torch.from_numpy(y).long())
        for x, y in parts
    ]
    return Case("mnist", split, *pair, 64, epochs, 50, CONV_LEARNING_RATE)


def folds_of(case, num_folds, seed):
    return assign_folds(case.train[1], "classification", num_folds, seed)


def plain_training(case, l2, dropout, train_rows, *, seed):
    """Train one network as a user would write it: fused Adam with coupled weight decay on the weights, cosine."""
    torch.manual_seed(seed)
    network = case.build()
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.p = dropout
    decayed = [p for n, p in network.named_parameters() if n.endswith("weight")]
    biases = [p for n, p in network.named_parameters() if n.endswith("bias")]
    groups = [{"params": decayed, "weight_decay": l2 / len(train_rows)}, {"params": biases, "weight_decay": 0.0}]
    optimizer = torch.optim.Adam(groups, lr=case.learning_rate, fused=True)
    size = min(case.batch_size, len(train_rows))
    steps = len(train_rows) // size
    inputs, targets = case.train
    for epoch in range(case.epochs):
        order = train_rows[torch.randperm(len(train_rows))]
        for step in range(steps):
            rate = 0.5 * (1 + math.cos(math.pi * (epoch * steps + step) / (case.epochs * steps)))
            for group in optimizer.param_groups:
                group["lr"] = case.learning_rate * rate
            rows = order[step * size : (step + 1) * size]
            optimizer.zero_grad()
            functional.cross_entropy(network(inputs[rows]), targets[rows]).backward()
            optimizer.step()
    return network.eval()


def loss_on(network, case, rows):
    with torch.no_grad():
        return functional.cross_entropy(network(case.train[0][rows]), case.train[1][rows]).item()


def plain_seconds(case, share=0.8):
    """CPU seconds of one such training on this share of the rows, now."""
    rows = torch.arange(int(share * len(case.train[1])))
    start = time.process_time()
    plain_training(case, 1.0, 0.3, rows, seed=0)
    return time.process_time() - start


def fold_losses(case, folds, l2, dropout, wanted, *, seed):
    """Validation loss of the last epoch on each wanted fold, by the sweep's own program: the same network, quicker."""
    setting = Setting(l2=l2, dropout=dropout)
    variants = tuple(SweepVariant(setting=setting, fold=fold, seed=seed) for fold in wanted)
    unit = Unit(variants=variants, tier="batched", until=case.epochs, measure=(case.epochs,))
    _, report = run_unit(case.training(folds), unit)
    return [losses[0].mean().item() for losses in report.validation_losses]


def test_losses(case, cells, epochs):
    """Per-row test losses of cells trained on all training rows.

    Returns:
        [cells, epochs, seeds, test rows].
    """
    both = tuple(torch.cat(pair) for pair in zip(case.train, case.test, strict=True))
    folds = torch.full((len(both[1]),), NEVER_HELD_OUT)
    folds[len(case.train[1]) :] = 0
    training = case.training(folds, both)
    by_seed = []
    for seed in REFIT_SEEDS:
        variants = tuple(SweepVariant(setting=Setting(l2=l2, dropout=p), fold=0, seed=seed) for l2, p in cells)
        tier = "loop" if case.name == "mnist" else "batched"
        unit = Unit(variants=variants, tier=tier, until=max(epochs), measure=tuple(sorted(set(epochs))))
        _, report = run_unit(training, unit)
        place = [report.epochs.index(epoch) for epoch in epochs]
        by_seed.append(torch.stack([losses[place] for losses in report.validation_losses]))
    return torch.stack(by_seed, dim=2).numpy()
