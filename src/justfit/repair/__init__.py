"""Repair by intervention: the cause is what helps when it is changed.

>>> import torch
>>> from torch import nn
>>> from justfit.repair import cure
>>> inputs = torch.randn(400, 6, generator=torch.Generator().manual_seed(0))
>>> targets = (inputs[:, 0] * inputs[:, 1] > 0).long()
>>> def build():
...     network = nn.Sequential(nn.Linear(6, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 2))
...     for parameter in network.parameters():
...         nn.init.zeros_(parameter)
...     return network
>>> found = cure(build, (inputs, targets), learning_rate=1e-2, epochs=20)
>>> found.state, found.cause
('cured', 'initialization')
"""

from __future__ import annotations

from justfit.repair._cure import cure
from justfit.repair._load import load_recipe
from justfit.repair._result import Cure

__all__ = ["Cure", "cure", "load_recipe"]
