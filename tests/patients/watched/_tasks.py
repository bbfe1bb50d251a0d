"""What the patients learn: pictures, tables and sequences, each drawn or split by its seed."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import Tensor

MNIST = Path(__file__).resolve().parents[4] / "shared" / "data" / "images" / "mnist.npz"


@dataclass(frozen=True)
class Task:
    """Rows to train on and rows to validate with.

    Attributes:
        inputs: Features, channels or tokens of one row.
        outputs: Classes or targets.
        regression: The loss is the mean squared error; else the cross-entropy.
        causal: There is a target at every token.
    """

    x: Tensor
    y: Tensor
    validation_x: Tensor
    validation_y: Tensor
    inputs: int
    outputs: int
    regression: bool = False
    causal: bool = False


def _split(x: Tensor, y: Tensor, seed: int, num_train: int, **fields: object) -> Task:
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))
    x, y = x[order], y[order]
    return Task(x[:num_train], y[:num_train], x[num_train:], y[num_train:], **fields)  # type: ignore[arg-type]


def digits_table(seed: int) -> Task:
    """8x8 digits as a standardized table."""
    raw = load_digits()
    x = torch.tensor(raw.data).float()
    x = (x - x.mean(0)) / x.std(0).clamp(min=1e-6)
    return _split(x, torch.tensor(raw.target), seed, 1200, inputs=64, outputs=10)


def digits(seed: int) -> Task:
    """8x8 digits as pictures."""
    raw = load_digits()
    x = (torch.tensor(raw.images).float()[:, None] - 5) / 6
    return _split(x, torch.tensor(raw.target), seed, 1200, inputs=1, outputs=10)


@cache
def _mnist() -> tuple[Tensor, Tensor]:
    with np.load(MNIST) as stored:
        x, y = (torch.tensor(stored[name][:2500]) for name in ("x_train", "y_train"))
    small = torch.nn.functional.avg_pool2d(x.reshape(-1, 1, 28, 28).float() / 255, 2)
    return (small - 0.13) / 0.28, y.long()


def mnist(seed: int) -> Task:
    """14x14 digits of another source as pictures."""
    x, y = _mnist()
    return _split(x, y, seed, 1500, inputs=1, outputs=10)


def teacher(seed: int) -> Task:
    """Regression on Friedman's function with noise, standardized."""
    draw = torch.Generator().manual_seed(seed)
    x = torch.rand(2000, 10, generator=draw)
    y = 10 * torch.sin(3.14159 * x[:, 0] * x[:, 1]) + 20 * (x[:, 2] - 0.5) ** 2 + 10 * x[:, 3] + 5 * x[:, 4]
    y = (y + torch.randn(len(y), generator=draw) - 14.4) / 5
    return _split((x - 0.5) * 12**0.5, y[:, None], seed, 1200, inputs=10, outputs=1, regression=True)


def markov(seed: int) -> Task:
    """Next token of a chain whose moves hang on the last two tokens."""
    draw = torch.Generator().manual_seed(seed)
    table = torch.rand(8, 8, 8, generator=draw).pow(8)
    tokens = torch.randint(0, 8, (1600, 13), generator=draw)
    for place in range(2, 13):
        odds = table[tokens[:, place - 2], tokens[:, place - 1]]
        tokens[:, place] = torch.multinomial(odds, 1, generator=draw)[:, 0]
    return _split(tokens[:, :-1], tokens[:, 1:], seed, 1200, inputs=8, outputs=8, causal=True)


def majority(seed: int) -> Task:
    """The token that a sequence has most often."""
    draw = torch.Generator().manual_seed(seed)
    odds = torch.rand(2400, 6, generator=draw).pow(3)
    tokens = torch.multinomial(odds, 12, replacement=True, generator=draw)
    counts = torch.nn.functional.one_hot(tokens, 6).sum(1)
    return _split(tokens, counts.argmax(1), seed, 1600, inputs=6, outputs=6)


TASKS: dict[str, Callable[[int], Task]] = {
    "digits_table": digits_table,
    "digits": digits,
    "mnist": mnist,
    "teacher": teacher,
    "markov": markov,
    "majority": majority,
}


@cache
def task(name: str, seed: int) -> Task:
    """Draw a task; the same seed gives the same rows."""
    return TASKS[name](seed)
