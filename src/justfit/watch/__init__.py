"""Watch a training run: what its layers, gradients, updates and loss do, for about a hundredth of its time.

>>> import torch
>>> from torch import nn
>>> from justfit.watch import watch
>>> _ = torch.manual_seed(0)
>>> network = nn.Sequential(nn.Linear(20, 32), nn.ReLU(), nn.Linear(32, 3))
>>> optimizer = torch.optim.Adam(network.parameters())
>>> with watch(network, optimizer) as run:
...     for _ in range(10):
...         loss = nn.functional.cross_entropy(network(torch.randn(16, 20)), torch.arange(16) % 3)
...         optimizer.zero_grad()
...         loss.backward()
...         optimizer.step()
>>> run.record.evidence.optimizers[0].num_steps, [layer.name for layer in run.record.evidence.layers]
(10, ['0', '2'])
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from justfit.watch._early_stopping import EarlyStopping
from justfit.watch._run import Run
from justfit.watch._sinks import Sink
from justfit.watch._watch import watch

__all__ = ["EarlyStopping", "Run", "Sink", "watch"]


class _Room(ModuleType):
    """The room bears the name of its main function, and can be called like it: `justfit.watch(network, optimizer)`."""

    def __call__(self, *args: Any, **kwargs: Any) -> Run:
        return watch(*args, **kwargs)


sys.modules[__name__].__class__ = _Room
