"""The rivals of `justfit.cure`. All know more than it does: they alter the recipe itself, so every surgery succeeds.

Random search and Optuna draw from one space, in which each choice has the user's own among its values; it reaches
every category of planted fault but depth, clipping and epochs. AutoTrainer goes by its own symptoms in its own order.
A rival's pick is what has the best validation score, the user's own training among them, which it is given for free.
"""

import math
from dataclasses import replace

import numpy as np
import torch
from torch import nn

from repair_cases import STANDARD_LOSS, task_of
from seeded_faults import AutoTrainer

MOST_TRAININGS = 6
RATES = (1e-4, 1e-1)
L2 = (1e-2, 1e2)
OWN = "own"
SPACE = {
    "optimizer": (OWN, "adam", "momentum", "rmsprop"),
    "init": (OWN, "he", "xavier", "orthogonal", "lecun"),
    "activation": (OWN, "relu", "tanh", "selu", "gelu"),
    "normalization": (OWN, "", "batch", "layer"),
    "features": (OWN, "standard"),
    "pairing": (OWN, "standard"),
    "penalty": (OWN, "none", "l2", "dropout", "both"),
}


def altered(recipe, drawn, learning_rate, l2, dropout):
    """The recipe with what was drawn."""
    changes = {"learning_rate": learning_rate}
    for name in ("optimizer", "activation", "normalization", "features"):
        if drawn[name] != OWN:
            changes[name] = drawn[name]
    if drawn["features"] == "standard":
        changes["target"] = "standard"
    if drawn["init"] != OWN:
        changes |= {"init": drawn["init"], "init_layers": "all", "scale": 1.0, "bias": 0.0, "last_bias": 0.0}
    if drawn["pairing"] == "standard":
        changes |= {"loss": STANDARD_LOSS[task_of(recipe.data)], "output": ""}
    if drawn["penalty"] != OWN:
        changes |= {
            "weight_decay": 0.0,
            "l2": l2 if drawn["penalty"] in ("l2", "both") else 0.0,
            "dropout": dropout if drawn["penalty"] in ("dropout", "both") else 0.0,
        }
    if changes.get("optimizer") and recipe.weight_decay:
        changes["weight_decay"] = 0.0
    return replace(recipe, **changes)


def random_search(recipe, seed, train, name):
    """Score of each trial, in order: a smaller budget is the beginning of a larger one."""
    draw = np.random.default_rng([seed, *name.encode()])
    trials = []
    for _ in range(MOST_TRAININGS):
        drawn = {key: values[draw.integers(len(values))] for key, values in SPACE.items()}
        rate, l2 = (math.exp(draw.uniform(*map(math.log, bounds))) for bounds in (RATES, L2))
        trials.append(train(altered(recipe, drawn, rate, l2, draw.uniform(0.05, 0.6)), seed))
    return trials


def optuna_search(recipe, seed, train, name):
    """TPE after two random trials (its usual ten exceed the budget), told the user's own score at its start."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    sampler = optuna.samplers.TPESampler(n_startup_trials=3, seed=int.from_bytes(name.encode()[-3:], "big") + seed)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    trials = []

    def objective(trial):
        drawn = {key: trial.suggest_categorical(key, values) for key, values in SPACE.items()}
        rate = trial.suggest_float("learning_rate", *RATES, log=True)
        penalties = trial.suggest_float("l2", *L2, log=True), trial.suggest_float("dropout", 0.05, 0.6)
        is_own = trial.number == 0
        one = train(recipe if is_own else altered(recipe, drawn, rate, *penalties), seed)
        if not is_own:
            trials.append(one)
        return one["validation"]

    own = dict.fromkeys(SPACE, OWN)
    own |= {"learning_rate": float(np.clip(recipe.learning_rate, *RATES)), "l2": 1.0, "dropout": 0.3}
    study.enqueue_trial(own)
    study.optimize(objective, n_trials=MOST_TRAININGS + 1)
    return trials


# --- AutoTrainer ---------------------------------------------------------------------------------------------------

# `repair_strategy("balance")` of its repair.py; a trailing number is how often an operation is tried.
STRATEGY = {
    "vanish": ("selu 1", "relu 1", "batch norm 1"),
    "explode": ("selu 1", "relu 1", "clip 2", "tanh 1", "batch norm 1"),
    "dying relu": ("selu 1", "batch norm 1", "initial 3", "leaky 3"),
    "oscillating": ("adam 1", "rate 3", "batch 3", "momentum 3"),
    "slow": ("optimizer 3", "rate 3", "initial 3"),
    "not converged": ("optimizer 3", "rate 3", "initial 3"),
}
TARGET = 0.7
INITIALIZERS = ("he", "lecun", "xavier")


class Symptoms(AutoTrainer):
    """Its rules on any loss and any network with weights."""

    def see(self, module, loss_fn, pair, epoch):
        """Called after each epoch; accuracy and the check read the training rows in eval mode."""
        module.eval()
        with torch.no_grad():
            outputs, targets = module(pair[0]), pair[1]
            loss = float(loss_fn(outputs, targets))
        self.accuracies.append(_accuracy(outputs, targets))
        self.losses.append(loss)
        if epoch % 3 == 0:
            self.module, self.loss_fn = module, loss_fn
            self._look(module, loss_fn, pair[0][:32], pair[1][:32])

    def _look(self, module, loss_fn, inputs, targets):
        weights = [p for p in module.parameters() if p.ndim >= 2 and p.requires_grad]
        gradients = torch.autograd.grad(loss_fn(module(inputs), targets), weights, allow_unused=True)
        gradients = [torch.zeros_like(w) if g is None else g for g, w in zip(gradients, weights, strict=True)]
        first, last = gradients[0].norm().item(), gradients[-1].norm().item()
        ratio = first / last if last else math.inf
        broken = any(not bool(torch.isfinite(p).all()) for p in module.parameters())
        poor = max(self.accuracies) < self.target or self._slow()
        if poor and ratio < 1e-3 and first < 1e-4:
            self.found.add("vanish")
        if (poor and ratio > 70) or broken or not math.isfinite(first + last):
            self.found.add("explode")
        zero = sum(int((g == 0).sum()) for g in gradients) / sum(g.numel() for g in gradients)
        if poor and zero >= 0.7 and any(isinstance(part, nn.ReLU) for part in module.modules()):
            self.found.add("dying relu")


def _accuracy(outputs, targets):
    """Accuracy; for numbers R², which its rules do not know."""
    outputs = torch.nan_to_num(outputs)
    if not targets.is_floating_point():
        return (outputs.argmax(1) == targets).double().mean().item()
    if targets.ndim == 2:
        cut = 0.5 if bool(((outputs >= 0) & (outputs <= 1)).all()) else 0.0
        return ((outputs > cut) == (targets > 0.5)).double().mean().item()
    return max(0.0, 1 - ((outputs.squeeze(1) - targets).square().mean() / targets.var()).item())


def auto_trainer(recipe, seed, train_with_symptoms, name):
    """Its repairs in its order, until no symptom is left or the trainings are spent."""
    draw = np.random.default_rng([seed, *name.encode(), 1])
    current, trials = recipe, []
    _, symptoms = train_with_symptoms(recipe, seed)
    while symptoms and len(trials) < MOST_TRAININGS:
        issue = next(one for one in STRATEGY if one in symptoms)
        solved = False
        for operation, count in (entry.rsplit(" ", 1) for entry in STRATEGY[issue]):
            for attempt in range(int(count)):
                changed = _operation(operation, current, attempt, issue, draw)
                if changed is None or len(trials) >= MOST_TRAININGS or solved:
                    continue
                trained, left = train_with_symptoms(changed, seed)
                trials.append(trained)
                if issue not in left:
                    current, symptoms, solved = changed, left, True
        if not solved:
            symptoms = [one for one in symptoms if one != issue]
    return trials


def _operation(name, recipe, attempt, issue, draw):
    """The recipe after one operation of its repair.py; None where it does not apply."""
    if name in ("selu", "relu", "tanh"):
        init = {"init": "lecun" if name == "selu" else "he", "init_layers": "all", "scale": 1.0, "bias": 0.0}
        return replace(recipe, activation=name, **init)
    if name == "batch norm":
        return None if recipe.normalization or recipe.net == "rnn" else replace(recipe, normalization="batch")
    if name == "leaky":
        return replace(recipe, activation=("leaky relu", "elu", "threshold")[attempt])
    if name == "initial":
        return replace(recipe, init=INITIALIZERS[draw.integers(3)], init_layers="all", scale=1.0, bias=0.0)
    if name == "clip":
        return None if recipe.clip_norm or attempt else replace(recipe, clip_norm=10.0)
    if name == "adam":
        is_adam = recipe.optimizer == "adam"
        return None if is_adam else replace(recipe, optimizer="adam", learning_rate=1e-3, weight_decay=0.0)
    if name == "rate":
        factor = 10.0 ** (-attempt - 1) if issue == "oscillating" else 10.0 ** (attempt + 1)
        return replace(recipe, learning_rate=recipe.learning_rate * factor)
    if name == "batch":
        return replace(recipe, batch_size=min(recipe.batch_size * 2 ** (attempt + 1), recipe.rows))
    if name == "momentum":
        return replace(recipe, optimizer="momentum", learning_rate=1e-2, weight_decay=0.0)
    kinds = [kind for kind in ("sgd", "adam", "nadam", "adamax", "rmsprop") if kind != recipe.optimizer]
    kind = kinds[draw.integers(len(kinds))]
    return replace(recipe, optimizer=kind, learning_rate=1e-2 if kind == "sgd" else 1e-3, weight_decay=0.0)
