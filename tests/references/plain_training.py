"""The slow, obvious twin of the sweep engine: one ordinary PyTorch network at a time, autograd and all."""

import itertools
import math

import torch
from torch import nn
from torch.nn import functional

from justfit.cures import initialize_
from justfit.sweep._feed import Schedule
from justfit.sweep._streams import MaskStream, epoch_order

ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh, "logistic": nn.Sigmoid, "identity": nn.Identity}


class GivenDropout(nn.Module):
    """Dropout whose mask is handed in: the definition, mask / (1 - p)."""

    def __init__(self, p):
        super().__init__()
        self.p = p
        self.kept = None

    def forward(self, x):
        if not self.training or self.p == 0:
            return x
        return x * self.kept / (1 - self.p)


def train_one(problem, recipe, variant, num_epochs):
    """Train one variant as a user would: nn.Sequential, loss + l2/(2n)*sum(w^2), backward, torch.optim.Adam."""
    dtype = problem.inputs.dtype
    widths = (problem.inputs.shape[1], *recipe.hidden)
    layers, dropouts = [], []
    for fan_in, fan_out in itertools.pairwise(widths):
        dropouts.append(GivenDropout(variant.dropout))
        layers += [nn.Linear(fan_in, fan_out, dtype=dtype), ACTIVATIONS[recipe.activation](), dropouts[-1]]
    network = nn.Sequential(*layers, nn.Linear(widths[-1], problem.num_outputs, dtype=dtype))
    linears = [layer for layer in network if isinstance(layer, nn.Linear)]
    without_dropout = nn.Sequential(*(layer for layer in network if not isinstance(layer, GivenDropout)))
    initialize_(without_dropout, scheme=variant.init, seed=variant.seed)

    schedule = Schedule(problem, recipe)
    batch, steps = schedule.batch_size, schedule.steps_per_epoch(variant.fold)
    num_rows = len(problem.training_rows(variant.fold))
    optimizer = torch.optim.Adam(
        network.parameters(), lr=recipe.learning_rate, betas=(recipe.beta1, recipe.beta2), eps=recipe.eps
    )
    scheduler = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda t: 0.5 * (1 + math.cos(math.pi * t / (recipe.epochs * steps)))
    )
    weights = torch.ones(len(problem.targets), dtype=dtype) if problem.weights is None else problem.weights
    stream = MaskStream(1.0, 0.0, dtype)
    units = sum(recipe.hidden)
    for epoch in range(num_epochs):
        order = epoch_order(variant.seed, epoch, variant.fold, problem.fold_of_rows)
        for step in range(steps):
            rows = order[step * batch : (step + 1) * batch]
            if variant.dropout > 0 and units > 0:
                block = schedule.steps_per_block
                number, place = divmod(step, block)
                size = min(block, steps - number * block)
                masks = stream.masks(variant.seed, variant.dropout, (epoch, number), (size, batch), recipe.hidden)
                for module, layer in zip(dropouts, masks, strict=True):
                    module.kept = layer[place]
            optimizer.zero_grad()
            outputs = network(problem.inputs[rows])
            if problem.task == "classification":
                losses = functional.cross_entropy(outputs, problem.targets[rows], reduction="none")
            else:
                losses = (outputs[:, 0] - problem.targets[rows]) ** 2
            penalty = sum((linear.weight**2).sum() for linear in linears)
            loss = (weights[rows] * losses).mean() + variant.l2 / (2 * num_rows) * penalty
            loss.backward()
            optimizer.step()
            scheduler.step()
    return network.eval()
