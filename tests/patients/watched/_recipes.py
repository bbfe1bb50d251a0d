"""How one patient is built and trained."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from tests.patients.watched import _nets
from tests.patients.watched._tasks import Task, task


@dataclass(frozen=True)
class Recipe:
    """One training.

    Attributes:
        net: Family of the network.
        task: What it learns.
        seed: Of weights, rows and batches.
        options: Of the network: depth, width, activation, norm, skip, kind.
        optimizer: `sgd` or `adamw`.
        schedule: `constant`, `cosine`, `warmup`, `steps` or `restarts`.
        rows: Training rows that are used; None for all.
        input_scale: Factor of the inputs (of the embeddings where they are tokens).
        zero_grad: The loop forgets nothing.
        sign: −1 where the loss was negated by mistake.
        clip: Largest norm of the gradient; None for no clipping.
        left_out: Share of the layers, from the first, that the optimizer was not given.
        shuffled: The labels have nothing to do with the inputs.
        softmax: A softmax stands before the cross-entropy.
        corrupt: Factor of the inputs of one batch in the middle of training.
        risky: Operation that makes NaN or infinity in the middle of training.
        prepare: Changes the weights before training.
    """

    net: str
    task: str
    seed: int
    options: tuple[tuple[str, Any], ...] = ()
    optimizer: str = "adamw"
    lr: float = 3e-3
    momentum: float = 0.9
    weight_decay: float = 0.0
    schedule: str = "constant"
    num_steps: int = 240
    batch_size: int = 32
    rows: int | None = None
    input_scale: float = 1.0
    zero_grad: bool = True
    sign: float = 1.0
    clip: float | None = None
    left_out: float = 0.0
    shuffled: bool = False
    softmax: bool = False
    corrupt: float = 1.0
    risky: str = ""
    prepare: Callable[[nn.Module], None] | None = None

    def with_options(self, **options: Any) -> "Recipe":
        """The same with other options of the network."""
        return replace(self, options=tuple({**dict(self.options), **options}.items()))

    @property
    def data(self) -> Task:
        return task(self.task, self.seed)

    def build(self) -> nn.Module:
        """Make the network; its lazy layers are told their size."""
        torch.manual_seed(self.seed)
        rows, options = self.data, dict(self.options)
        build = {"mlp": _nets.mlp, "cnn": _nets.cnn, "resnet": _nets.resnet}.get(self.net)
        if build is not None:
            module = build(rows.inputs, rows.outputs, **options)
        elif self.net == "transformer":
            module = _nets.transformer(rows.inputs, rows.outputs, causal=rows.causal, **options)
        else:
            module = _nets.recurrent(rows.inputs, rows.outputs, every_token=rows.causal, **options)
        with torch.no_grad():
            module(rows.x[:2])
            if not rows.x.is_floating_point():
                for part in module.modules():
                    if isinstance(part, nn.Embedding):
                        part.weight *= self.input_scale
        if self.prepare is not None:
            self.prepare(module)
        return module


HALVES = ("tune", "final", "fresh")
ARCHITECTURES = ("mlp", "cnn", "transformer", "resnet", "rnn")

_PLAIN = {"depth": 3, "width": 48, "activation": "relu", "norm": False}
_PICTURES = {"depth": 3, "width": 12, "activation": "relu", "norm": False}
_TOKENS = {"depth": 2, "width": 24, "activation": "gelu", "norm": True, "skip": True}

_BASES: dict[tuple[str, str], tuple[str, dict[str, Any], dict[str, Any]]] = {
    ("tune", "mlp"): ("digits_table", _PLAIN, {"optimizer": "sgd", "lr": 0.05}),
    ("tune", "cnn"): ("digits", _PICTURES, {"lr": 3e-3}),
    ("tune", "transformer"): ("markov", _TOKENS, {"lr": 1e-2, "schedule": "cosine", "weight_decay": 0.01}),
    ("tune", "resnet"): ("digits", {**_PICTURES, "depth": 2, "norm": True}, {"optimizer": "sgd", "lr": 0.05}),
    ("tune", "rnn"): ("majority", {"kind": "gru", "width": 32}, {"lr": 1e-2}),
    ("final", "mlp"): ("teacher", {**_PLAIN, "activation": "tanh", "depth": 4}, {"lr": 3e-3, "batch_size": 48}),
    ("final", "cnn"): ("mnist", {**_PICTURES, "width": 8}, {"optimizer": "sgd", "lr": 0.03, "schedule": "steps"}),
    ("final", "transformer"): ("majority", {**_TOKENS, "activation": "relu"}, {"lr": 6e-3, "schedule": "warmup"}),
    ("final", "resnet"): ("mnist", {**_PICTURES, "depth": 2, "norm": True, "activation": "silu"}, {"lr": 5e-3}),
    ("final", "rnn"): ("markov", {"kind": "lstm", "width": 32}, {"lr": 1e-2, "schedule": "cosine"}),
    ("fresh", "mlp"): (
        "digits_table",
        {**_PLAIN, "depth": 2, "width": 64, "activation": "gelu", "norm": True},
        {"lr": 2e-3, "batch_size": 64, "schedule": "warmup"},
    ),
    ("fresh", "cnn"): ("digits", {**_PICTURES, "depth": 4, "activation": "silu"}, {"lr": 4e-3, "schedule": "cosine"}),
    ("fresh", "transformer"): ("markov", {**_TOKENS, "depth": 3, "activation": "silu"}, {"lr": 8e-3}),
    ("fresh", "resnet"): (
        "digits",
        {**_PICTURES, "depth": 3, "width": 8, "norm": True, "activation": "gelu"},
        {"optimizer": "sgd", "lr": 0.03, "schedule": "cosine"},
    ),
    ("fresh", "rnn"): ("majority", {"kind": "gru", "width": 24}, {"lr": 8e-3, "schedule": "warmup"}),
}


def base(half: str, architecture: str, seed: int) -> Recipe:
    """The healthy recipe of an architecture; the seeds of the parts differ."""
    name, options, settings = _BASES[half, architecture]
    seed += 1000 * HALVES.index(half)
    return Recipe(net=architecture, task=name, seed=seed, options=tuple(options.items()), **settings)
