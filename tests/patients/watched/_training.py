"""The loop that trains a recipe, watched or not."""

import math
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from tests.patients.watched._recipes import Recipe
from tests.patients.watched._tasks import Task

Observe = Callable[[nn.Module, torch.optim.Optimizer], AbstractContextManager[Any]]
NUM_EPOCHS = 12


@dataclass(frozen=True)
class Outcome:
    """How a training ended: the mean loss per example on unseen rows, in eval mode; infinity for NaN."""

    validation_loss: float
    train_loss: float
    constant_loss: float
    run: Any = None


class Risky(nn.Module):
    """Passes its input on, and from a step on makes NaN or infinity of it as careless code does."""

    def __init__(self, operation: str, from_step: int) -> None:
        super().__init__()
        self.operation, self.from_step, self.step = operation, from_step, 0

    def forward(self, x: Tensor) -> Tensor:
        self.step += self.training
        if self.step < self.from_step:
            return x
        if self.operation == "log":
            return x + (x - x.max()).log()
        if self.operation == "division":
            return x / (x - x.detach().min()).abs()
        return x + (x - x.detach()).abs().sqrt()


def train(recipe: Recipe, observe: Observe | None = None) -> Outcome:
    """Train; `observe` watches the loop, and what it returned is kept in the outcome."""
    data, module = recipe.data, recipe.build()
    if recipe.risky:
        module = nn.Sequential(*list(module)[:-1], Risky(recipe.risky, recipe.num_steps // 2), list(module)[-1])
    y = data.y
    draw = torch.Generator().manual_seed(recipe.seed)
    if recipe.shuffled:
        y = y[torch.randperm(len(y), generator=draw)]
    optimizer, schedule = _optimizer(recipe, module)
    rows = len(data.x) if recipe.rows is None else recipe.rows
    per_epoch = max(1, recipe.num_steps // NUM_EPOCHS)
    with nullcontext() if observe is None else observe(module, optimizer) as run:
        for step in range(recipe.num_steps):
            chosen = torch.randint(0, rows, (recipe.batch_size,), generator=draw)
            x = _scaled(recipe, data.x[chosen], recipe.corrupt if step == recipe.num_steps * 2 // 5 else 1.0)
            if recipe.zero_grad:
                optimizer.zero_grad()
            loss = recipe.sign * _loss(recipe, data, module(x), y[chosen])
            loss.backward()
            if recipe.clip is not None:
                nn.utils.clip_grad_norm_(module.parameters(), recipe.clip)
            optimizer.step()
            schedule.step()
            if run is not None and (step + 1) % per_epoch == 0:
                losses = _evaluate(recipe, data, module, rows)
                run.end_epoch(
                    train_loss=losses[0][0], train_loss_se=losses[0][1],
                    validation_loss=losses[1][0], validation_loss_se=losses[1][1],
                )  # fmt: skip
    (train_loss, _), (validation_loss, _) = _evaluate(recipe, data, module, rows, honest=True)
    return Outcome(validation_loss, train_loss, _constant(data), run)


def _scaled(recipe: Recipe, x: Tensor, factor: float) -> Tensor:
    if x.is_floating_point():
        return x * (recipe.input_scale * factor)
    return x if factor == 1 else torch.zeros_like(x)


def _loss(recipe: Recipe, data: Task, output: Tensor, y: Tensor, *, each: bool = False) -> Tensor:
    reduction = "none" if each else "mean"
    if data.regression:
        return nn.functional.mse_loss(output, y, reduction=reduction)
    output = output.softmax(-1) if recipe.softmax else output
    return nn.functional.cross_entropy(output.flatten(0, -2), y.flatten(), reduction=reduction)


def _evaluate(
    recipe: Recipe, data: Task, module: nn.Module, rows: int, *, honest: bool = False
) -> list[tuple[float, float]]:
    """Mean loss and its standard error on the training rows and on unseen ones.

    With `honest`, of the probabilities that the network means: a softmax is not taken twice.
    """
    module.eval()
    found = []
    with torch.no_grad():
        for x, y in ((data.x[:rows][:500], data.y[:rows][:500]), (data.validation_x, data.validation_y)):
            output = module(_scaled(recipe, x, 1.0))
            single = recipe if not honest else Recipe(net=recipe.net, task=recipe.task, seed=0)
            losses = _loss(single, data, output, y, each=True).double()
            mean = losses.mean().item()
            found.append((mean if math.isfinite(mean) else math.inf, losses.std().item() / math.sqrt(len(losses))))
    module.train()
    return found


def _constant(data: Task) -> float:
    """Loss of the best constant prediction."""
    if data.regression:
        return data.validation_y.double().var().item()
    shares = torch.bincount(data.y.flatten(), minlength=data.outputs).double() / data.y.numel()
    return nn.functional.nll_loss(
        shares.log().expand(data.validation_y.numel(), -1), data.validation_y.flatten()
    ).item()


def _optimizer(recipe: Recipe, module: nn.Module) -> tuple[torch.optim.Optimizer, Any]:
    parameters = list(module.parameters())
    parameters = parameters[int(recipe.left_out * len(parameters)) :] if recipe.left_out else parameters
    if recipe.optimizer == "sgd":
        optimizer: torch.optim.Optimizer = torch.optim.SGD(
            parameters, lr=recipe.lr, momentum=recipe.momentum, weight_decay=recipe.weight_decay / 30
        )
    else:
        optimizer = torch.optim.AdamW(parameters, lr=recipe.lr, weight_decay=recipe.weight_decay)
    steps = recipe.num_steps
    factors: dict[str, Callable[[int], float]] = {
        "constant": lambda _: 1.0,
        "cosine": lambda t: 0.5 + 0.5 * math.cos(math.pi * t / steps),
        "warmup": lambda t: min(1.0, (t + 1) / (0.2 * steps)),
        "steps": lambda t: 0.1 ** (t // (steps // 2 + 1)),
        "restarts": lambda t: 0.5 + 0.5 * math.cos(math.pi * (t % (steps // 3 + 1)) / (steps // 3 + 1)),
    }
    return optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, factors[recipe.schedule])
