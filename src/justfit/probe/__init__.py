"""Read a network: one forward and one backward pass, and everything left as it was.

Every operation is seen, wherever it stands: functional calls, packed and shared weights, residual sums, hand-written
normalisation and attention. What comes out is a plain record of numbers that the rules judge without torch.

>>> import torch
>>> from torch import nn
>>> from justfit.probe import read_signals
>>> _ = torch.manual_seed(0)
>>> network = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 3))
>>> evidence = read_signals(network, torch.randn(32, 20), targets=torch.arange(32) % 3)
>>> [(layer.name, layer.operation, layer.activation, layer.is_output) for layer in evidence.layers]
[('0', 'linear', 'relu', False), ('2', 'linear', None, True)]
>>> evidence.loss.name, round(evidence.loss.expected, 3)
('cross_entropy', 1.099)
"""

from __future__ import annotations

from justfit.probe._construction import recording_construction
from justfit.probe._graph import Node, weights_before
from justfit.probe._measure import read_signals
from justfit.probe._nonfinite import Broken, NonFiniteWatcher, find_nonfinite_values
from justfit.probe._operations import GATES, NONLINEARITIES, NORMALISATIONS, SATURATING
from justfit.probe._run import Batch, LossFunction, run_forward, run_loss, tensors_in
from justfit.probe._running import Running, running_place
from justfit.probe._source import find_source
from justfit.probe._structure import Structure, WeightUse, read_structure
from justfit.probe._tracer import AttentionCall, Observer, Tracer, WeightedCall
from justfit.probe._untouched import untouched
from justfit.probe._unwrap import eager, unwrap

__all__ = [
    "GATES",
    "NONLINEARITIES",
    "NORMALISATIONS",
    "SATURATING",
    "AttentionCall",
    "Batch",
    "Broken",
    "LossFunction",
    "Node",
    "NonFiniteWatcher",
    "Observer",
    "Running",
    "Structure",
    "Tracer",
    "WeightUse",
    "WeightedCall",
    "eager",
    "find_nonfinite_values",
    "find_source",
    "read_signals",
    "read_structure",
    "recording_construction",
    "run_forward",
    "run_loss",
    "running_place",
    "tensors_in",
    "untouched",
    "unwrap",
    "weights_before",
]
