"""Train a recipe in the plain loop of the sweep, and judge what came out on the test rows."""

import math
import time
import warnings
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from justfit.sweep import Examples, Network, Setting, SweepVariant, Training, Unit, default_generator_kept

from . import _data, _networks


def squared(outputs, targets):
    return functional.mse_loss(outputs.squeeze(1), targets)


def broadcast(outputs, targets):
    """[B, 1] against [B]: every output is held against every target."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return functional.mse_loss(outputs, targets)


def squared_probabilities(outputs, targets):
    return functional.mse_loss(torch.softmax(outputs, 1), _data.one_hot(targets, outputs))


def squared_classes(outputs, targets):
    return functional.mse_loss(outputs, _data.one_hot(targets, outputs))


LOSSES = {
    "cross_entropy": nn.CrossEntropyLoss(),
    "nll": nn.NLLLoss(),
    "bce with logits": nn.BCEWithLogitsLoss(),
    "mse": squared,
    "mse broadcast": broadcast,
    "mse of probabilities": squared_probabilities,
    "mse of classes": squared_classes,
}
STANDARD_LOSS = {"classes": "cross_entropy", "binary": "bce with logits", "regression": "mse"}


@dataclass(frozen=True)
class Build:
    """`build` of a recipe; a class, so that it can be sent to a worker."""

    recipe: object

    def __call__(self):
        return _networks.build(self.recipe)


@dataclass(frozen=True)
class DecayingOptimizer:
    """An optimizer with weight decay of its own, as a user hands it over."""

    name: str
    learning_rate: float
    weight_decay: float

    def __call__(self, parameters):
        kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "sgd": torch.optim.SGD}[self.name]
        return kind(parameters, lr=self.learning_rate, weight_decay=self.weight_decay)


OTHERS = {"nadam": torch.optim.NAdam, "adamax": torch.optim.Adamax}


def optimizer_of(recipe):
    """The name where a name says it all, else a function of the parameters."""
    if recipe.weight_decay:
        return DecayingOptimizer(recipe.optimizer, recipe.learning_rate, recipe.weight_decay)
    if recipe.optimizer in OTHERS:
        return lambda parameters: OTHERS[recipe.optimizer](parameters, lr=recipe.learning_rate)
    return recipe.optimizer


def cure_arguments(recipe, seed):
    """What a user of `justfit.cure` would give."""
    train, validation, _ = _data.load(recipe, seed)
    pairs = [(x, _data.targets_for(recipe.loss, y)) for x, y in (train, validation)]
    return {
        "build": Build(recipe), "train": pairs[0], "validation": pairs[1], "loss_fn": LOSSES[recipe.loss],
        "optimizer": optimizer_of(recipe), "learning_rate": recipe.learning_rate, "epochs": recipe.epochs,
        "batch_size": recipe.batch_size, "l2": recipe.l2, "clip_norm": recipe.clip_norm, "seed": seed,
    }  # fmt: skip


@dataclass
class Trained:
    """A trained network and what it is worth: points of accuracy, or R² · 100 and at least 0."""

    module: nn.Module
    validation: float
    test: float
    cpu_seconds: float


def train(recipe, seed, after_epoch=None, as_cure=False):
    """Train to the end; `after_epoch(module, loss_fn, train, epoch)` sees every epoch.

    `as_cure` has the batch order of `justfit.cure`, which keeps the validation rows among the examples, held out.
    """
    pair, validation, test = _data.load(recipe, seed)
    started = time.process_time()
    parts = (pair, validation) if as_cure else (pair,)
    inputs = torch.cat([x for x, _ in parts])
    targets = torch.cat([_data.targets_for(recipe.loss, y) for _, y in parts])
    fold_of_rows = torch.zeros(len(inputs), dtype=torch.int64)
    fold_of_rows[: len(pair[0])] = -2
    examples = Examples(inputs, targets, fold_of_rows)
    training = Training(
        build=Build(recipe), examples=examples, loss_fn=LOSSES[recipe.loss], optimizer=optimizer_of(recipe),
        learning_rate=recipe.learning_rate, epochs=recipe.epochs, batch_size=recipe.batch_size,
        clip_norm=recipe.clip_norm,
    )  # fmt: skip
    variant = SweepVariant(setting=Setting(l2=recipe.l2), seed=seed, fold=0)
    with default_generator_kept():
        network = Network(training, variant, None)
        for epoch in range(1, recipe.epochs + 1):
            network.train(Unit(variants=(variant,), tier="loop", until=epoch))
            if after_epoch is not None:
                after_epoch(network.module, training.loss_fn, (examples.inputs, examples.targets), epoch)
    scores = [points(network.module, *part, _data.task_of(recipe.data)) for part in (validation, test)]
    return Trained(network.module, *scores, time.process_time() - started)


@torch.no_grad()
def points(module, inputs, targets, task):
    """Accuracy in percent; for numbers R² · 100, and 0 where it is below. A broken network is worth 0."""
    module.eval()
    outputs = torch.cat([module(part) for part in inputs.split(2_000)]).double()
    if not bool(torch.isfinite(outputs).all()):
        return 0.0
    if task == "classes":
        return 100 * (outputs.argmax(1) == targets).double().mean().item()
    if task == "binary":
        cut = 0.5 if bool(((outputs >= 0) & (outputs <= 1)).all()) else 0.0
        return 100 * ((outputs.reshape(-1) > cut) == (targets > 0)).double().mean().item()
    residual = (outputs.reshape(-1) - targets).square().mean().item()
    r2 = 1 - residual / targets.double().var(correction=0).item()
    return 100 * max(r2, 0.0) if math.isfinite(r2) else 0.0
