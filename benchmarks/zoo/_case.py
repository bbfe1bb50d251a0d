"""A network with the data it is meant for, and whether it trains."""

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

LEARNED = 0.7  # a network is trainable if its loss falls below this share of an uninformed prediction's
RECIPES = (("adam", 3e-3), ("adam", 1e-3), ("sgd", 0.05))


@dataclass(frozen=True)
class Batch:
    inputs: tuple[Any, ...]
    targets: Any
    keywords: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """One network: how to build it, its data, its loss.

    `uninformed` is the loss of the best constant prediction; None where only the initial loss is a fair reference.
    """

    name: str
    family: str
    build: Callable[[], nn.Module]
    batch: Callable[[int], Batch]
    loss_fn: Callable[[Any, Any], torch.Tensor]
    uninformed: float | None = None
    steps: int = 80
    recipes: tuple[tuple[str, float], ...] = RECIPES
    fresh: bool = False

    @property
    def half(self):
        return "fresh" if self.fresh else half(self.name)


@dataclass(frozen=True)
class Fault:
    """A healthy case, the same with one fault, and the codes that name the fault.

    `by_definition`: the fault is one whether or not the loss shows it, such as a layer that is never called.
    """

    name: str
    kind: str
    healthy: Case
    broken: Case
    codes: frozenset[str]
    error: Callable[[Any, Any], float]
    recipes: tuple[tuple[str, float], ...]
    by_definition: bool = False
    broken_error: Callable[[Any, Any], float] | None = None  # where its output means something else: probabilities
    fresh: bool = False

    @property
    def half(self):
        return "fresh" if self.fresh else half(self.name)


@dataclass
class Training:
    first: float
    last: float
    recipe: tuple[str, float]
    module: nn.Module
    error: float = math.nan


def half(name):
    """`tune` or `held_out`, by a hash of the name, so that adding a case moves no other."""
    return ("tune", "held_out")[hashlib.sha256(name.encode()).digest()[0] & 1]


def built(case, seed):
    torch.manual_seed(seed)
    return case.build()


def run(module, case, seed):
    batch = case.batch(seed)
    return module(*batch.inputs, **batch.keywords), batch.targets


def train(case, recipe, seed=0, error=None):
    """Train on fresh batches with one recipe; the losses are those before each of the first and last five steps."""
    module = built(case, seed).train()
    parameters = [parameter for parameter in module.parameters() if parameter.requires_grad]
    kind, rate = recipe
    optimizer = (
        torch.optim.Adam(parameters, lr=rate) if kind == "adam" else torch.optim.SGD(parameters, lr=rate, momentum=0.9)
    )
    losses = []
    for step in range(case.steps):
        loss = case.loss_fn(*run(module, case, 1000 + step))
        losses.append(float(loss.detach()))
        if not math.isfinite(losses[-1]):
            return Training(losses[0], math.inf, recipe, module, math.inf)
        optimizer.zero_grad()
        if loss.requires_grad:
            loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
    result = Training(losses[0], sum(losses[-5:]) / 5, recipe, module)
    if error is not None:
        with torch.no_grad():
            result.error = sum(error(*run(module, case, 5000 + k)) for k in range(3)) / 3
            result.error = result.error if math.isfinite(result.error) else math.inf
    return result


def learned_ratio(case, training):
    """The last loss over the smaller of the first and the uninformed one; for losses below 0, their drop's share."""
    reference = training.first if case.uninformed is None else min(training.first, case.uninformed)
    if reference <= 0 or training.last < 0:
        return 0.5 if training.last < reference - 0.5 * abs(reference) else 1.0
    return training.last / reference


def best_training(case):
    """The first recipe that trains the network clearly, or the best of all."""
    best = None
    for recipe in case.recipes:
        training = train(case, recipe)
        if best is None or training.last < best.last:
            best = training
        if learned_ratio(case, best) < LEARNED:
            break
    return best
