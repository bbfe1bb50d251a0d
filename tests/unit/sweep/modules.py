"""Small networks and data that the tests of `justfit.sweep` share; everything here can be imported by a worker."""

import torch
from torch import nn

NUM_ROWS = 60


def make_data(num_rows=NUM_ROWS, *, task="classification", seed=0):
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(num_rows, 6, generator=generator)
    signal = inputs[:, 0] + 0.5 * inputs[:, 1] * inputs[:, 2] + 0.3 * torch.randn(num_rows, generator=generator)
    return inputs, (signal > 0).long() if task == "classification" else signal[:, None]


def build():
    return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 2))


def build_plain():
    return nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 1))
