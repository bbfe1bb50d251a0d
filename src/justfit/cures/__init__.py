"""Remedies: each says what it changes, changes it, and can undo it.

Initialization gives every layer weights of the size at which signals neither vanish nor explode:

>>> import torch
>>> from torch import nn
>>> from justfit.cures import Dropout, initialize_
>>> network = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), Dropout(0.2), nn.Linear(64, 3))
>>> before = network[0].weight.clone()
>>> record = initialize_(network, scheme="he", seed=0)
>>> [(change.name, round(change.std, 3), change.nonlinearity) for change in record.changes if change.std]
[('0.weight', 0.316, 'ReLU()'), ('3.weight', 0.125, 'linear')]
>>> record.undo()
>>> torch.equal(network[0].weight, before)
True

Dropout thins the network while it learns, and is not there when it predicts:

>>> x = torch.ones(2, 64)
>>> bool((network[2](x) == 0).any()), network.eval()[2](x) is x
(True, True)

The third cure, L2, is a term of the objective and not a change of the network: `justfit.maths.l2_penalty`.

The others change what stands in a network. Each returns what it changed, in words and as code, with `undo()`:

>>> from justfit.cures import insert_normalization_, replace_activations_, standardize_inputs_
>>> _ = torch.manual_seed(0)
>>> network = nn.Sequential(nn.Linear(20, 64), nn.Sigmoid(), nn.Linear(64, 3))
>>> rows = torch.randn(128, 20) * 40 + 100
>>> done = [
...     replace_activations_(network, "relu"),
...     insert_normalization_(network, rows),
...     standardize_inputs_(network, rows),
... ]
>>> list(network._modules)
['standardize', '0', '0_norm', '1', '2']
>>> [change.after for applied in done for change in applied.changes][0]
'nn.ReLU()'
>>> for applied in reversed(done):
...     applied.undo()
>>> network[1]
Sigmoid()

Where a line of the user's code cannot be reached from outside, it is named with what to write there (`by_hand`).
`pair_loss` finds the loss that belongs to outputs and targets, and `set_learning_rate_` changes an optimizer;
`clipping_change`, `l2_change`, `weight_decay_change` and `initialization_change` say their change without making it.
"""

from __future__ import annotations

from justfit.cures._change import Applied, Change
from justfit.cures._dropout import Dropout
from justfit.cures._initialization import initialize_
from justfit.cures._initialization_draw import BLIND_SCHEMES, SCHEMES, Scheme
from justfit.cures._initialization_record import Initialization, ParameterChange
from justfit.cures._insert_activations import insert_activations_
from justfit.cures._insert_dropout import insert_dropout_
from justfit.cures._insert_normalization import NormalizationKind, insert_normalization_
from justfit.cures._pair_loss import LossAdvice, pair_loss
from justfit.cures._paired_loss import PairedLoss
from justfit.cures._remove_output_activation import remove_output_activation_
from justfit.cures._replace_activations import replace_activations_
from justfit.cures._set_dropout import set_dropout_
from justfit.cures._set_learning_rate import learning_rate_change, set_learning_rate_
from justfit.cures._standardize import Standardize
from justfit.cures._standardize_inputs import standardize_inputs_
from justfit.cures._training_changes import clipping_change, initialization_change, l2_change, weight_decay_change

__all__ = [
    "BLIND_SCHEMES",
    "SCHEMES",
    "Applied",
    "Change",
    "Dropout",
    "Initialization",
    "LossAdvice",
    "NormalizationKind",
    "PairedLoss",
    "ParameterChange",
    "Scheme",
    "Standardize",
    "clipping_change",
    "initialization_change",
    "initialize_",
    "insert_activations_",
    "insert_dropout_",
    "insert_normalization_",
    "l2_change",
    "learning_rate_change",
    "pair_loss",
    "remove_output_activation_",
    "replace_activations_",
    "set_dropout_",
    "set_learning_rate_",
    "standardize_inputs_",
    "weight_decay_change",
]
