"""What the playground can be set to: the choices, the ranges and the grid that its sliders move on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import nn

TABLE = "table"  # the user's two columns
SHAPES = ("moons", "circles", "xor", "spiral", "gauss")
L2 = (0.0, 0.01, 0.1, 1.0, 10.0, 100.0)
DROPOUT = (0.0, 0.1, 0.2, 0.4, 0.6)
MOST_EPOCHS = 50  # of one call
ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
    "selu": nn.SELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "mish": nn.Mish,
    "softplus": nn.Softplus,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "linear": nn.Identity,
}
NORMAL_STDS = {"normal:0.01": 0.01, "normal:1": 1.0}
INITS = (
    "zero", *NORMAL_STDS, "xavier", "glorot", "he", "lecun", "orthogonal", "auto", "torch",
)  # fmt: skip
OPTIMIZERS = ("sgd", "momentum", "adam", "adamw")
RANGES: dict[str, tuple[float, float]] = {
    "noise": (0.0, 0.5),
    "num_train": (20, 500),
    "seed": (0, 2**32 - 1),
    "depth": (1, 100),
    "width": (1, 32),
    "learning_rate": (1e-5, 10.0),
    "batch_size": (1, 500),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """All that a playground can be set to.

    Attributes:
        data: Shapes, and `table` where the user gave one.
        activation, init, optimizer: By name. The scheme `normal` comes with its standard deviation, `torch` is what
            `nn.Linear` does on its own.
        l2: λ of λ/(2n)·Σw², n = training rows; all values are trained at once. With adamw, λ/n is its decoupled
            weight decay.
        dropout: Probabilities of dropping; trained at once with every λ.
        ranges: Lowest and highest value of every number.
        most_epochs: Of one call of `advance`.
    """

    data: tuple[str, ...] = SHAPES
    activation: tuple[str, ...] = tuple(ACTIVATIONS)
    init: tuple[str, ...] = INITS
    optimizer: tuple[str, ...] = OPTIMIZERS
    l2: tuple[float, ...] = L2
    dropout: tuple[float, ...] = DROPOUT
    ranges: tuple[tuple[str, float, float], ...] = tuple((name, *ends) for name, ends in RANGES.items())
    most_epochs: int = MOST_EPOCHS

    @classmethod
    def of(cls, *, has_table: bool) -> Options:
        """List the options of a playground with or without the user's table."""
        return cls(data=(TABLE, *SHAPES) if has_table else SHAPES)

    def plain(self) -> dict[str, Any]:
        """Write the options as lists and numbers, fit for JSON."""
        choices = ("data", "activation", "init", "optimizer", "l2", "dropout")
        return {
            **{name: list(getattr(self, name)) for name in choices},
            "ranges": {name: [low, high] for name, low, high in self.ranges},
            "most_epochs": self.most_epochs,
        }
