"""Faults that are planted, the recipe they start from, and the codes that name them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import torch
from torch import nn

from tests.patients.watched._healthy import with_sgd
from tests.patients.watched._recipes import Recipe

WEIGHTED = (nn.Linear, nn.Conv2d)
NO_GRADIENT = ("JF403", "JF407", "JF409", "JF410", "JF415")
TOO_FAST = ("JF402", "JF404", "JF408", "JF409", "JF411", "JF412", "JF413")
TOO_SLOW = ("JF407", "JF409", "JF410", "JF414")


@dataclass(frozen=True)
class Fault:
    """A mistake.

    Attributes:
        name: In words.
        plant: Makes it in a healthy recipe; None where the architecture cannot have it.
        codes: Findings that name it or its direct effect.
        twin: The healthy recipe it starts from, made from the base recipe.
    """

    name: str
    plant: Callable[[Recipe], Recipe | None]
    codes: tuple[str, ...]
    twin: Callable[[Recipe], Recipe] = lambda recipe: recipe


def _weights(change: Callable[[nn.Module], None]) -> Callable[[nn.Module], None]:
    """Change every layer with units, in place."""

    def prepare(module: nn.Module) -> None:
        with torch.no_grad():
            for part in module.modules():
                if isinstance(part, (*WEIGHTED, nn.RNNBase)):
                    change(part)

    return prepare


def _scaled(factor: float) -> Callable[[nn.Module], None]:
    def change(part: nn.Module) -> None:
        for name, parameter in part.named_parameters(recurse=False):
            if "weight" in name:
                parameter.mul_(factor)

    return _weights(change)


def _zero(part: nn.Module) -> None:
    for parameter in part.parameters(recurse=False):
        parameter.zero_()


def _dead_biases(part: nn.Module) -> None:
    """A large negative bias at every layer whose output is rectified; the last one is none of them."""
    if getattr(part, "bias", None) is not None and getattr(part, "rectified", False):
        part.bias.fill_(-20.0)


def _dead(module: nn.Module) -> None:
    parts = list(module.modules())
    for before, after in pairwise(parts):
        if isinstance(after, nn.ReLU) and isinstance(before, WEIGHTED):
            before.rectified = True
    _weights(_dead_biases)(module)


def _set(**fields: Any) -> Callable[[Recipe], Recipe]:
    return lambda recipe: replace(recipe, **fields)


def _deep(recipe: Recipe) -> Recipe:
    """A deep healthy twin: normalised, with skip connections where the family has them."""
    depth = {"mlp": 12, "cnn": 9, "transformer": 5, "resnet": 5}.get(recipe.net)
    if depth is None:
        return recipe
    activation = "tanh" if recipe.net == "mlp" else "relu"
    return recipe.with_options(depth=depth, activation=activation, norm=True)


def _deep_sigmoid(recipe: Recipe) -> Recipe | None:
    if recipe.net in ("rnn", "resnet"):
        return None
    bare = {"skip": False} if recipe.net == "transformer" else {}
    return recipe.with_options(activation="sigmoid", norm=False, **bare)


def _exploding(recipe: Recipe) -> Recipe | None:
    if recipe.net == "rnn":
        return None
    return replace(recipe.with_options(norm=False, activation="relu"), prepare=_scaled(4.0))


def _plain_relu(recipe: Recipe) -> Recipe:
    return recipe if recipe.net == "rnn" else recipe.with_options(activation="relu", norm=recipe.net != "mlp")


def _dead_relu(recipe: Recipe) -> Recipe | None:
    if recipe.net in ("rnn", "resnet"):
        return None
    bare = recipe.with_options(norm=False)
    return replace(bare, prepare=_dead)


def _few_rows(recipe: Recipe) -> Recipe:
    return replace(recipe, rows=50, num_steps=2 * recipe.num_steps)


FAULTS: tuple[Fault, ...] = (
    Fault("learning rate x100", lambda r: replace(r, lr=100 * r.lr), (*TOO_FAST, "JF405", "JF406")),
    Fault("learning rate x20", lambda r: replace(r, lr=20 * r.lr), (*TOO_FAST, "JF405", "JF406")),
    Fault("learning rate /1000", lambda r: replace(r, lr=r.lr / 1000), TOO_SLOW),
    Fault("learning rate /100", lambda r: replace(r, lr=r.lr / 100), TOO_SLOW),
    Fault(
        "weights x12",
        _set(prepare=_scaled(12.0)),
        ("JF402", "JF404", "JF405", "JF406", "JF407", "JF410", "JF411", "JF412"),
    ),
    Fault("weights /50", _set(prepare=_scaled(0.02)), NO_GRADIENT),
    Fault("weights zero", _set(prepare=_weights(_zero)), NO_GRADIENT),
    Fault("deep sigmoid", _deep_sigmoid, (*NO_GRADIENT, "JF406"), _deep),
    Fault("deep, exploding", _exploding, (*TOO_FAST, "JF405", "JF406"), _deep),
    Fault("dead units", _dead_relu, ("JF405", "JF403", "JF409", "JF415"), _plain_relu),
    Fault(
        "saturated tanh",
        lambda r: None if r.net in ("rnn", "resnet") else replace(r, input_scale=100.0),
        ("JF406", "JF409", "JF410", "JF411"),
        lambda r: r if r.net == "rnn" else r.with_options(activation="tanh", norm=r.net == "transformer"),
    ),
    Fault("NaN from log", _set(risky="log"), ("JF402",)),
    Fault("infinity from division", _set(risky="division"), ("JF402",)),
    Fault("NaN from the square root's gradient", _set(risky="sqrt"), ("JF402",)),
    Fault("corrupt batch", _set(corrupt=1e4), (*TOO_FAST, "JF405")),
    Fault("labels shuffled", _set(shuffled=True), ("JF409", "JF410", "JF105")),
    Fault("forgotten zero_grad", _set(zero_grad=False), TOO_FAST),
    Fault("frozen by mistake", _set(left_out=0.7), ("JF415",)),
    Fault("sign of the loss", _set(sign=-1.0), TOO_FAST),
    Fault(
        "momentum 0.999",
        _set(optimizer="sgd", momentum=0.999),
        (*TOO_FAST, "JF405", "JF406"),
        with_sgd,
    ),
    Fault("weight decay far too large", _set(weight_decay=30.0), ("JF403", "JF408", "JF409", "JF410", "JF412")),
    Fault("50 rows", _few_rows, ("JF105",)),
    Fault(
        "softmax before the loss",
        lambda r: None if r.task == "teacher" else replace(r, softmax=True),
        ("JF409", "JF410"),
    ),
    Fault("gradient clipped to nothing", _set(clip=1e-4), TOO_SLOW, with_sgd),
)
